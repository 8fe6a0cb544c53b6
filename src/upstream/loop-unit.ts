import type { PlanData } from '../link/plan-data.ts'
import { loopZonesMax } from './loop-zones.ts'
import { probePrefixBytes } from './probe-name.ts'

const never = Number.POSITIVE_INFINITY
/** A name has at most 255 bytes (RFC 1035 section 2.3.4). */
const zoneBytesMax = 255 - probePrefixBytes

/** With more zones than this in routes of several, a loop in one marks its route: the board has room for so many, and for those that are found. */
const fineZonesMax = loopZonesMax / 2

/** One thing to probe: a zone at one upstream of a route. */
export interface LoopUnit {
  readonly route: number
  readonly upstream: number
  /** The zone it is there for, lower-case wire form. */
  readonly home: Uint8Array
  /** The unit of the route's own zone at or above `home`; undefined where this is it. */
  readonly top: LoopUnit | undefined
  /** A loop in it counts as one of all that the route sends: it has no other zone, or there are too many to tell apart. */
  readonly isWhole: boolean
  /** Came of a hint, and goes when it has no more to tell. */
  readonly isFound: boolean
  readonly key: string
  /** The zone of the next probe: an ancestor of `home` while its extent is sought. */
  zone: Uint8Array
  /** The largest zone that a probe came back for; undefined before one did. */
  extent: Uint8Array | undefined
  /** Something came back, and whether the whole route does is being found out first. */
  waits: boolean
  /** When the next probe leaves; Infinity while one is in flight, or its turn has not come. */
  nextAt: number
  sentAt: number
  flight: number
  /** When a probe in flight is judged clean; Infinity while none is. */
  judgeAt: number
  /** Whether the probe had an answer that says something of where it went. */
  answered: boolean
  /** Probes in a row that were seen. */
  seen: number
  /** What the clean ones in a row weigh, while marked. */
  clean: number
  /** Quick clean ones that have followed. */
  verified: number
  /** After one was seen: how many more may stay away before it is believed that none comes back. */
  doubt: number
  /** One that was answered has stayed away after one that came back. */
  lapsed: boolean
  /** Some come back and some don't: there is another way, taken by chance. */
  isMixed: boolean
  /** Probes in a row that were neither answered nor seen. */
  silences: number
  marked: boolean
  judged: boolean
}

/**
 * Every zone of every route at each of its upstreams; then, for `plan.loopZones` that have no route of their own, the same at the upstreams of the
 * route that they take. These wait until the route itself has been judged.
 */
export function unitsOf(plan: PlanData, now: number): LoopUnit[] {
  const tops = plan.routes.flatMap((route, r) =>
    route.zones
      .filter((zone) => zone.length <= zoneBytesMax)
      .flatMap((zone) => route.upstreams.map((upstream) => newUnit(plan, r, upstream, zone, undefined, false, now))),
  )
  const isOwn = (zone: Uint8Array): boolean => tops.some(({ home }) => Buffer.compare(home, zone) === 0)
  const below = plan.loopZones
    .filter((zone) => zone.length <= zoneBytesMax && !isOwn(zone))
    .flatMap((zone) => topsOf(tops, zone).map((top) => newUnit(plan, top.route, top.upstream, zone, top, false, never)))
  return [...tops, ...below]
}

/** The units of the route that the zone takes, one per upstream. */
export function topsOf(units: readonly LoopUnit[], zone: Uint8Array): LoopUnit[] {
  const above = units.filter(({ top, home }) => top === undefined && isAtOrBelow(zone, home))
  const longest = Math.max(...above.map(({ home }) => home.length))
  return above.filter(({ home }) => home.length === longest)
}

export function newUnit(
  plan: PlanData,
  route: number,
  upstream: number,
  zone: Uint8Array,
  top: LoopUnit | undefined,
  isFound: boolean,
  nextAt: number,
): LoopUnit {
  const { name = '', zones = [] } = plan.routes[route] ?? {}
  const isFine =
    plan.routes.reduce((sum, one) => sum + (one.zones.length > 1 ? one.zones.length : 0), 0) <= fineZonesMax
  return {
    route,
    upstream,
    home: zone,
    top,
    isWhole: top === undefined && (zones.length === 1 || !isFine),
    isFound,
    key: `${Buffer.from(zone).toString('hex')} ${name} ${plan.upstreams[upstream]?.name}`,
    zone,
    extent: undefined,
    waits: false,
    nextAt,
    sentAt: 0,
    flight: -1,
    judgeAt: never,
    answered: false,
    seen: 0,
    clean: 0,
    verified: 0,
    doubt: 0,
    lapsed: false,
    isMixed: false,
    silences: 0,
    marked: false,
    judged: top !== undefined,
  }
}

/** The name itself, or as much of its end as a probe's name has room for. */
export function probeableZone(name: Uint8Array): Uint8Array {
  let zone = name
  while (zone.length > zoneBytesMax) zone = parentOf(zone)
  return zone
}

/** The name without its first label; not to be asked of the root. */
export function parentOf(zone: Uint8Array): Uint8Array {
  return zone.subarray((zone[0] as number) + 1)
}

export function isAtOrBelow(name: Uint8Array, zone: Uint8Array): boolean {
  let rest = name
  while (rest.length > zone.length) rest = parentOf(rest)
  return Buffer.compare(rest, zone) === 0
}
