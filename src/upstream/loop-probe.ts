import { isMapped } from '../base/address.ts'
import type { Random } from '../base/random.ts'
import type { LoopEvent } from '../link/messages.ts'
import type { PlanData } from '../link/plan-data.ts'
import { UP_LOOP_PROBES, UP_LOOP_SEEN, upstream as upstreamRow } from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { Type } from '../wire/codes.ts'
import { addressToText } from '../wire/text.ts'
import { probesMax } from './flight.ts'
import type { LoopBoard } from './loop-board.ts'
import { probePrefixBytes, writeProbeName } from './probe-name.ts'

/** How long a probe is in flight: below the second between probes of a marked upstream, so that each is judged before the next. */
export const probeLifeMs = 900
/** Between probes of an upstream that is marked, or was seen once: an answer is wanted soon. */
const markedIntervalMs = 1000
/** After the first sighting the second probe follows at once, so that a start knows within a second. */
const confirmMs = 20
/** After a probe that nobody answered, doubled each time up to the interval. */
const silenceMs = 1000
/** An answer and our own sighting may cross on the way: so long a probe that was answered may still be seen. */
const crossingMs = 100
/** How often sightings of other shards are looked for while a probe is in flight. */
const lookMs = 50
/** Different probes in a row that mark, and that heal. */
const inARow = 2
/** Probes of all upstreams don't leave together: each interval is drawn from 90 – 110 %. */
const jitter = 0.1
const never = Number.POSITIVE_INFINITY

export interface LoopProbeDeps {
  readonly board: LoopBoard
  readonly random: Random
  readonly counters: Counters
  readonly events: (event: LoopEvent) => void
  readonly listenerName?: (listener: number) => string
  /** Sends a question once; returns the flight, or -1. Its end is told to `ended`. */
  readonly launch: (
    route: number,
    upstream: number,
    name: Uint8Array,
    nameLength: number,
    type: number,
    now: number,
  ) => number
}

/** One thing to probe: a zone of a route at one of its upstreams. A loop may exist for one zone of a route only. */
interface Unit {
  readonly route: number
  readonly upstream: number
  readonly zone: Uint8Array
  readonly key: string
  /** When the next probe leaves; Infinity while one is in flight. */
  nextAt: number
  flight: number
  /** When a probe in flight is judged clean; Infinity while none is. */
  judgeAt: number
  /** Probes in a row that were seen, or were not. */
  seen: number
  clean: number
  /** Probes in a row that were neither answered nor seen. */
  silences: number
  marked: boolean
  judged: boolean
}

/**
 * Finds loops: asks each upstream for a random name and looks whether the question comes back to us (DESIGN 2, FIELD 3.1).
 *
 *   idle ──nextAt──▶ in flight ──sighting on the board──▶ seen ──2 in a row──▶ marked
 *                        └──answered + 100 ms, or 900 ms──▶ clean ──2 in a row──▶ healed
 *
 * A (route, upstream) is marked while one of its zones is. Nothing but marks comes of it: dnsweir never exits because of a loop.
 */
export class LoopProbe {
  private readonly deps: LoopProbeDeps
  private readonly name = new Uint8Array(256)
  private readonly from = new Uint8Array(16)
  private units: Unit[] = []
  private plan: PlanData | undefined
  private wakeAt = 0

  constructor(deps: LoopProbeDeps) {
    this.deps = deps
  }

  configure(plan: PlanData, now: number): void {
    const { board } = this.deps
    const before = new Map(this.units.map((unit) => [unit.key, unit]))
    const restarted = this.plan === undefined
    this.units.forEach((_, place) => {
      board.land(place)
    })
    if (restarted) board.claim(plan.generation)
    this.plan = plan
    this.units = unitsOf(plan, now).slice(0, probesMax)
    for (const unit of this.units) {
      const old = before.get(unit.key)
      // A shard that was restarted believes the board, until its own probes say otherwise.
      unit.marked = old?.marked ?? (restarted && board.isLooping(unit.route, unit.upstream))
      unit.judged = old?.judged ?? false
    }
    board.adopt(
      plan.generation,
      plan.routes.map((_, route) => this.marksOf(route)),
    )
    this.wakeAt = now
    this.recordVerdict(now)
  }

  /** Probes and judges what is due; returns when it wants to be called again (ms), Infinity for never. */
  run(now: number): number {
    if (now < this.wakeAt) return this.wakeAt
    let next = never
    for (let place = 0; place < this.units.length; place++) {
      const unit = this.units[place] as Unit
      if (unit.judgeAt !== never) this.look(unit, place, now)
      if (now >= unit.nextAt) this.send(unit, place, now)
      next = Math.min(next, unit.nextAt, unit.judgeAt === never ? never : Math.min(unit.judgeAt, now + lookMs))
    }
    this.wakeAt = next
    return next
  }

  /** The flight of a probe has ended, by an answer or without. */
  ended(flight: number, answered: boolean, now: number): void {
    for (let place = 0; place < this.units.length; place++) {
      const unit = this.units[place] as Unit
      if (unit.flight !== flight) continue
      unit.flight = -1
      if (answered) unit.silences = 0
      if (unit.judgeAt !== never) unit.judgeAt = Math.min(unit.judgeAt, now + crossingMs)
      this.wakeAt = Math.min(this.wakeAt, unit.judgeAt)
      return
    }
  }

  private send(unit: Unit, place: number, now: number): void {
    const { board, random, counters } = this.deps
    const a = random.u32() | 0
    const b = random.u32() | 0
    const c = random.u32() | 0
    const d = random.u32() | 0
    const length = writeProbeName(this.name, unit.zone, a, b, c, d)
    // The board first: on loopback the question may be back before the call that sent it returns.
    board.launch(place, a, b, c, d)
    unit.nextAt = never
    unit.judgeAt = now + probeLifeMs
    unit.silences++
    unit.flight = this.deps.launch(unit.route, unit.upstream, this.name, length, Type.HINFO, now)
    counters.add(upstreamRow.at(unit.upstream, UP_LOOP_PROBES))
  }

  private look(unit: Unit, place: number, now: number): void {
    const { board, counters } = this.deps
    if (board.seen(place) === 0 && now < unit.judgeAt) return
    const seen = board.land(place) > 0
    unit.judgeAt = never
    unit.flight = -1
    unit.seen = seen ? unit.seen + 1 : 0
    if (seen) unit.silences = 0
    unit.clean = seen ? 0 : unit.clean + 1
    if (seen) counters.add(upstreamRow.at(unit.upstream, UP_LOOP_SEEN))
    if (!unit.marked && unit.seen >= inARow) this.change(unit, place, true)
    if (unit.marked && unit.clean >= inARow) this.change(unit, place, false)
    unit.nextAt = now + this.interval(unit)
    if (unit.judged || (seen && !unit.marked)) return
    unit.judged = true
    this.recordVerdict(now)
  }

  private interval(unit: Unit): number {
    if (unit.marked) return markedIntervalMs
    if (unit.seen > 0) return confirmMs
    // No answer is no proof of innocence: the way there may just be opening (a stream, a server that starts).
    const retryMs = silenceMs * 2 ** Math.min(unit.silences - 1, 20)
    if (unit.silences > 0 && retryMs < (this.plan as PlanData).loopIntervalMs) return retryMs
    const spread = 1 - jitter + (2 * jitter * this.deps.random.u16()) / 0xffff
    return (this.plan as PlanData).loopIntervalMs * spread
  }

  /** Marks or heals; main hears of it when the (route, upstream) as a whole changed. */
  private change(unit: Unit, place: number, marked: boolean): void {
    const { board } = this.deps
    const before = board.isLooping(unit.route, unit.upstream)
    unit.marked = marked
    const after = (this.marksOf(unit.route) & (1 << unit.upstream)) !== 0
    if (before === after) return
    if (after) board.mark(unit.route, unit.upstream)
    else board.heal(unit.route, unit.upstream)
    const plan = this.plan as PlanData
    this.deps.events({
      kind: 'loop',
      marked,
      route: plan.routes[unit.route]?.name ?? '',
      upstream: plan.upstreams[unit.upstream]?.name ?? '',
      listener: marked ? (this.deps.listenerName?.(board.listenerOf(place)) ?? '') : '',
      from: marked ? this.sender(place) : '',
    })
  }

  private sender(place: number): string {
    const port = this.deps.board.senderOf(place, this.from)
    if (port === 0) return ''
    const mapped = isMapped(this.from, 0)
    const text = addressToText(mapped ? this.from.subarray(12) : this.from)
    return mapped ? `${text}:${port}` : `[${text}]:${port}`
  }

  private marksOf(route: number): number {
    return this.units.reduce(
      (mask, unit) => (unit.route === route && unit.marked ? mask | (1 << unit.upstream) : mask),
      0,
    )
  }

  private recordVerdict(now: number): void {
    if (this.units.every((unit) => unit.judged)) this.deps.board.recordFirstVerdict(now)
  }
}

/** Every zone of every route at each of its upstreams; a zone so long that no probe's name fits is left out. */
function unitsOf(plan: PlanData, now: number): Unit[] {
  return plan.routes.flatMap((route, r) =>
    route.zones
      .filter((zone) => zone.length + probePrefixBytes <= 255)
      .flatMap((zone) =>
        route.upstreams.map((upstream) => ({
          route: r,
          upstream,
          zone,
          key: `${Buffer.from(zone).toString('hex')} ${route.name} ${plan.upstreams[upstream]?.name}`,
          nextAt: now,
          flight: -1,
          judgeAt: never,
          seen: 0,
          clean: 0,
          silences: 0,
          marked: false,
          judged: false,
        })),
      ),
  )
}
