import { type PlanData, upstreamsMax } from '../link/plan-data.ts'
import { UP_LOOP_PROBES, UP_LOOP_SEEN, upstream as upstreamRow } from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { Rcode, Type } from '../wire/codes.ts'
import { probesMax } from './flight.ts'
import { LoopJudge, type LoopJudgeDeps } from './loop-judge.ts'
import { type LoopUnit, newUnit, probeableZone, topsOf, unitsOf } from './loop-unit.ts'
import { type Launch, writeProbeName } from './probe-name.ts'

/** How long a probe is in flight: below the second between probes of a marked upstream, so that each is judged before the next. */
export const probeLifeMs = 900
/**
 * Over a stream, until it is marked: a server that takes one question of a connection at a time (CoreDNS) may have one before it that loops,
 * and waits for us.
 */
const streamedLifeMs = 5000
/** An answer and our own sighting may cross on the way: so long a probe that was answered may still be seen. */
const crossingMs = 100
/** How often sightings of other shards are looked for while a probe is in flight. */
const lookMs = 50
/** Zones that are looked into, or marked, because of a hint. */
export const foundMax = 16
/** Between probes of an upstream that follow from hints. */
const hintIntervalMs = 5000
/** Hints of other shards are looked for so often. */
const lookForHintsMs = 1000
/** Of a hint about what is being probed just then: that probe, and one after it. */
const hintedProbes = 2
/** Hints that came to nothing in a row: each doubles the silence after the next, up to the interval. */
const fruitlessMax = 16
const never = Number.POSITIVE_INFINITY

export interface LoopProbeDeps extends LoopJudgeDeps {
  readonly counters: Counters
  /** The end of what it launches is told to `ended`. */
  readonly launch: Launch
}

/**
 * Finds loops: asks each upstream for a random name and looks whether the question comes back to us (DESIGN 2, FIELD 3.1).
 *
 *   idle ──nextAt, or a hint──▶ in flight ──sighting on the board──▶ seen
 *                                   └──answered + 100 ms, or 900 ms──▶ clean       (what follows: LoopJudge)
 *
 * A hint is asked about by a probe below the very name that came back: where only one zone of an upstream leads to us, that name is in it.
 * Nothing but marks comes of all this: dnsweir never exits because of a loop.
 */
export class LoopProbe {
  private readonly deps: LoopProbeDeps
  private readonly judge: LoopJudge
  private readonly name = new Uint8Array(256)
  /** By place on the board; the last ones are of hints. */
  private units: LoopUnit[] = []
  /** By upstream. */
  private readonly fruitless = new Uint8Array(upstreamsMax)
  /** No hint about the upstream is taken before. */
  private readonly quietUntil = new Float64Array(upstreamsMax)
  /** When the first of those that wait may be taken. */
  private hintAt = never
  private plan: PlanData | undefined
  private wakeAt = 0

  constructor(deps: LoopProbeDeps) {
    this.deps = deps
    this.judge = new LoopJudge(deps)
  }

  configure(plan: PlanData, now: number): void {
    const { board } = this.deps
    const before = this.units
    const restarted = this.plan === undefined
    before.forEach((_, place) => {
      board.land(place)
    })
    if (restarted) board.claim(plan.generation)
    const known = restarted ? board.zones.list() : []
    this.plan = plan
    this.units = unitsOf(plan, now).slice(0, probesMax - foundMax)
    this.judge.plan = plan
    this.judge.units = this.units
    for (const unit of this.units) {
      const old = before.find(({ key, isFound }) => key === unit.key && !isFound)
      // A shard that was restarted believes the board, until its own probes say otherwise.
      unit.marked = unit.isWhole ? (old?.marked ?? (restarted && board.isLooping(unit.route, unit.upstream))) : false
      unit.judged ||= old?.judged ?? false
      unit.isMixed = old?.isMixed ?? false
    }
    board.adopt(plan.generation, marksOf(plan, this.units))
    for (const { route, zone, mask } of known) {
      for (const upstream of plan.routes[route]?.upstreams ?? []) {
        if ((mask & (1 << upstream)) !== 0) this.believe(zone, plan.upstreams[upstream]?.name, now)
      }
    }
    for (const { marked, isWhole, zone, key } of before) {
      if (marked && !isWhole) this.believe(zone, key.slice(key.lastIndexOf(' ') + 1), now)
    }
    board.hints.clear()
    this.fruitless.fill(0)
    this.quietUntil.fill(now)
    this.wakeAt = now
    this.recordVerdict(now)
  }

  /** Probes and judges what is due; returns when it wants to be called again (ms). */
  run(now: number): number {
    if (this.deps.board.hints.arePosted() || now >= this.hintAt) this.takeHints(now)
    if (now < this.wakeAt) return Math.min(this.wakeAt, this.hintAt, now + lookForHintsMs)
    let next = never
    for (let place = 0; place < this.units.length; place++) {
      const unit = this.units[place] as LoopUnit
      if (unit.judgeAt !== never) this.look(unit, place, now)
      if (now >= unit.nextAt) this.send(unit, place, now)
    }
    for (const unit of this.units) {
      next = Math.min(next, unit.nextAt, unit.judgeAt === never ? never : Math.min(unit.judgeAt, now + lookMs))
    }
    this.wakeAt = next
    return Math.min(next, this.hintAt, now + lookForHintsMs)
  }

  /** The flight of a probe has ended: by an answer with this rcode, or (-1) without. */
  ended(flight: number, rcode: number, now: number): void {
    const unit = this.units.find((one) => one.flight === flight)
    if (unit === undefined) return
    unit.flight = -1
    if (rcode !== -1) unit.silences = 0
    // Whoever says that it failed, or won't, has perhaps not sent it on at all.
    unit.answered = rcode !== -1 && rcode !== Rcode.SERVFAIL && rcode !== Rcode.REFUSED
    if (unit.judgeAt !== never) unit.judgeAt = Math.min(unit.judgeAt, now + crossingMs)
    this.wakeAt = Math.min(this.wakeAt, unit.judgeAt)
  }

  private send(unit: LoopUnit, place: number, now: number): void {
    const { board, random, counters } = this.deps
    const isDatagram = this.plan?.upstreams[unit.upstream]?.transport === 'udp'
    const lifeMs = isDatagram || unit.marked ? probeLifeMs : streamedLifeMs
    if (this.judge.isCovered(unit)) return this.judge.goHome(unit, now)
    const a = random.u32() | 0
    const b = random.u32() | 0
    const c = random.u32() | 0
    const d = random.u32() | 0
    const length = writeProbeName(this.name, unit.zone, a, b, c, d)
    // The board first: on loopback the question may be back before the call that sent it returns.
    board.launch(place, a, b, c, d)
    unit.nextAt = never
    unit.sentAt = now
    unit.judgeAt = now + lifeMs
    unit.answered = false
    unit.silences++
    unit.flight = this.deps.launch(unit.route, unit.upstream, this.name, length, Type.HINFO, now, lifeMs)
    counters.add(upstreamRow.at(unit.upstream, UP_LOOP_PROBES))
  }

  private look(unit: LoopUnit, place: number, now: number): void {
    const { board, counters } = this.deps
    if (board.seen(place) === 0 && now < unit.judgeAt) return
    const isSeen = board.land(place) > 0
    unit.judgeAt = never
    unit.flight = -1
    if (isSeen) {
      counters.add(upstreamRow.at(unit.upstream, UP_LOOP_SEEN))
      this.fruitless[unit.upstream] = 0
      this.judge.seen(unit, place, now)
    } else this.judge.clean(unit, now)
    this.recordVerdict(now)
  }

  /** One probe per upstream, whatever was posted: nobody can make us send more. */
  private takeHints(now: number): void {
    const { hints } = this.deps.board
    const plan = this.plan as PlanData
    this.hintAt = never
    for (let upstream = 0; upstream < plan.upstreams.length; upstream++) {
      if (!hints.isReady(upstream)) continue
      const quietUntil = this.quietUntil[upstream] as number
      if (now < quietUntil) {
        this.hintAt = Math.min(this.hintAt, quietUntil)
        continue
      }
      if (!hints.take(upstream)) continue
      const fruitless = this.fruitless[upstream] as number
      const most = Math.max(plan.loopIntervalMs, hintIntervalMs)
      this.fruitless[upstream] = Math.min(fruitless + 1, fruitlessMax)
      this.quietUntil[upstream] = now + Math.min(hintIntervalMs * 2 ** fruitless, most)
      this.follow(upstream, hints.route, probeableZone(hints.name.slice(0, hints.nameLength)), now)
    }
  }

  /** Asks about the zone at the upstream, in the place of a new unit, or in that of the route where it is the same. */
  private follow(upstream: number, route: number, zone: Uint8Array, now: number): void {
    const top = topsOf(this.units, zone).find((unit) => unit.route === route && unit.upstream === upstream)
    if (top === undefined || top.marked) return
    this.wakeAt = now
    const same = this.units.find((unit) => (unit === top || unit.top === top) && Buffer.compare(unit.home, zone) === 0)
    if (same === undefined) this.find(top, zone, now)
    else if (same.judgeAt !== never) {
      // Its probe left before the loop was there, perhaps: one more follows.
      same.doubt = Math.max(same.doubt, hintedProbes)
    } else if (!same.waits && !same.marked) same.nextAt = now
  }

  private find(top: LoopUnit, zone: Uint8Array, now: number): LoopUnit | undefined {
    const found = this.units.filter(({ isFound }) => isFound)
    const idle = this.units.findIndex((unit) => unit.isFound && isIdle(unit))
    if (found.length >= foundMax && idle === -1) return undefined
    const unit = newUnit(this.plan as PlanData, top.route, top.upstream, zone, top, true, now)
    this.units[idle === -1 ? this.units.length : idle] = unit
    return unit
  }

  /** A zone that loops by the word of the plan before, or of a shard that ended. */
  private believe(zone: Uint8Array, upstreamName: string | undefined, now: number): void {
    const plan = this.plan as PlanData
    const tops = topsOf(this.units, zone).filter((unit) => plan.upstreams[unit.upstream]?.name === upstreamName)
    for (const top of tops.filter(({ marked }) => !marked)) {
      const isTop = Buffer.compare(top.home, zone) === 0
      const unit = isTop ? top : this.find(top, zone, now)
      if (unit === undefined) continue
      unit.marked = !isTop || !top.isWhole
      if (unit.marked) this.judge.write(unit)
    }
  }

  private recordVerdict(now: number): void {
    if (this.units.every((unit) => unit.judged)) this.deps.board.recordFirstVerdict(now)
  }
}

/** Came to nothing, or was healed: its place is free. */
function isIdle({ nextAt, judgeAt, waits, marked }: LoopUnit): boolean {
  return nextAt === never && judgeAt === never && !waits && !marked
}

function marksOf(plan: PlanData, units: readonly LoopUnit[]): number[] {
  return plan.routes.map((_, route) =>
    units.reduce(
      (mask, unit) => (unit.route === route && unit.isWhole && unit.marked ? mask | (1 << unit.upstream) : mask),
      0,
    ),
  )
}
