import { isMapped } from '../base/address.ts'
import type { Random } from '../base/random.ts'
import type { LoopEvent } from '../link/messages.ts'
import type { PlanData } from '../link/plan-data.ts'
import { addressToText, nameToText } from '../wire/text.ts'
import type { LoopBoard } from './loop-board.ts'
import { type LoopUnit, parentOf } from './loop-unit.ts'

/** Between probes of an upstream that is marked. */
const markedIntervalMs = 1000
/** After a sighting the next probe follows at once, so that a start knows within a second. */
const confirmMs = 20
/** After a probe that nobody answered, doubled each time up to the interval. */
const silenceMs = 1000
/** Different probes in a row that mark. */
const seenToMark = 2
/** A sighting can't be forged, so it is followed up until so many in a row have stayed away: an upstream that takes us every other time is found as well. */
const doubtProbes = 8
/** Of those for a parent, while the extent of a loop is sought. */
const climbProbes = 4
/** What a clean probe weighs where it had an answer, and where it had none or SERVFAIL, which tells little of where it went. */
const answeredWeight = 5
const silentWeight = 1
/** Two clean ones that were answered heal, … */
const healWeight = 2 * answeredWeight
/** … confirmed by quick ones; where some come back and some don't, so many in a row. */
const verifyProbes = 6
const mixedHealWeight = 16 * answeredWeight
/** Zones without a route of their own are probed at start and then this much more rarely: what comes back in them gives a hint of itself. */
const zoneIntervals = 10
/** Probes of all upstreams don't leave together: each interval is drawn from 90 – 110 %. */
const jitter = 0.1
/** Zones are probed so soon after their route was found clean: at once, but not all in one millisecond. */
const spreadMs = 100
const never = Number.POSITIVE_INFINITY

export interface LoopJudgeDeps {
  readonly board: LoopBoard
  readonly random: Random
  readonly events: (event: LoopEvent) => void
  readonly listenerName?: (listener: number) => string
}

/**
 * What follows from a probe that was seen, or was not:
 *
 *   idle ──seen──▶ doubt ──2 in a row──▶ marked ──2 clean, 6 quick ones──▶ healed
 *                    └──8 clean in a row──▶ idle
 *
 * A zone below its route's: seen ──▶ is it the whole route? ──no──▶ its parent too? … ──no──▶ the largest that does is marked, alone.
 */
export class LoopJudge {
  private readonly deps: LoopJudgeDeps
  private readonly from = new Uint8Array(16)
  plan: PlanData | undefined
  units: readonly LoopUnit[] = []

  constructor(deps: LoopJudgeDeps) {
    this.deps = deps
  }

  seen(unit: LoopUnit, place: number, now: number): void {
    unit.silences = 0
    if (unit.marked) {
      if (unit.clean > 0) unit.isMixed = true
      unit.clean = 0
      unit.verified = 0
      unit.nextAt = Math.max(now, unit.sentAt + markedIntervalMs)
      return
    }
    if (unit.lapsed) unit.isMixed = true
    unit.seen++
    unit.doubt = doubtProbes
    unit.nextAt = now + confirmMs
    if (unit.top !== undefined && unit.zone !== unit.extent) return this.reaches(unit, unit.top, now)
    if (unit.seen >= seenToMark) this.mark(unit, place, now)
  }

  clean(unit: LoopUnit, now: number): void {
    if (unit.marked) return this.recovers(unit, now)
    if (unit.seen > 0 && unit.answered && (unit.top === undefined || unit.zone === unit.extent)) unit.lapsed = true
    unit.seen = 0
    unit.doubt = Math.max(unit.doubt - 1, 0)
    unit.nextAt = now + (unit.doubt > 0 ? confirmMs : this.interval(unit))
    unit.judged = true
    if (unit.doubt > 0) return
    unit.lapsed = false
    if (unit.top === undefined) this.release(unit, now)
    else if (unit.extent !== undefined && unit.zone !== unit.extent) this.settle(unit, unit.extent, now)
    else this.goHome(unit, now)
  }

  /** Nothing to ask about: all it could find is known. */
  isCovered({ route, upstream, home, top, marked }: LoopUnit): boolean {
    const looping = this.deps.board.loopingFor(route, home, 0, home.length)
    return top !== undefined && !marked && (looping & (1 << upstream)) !== 0
  }

  /** The unit, at rest: a found one is gone. */
  goHome(unit: LoopUnit, now: number): void {
    unit.zone = unit.home
    unit.extent = undefined
    unit.waits = false
    unit.doubt = 0
    unit.lapsed = false
    unit.seen = 0
    unit.nextAt = unit.isFound ? never : now + this.interval(unit)
  }

  /** Puts the unit's mark on the board, or takes it off; false where there is no room for it. */
  write(unit: LoopUnit): boolean {
    const { board } = this.deps
    if (unit.isWhole) {
      if (unit.marked) board.mark(unit.route, unit.upstream)
      else board.heal(unit.route, unit.upstream)
      return true
    }
    if (unit.marked) return board.zones.mark(unit.route, unit.upstream, unit.zone)
    board.zones.heal(unit.route, unit.upstream, unit.zone)
    return true
  }

  /** A zone came back. It may be all of the route, and where it is not, its parent may do so too. */
  private reaches(unit: LoopUnit, top: LoopUnit, now: number): void {
    const isFirst = unit.extent === undefined
    unit.extent = unit.zone
    unit.seen = 1
    if (isFirst) {
      unit.waits = true
      unit.nextAt = never
      top.doubt = doubtProbes
      if (top.judgeAt === never) top.nextAt = now
      return
    }
    this.climb(unit, unit.zone, top, now)
  }

  private climb(unit: LoopUnit, extent: Uint8Array, top: LoopUnit, now: number): void {
    const parent = parentOf(extent)
    // The route's own zone was found clean.
    if (parent.length <= top.home.length) return this.settle(unit, extent, now)
    unit.zone = parent
    unit.doubt = climbProbes
    unit.nextAt = now + confirmMs
  }

  private settle(unit: LoopUnit, extent: Uint8Array, now: number): void {
    unit.zone = extent
    unit.seen = 1
    unit.doubt = doubtProbes
    unit.nextAt = now + confirmMs
    if (this.isCovered({ ...unit, home: extent })) this.goHome(unit, now)
  }

  /** The route as a whole is clean: its zones may be asked about, and those that came back are looked into. */
  private release(top: LoopUnit, now: number): void {
    for (const unit of this.units) {
      if (unit.top !== top || unit.judgeAt !== never) continue
      if (unit.waits && unit.extent !== undefined) {
        unit.waits = false
        this.climb(unit, unit.extent, top, now)
      } else if (unit.nextAt === never && !unit.isFound)
        unit.nextAt = now + (spreadMs * this.deps.random.u16()) / 0xffff
    }
  }

  private mark(unit: LoopUnit, place: number, now: number): void {
    unit.marked = true
    unit.judged = true
    unit.clean = 0
    unit.verified = 0
    unit.nextAt = Math.max(now, unit.sentAt + markedIntervalMs)
    if (!this.write(unit)) {
      unit.marked = false
      return this.goHome(unit, now)
    }
    for (const below of this.units) {
      if (below.top !== unit) continue
      // What was marked below it is part of it now.
      if (below.marked) {
        below.marked = false
        this.write(below)
      }
      this.goHome(below, now)
    }
    this.tell(unit, place)
  }

  private recovers(unit: LoopUnit, now: number): void {
    unit.clean += unit.answered ? answeredWeight : silentWeight
    unit.nextAt = Math.max(now, unit.sentAt + markedIntervalMs)
    if (unit.clean < (unit.isMixed ? mixedHealWeight : healWeight)) return
    if (unit.answered && !unit.isMixed && unit.verified < verifyProbes) {
      unit.verified++
      unit.nextAt = now + confirmMs
      return
    }
    unit.marked = false
    this.write(unit)
    this.tell(unit, -1)
    this.goHome(unit, now)
    if (unit.top === undefined) this.release(unit, now)
  }

  private interval(unit: LoopUnit): number {
    const { loopIntervalMs } = this.plan as PlanData
    const interval = unit.top === undefined ? loopIntervalMs : zoneIntervals * loopIntervalMs
    // No answer is no proof of innocence: the way there may just be opening (a stream, a server that starts).
    const retryMs = silenceMs * 2 ** Math.min(unit.silences - 1, 20)
    if (unit.silences > 0 && retryMs < loopIntervalMs && unit.top === undefined) return retryMs
    return interval * (1 - jitter + (2 * jitter * this.deps.random.u16()) / 0xffff)
  }

  private tell(unit: LoopUnit, place: number): void {
    const { plan } = this
    this.deps.events({
      kind: 'loop',
      marked: unit.marked,
      route: plan?.routes[unit.route]?.name ?? '',
      zone: unit.isWhole ? '' : textOf(unit.zone),
      upstream: plan?.upstreams[unit.upstream]?.name ?? '',
      listener: place === -1 ? '' : (this.deps.listenerName?.(this.deps.board.listenerOf(place)) ?? ''),
      from: place === -1 ? '' : this.sender(place),
    })
  }

  private sender(place: number): string {
    const port = this.deps.board.senderOf(place, this.from)
    if (port === 0) return ''
    const mapped = isMapped(this.from, 0)
    const text = addressToText(mapped ? this.from.subarray(12) : this.from)
    return mapped ? `${text}:${port}` : `[${text}]:${port}`
  }
}

/** As an operator writes it, without trailing dot. */
function textOf(zone: Uint8Array): string {
  return zone.length === 1 ? '.' : nameToText(zone).slice(0, -1)
}
