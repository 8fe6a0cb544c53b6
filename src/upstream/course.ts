import { Deadlines } from '../base/deadlines.ts'
import type { ForwardData } from '../link/plan-data.ts'
import type { Attempts } from './attempts.ts'
import type { Choice } from './choice.ts'
import type { CourseDeps } from './course-deps.ts'
import type { Flights } from './flight.ts'
import { flightSlots, HEDGE_ARMED, SHARED } from './flight.ts'
import { Hedge } from './hedge.ts'
import { HoldBack } from './hold-back.ts'
import { Landing } from './landing.ts'

export type { CourseDeps } from './course-deps.ts'

/** Between attempts where the network says that nobody is there, and there is nobody else to ask. */
const refusedPauseMs = 100
/** Where there is nobody else to ask, the same upstream is asked again only after twice the time: it may just be slow, not deaf. */
const againFactor = 2
/** Rest of a health check's flight before it is sent again. */
const reviveMs = 1000
/** Left of `replyWithin` when all attempts have had their time. */
const replyMarginMs = 100
const never = Number.POSITIVE_INFINITY

/**
 * The course of a flight from its first attempt to its one end:
 *
 *   attempt ──answer──▶ deliver                         ──SERVFAIL, REFUSED──▶ next upstream, else deliver
 *      ├──TC, near misses──▶ the same over a stream     ──FORMERR, NOTIMP──▶ once more without EDNS
 *      ├──p95 is over──▶ another upstream as well (hedge)
 *      ├──timeout──▶ next attempt; after the last one wait until giveUpAfter
 *      └──network says no──▶ next upstream at once; fail when all attempts were refused
 *
 * Nothing here ends a flight while `ask` is still at work on it: what can't be sent is left to the next `run`.
 */
export class Course {
  private readonly deps: CourseDeps
  private readonly flights: Flights
  private readonly attempts: Attempts
  private readonly choice: Choice
  readonly landing: Landing
  private readonly holdBack: HoldBack
  readonly hedge: Hedge
  private readonly deadlines: Deadlines
  /** What all attempts leave each other of `replyWithin`. */
  attemptMsMax = 1

  constructor(deps: CourseDeps, now: number) {
    this.deps = deps
    this.flights = deps.flights
    this.attempts = deps.attempts
    this.choice = deps.choice
    this.deadlines = new Deadlines(flightSlots, now, (flight, at) => this.due(flight, at))
    this.holdBack = new HoldBack(deps.flights, deps.budget, deps.counters)
    this.hedge = new Hedge(deps, this)
    this.landing = new Landing(deps, this.deadlines)
  }

  /** Start and reload: `before[new index]` is the old index of an upstream or route, or -1. All attempts together fit into `replyWithin`. */
  configure(
    forward: ForwardData,
    upstreamBefore: readonly number[],
    routeBefore: readonly number[],
    now: number,
  ): void {
    this.attemptMsMax = Math.max((forward.replyWithinMs - replyMarginMs) / forward.attempts, 1)
    this.hedge.isOn = forward.hedge === 'p95'
    this.attempts.renumber(upstreamBefore)
    this.flights.renumber(routeBefore, upstreamBefore)
    for (let flight = 0; flight < flightSlots; flight++) {
      if (!this.flights.isOpen(flight) || this.flights.route[flight] !== -1) continue
      // Its end is told by the next run, not from within a reload.
      this.flights.giveUpAt[flight] = now
      this.arm(flight)
    }
  }

  /** One attempt at `upstream`, whose time runs from now; later, where its budget is spent. */
  attempt(flight: number, upstream: number, now: number): void {
    const wait = this.flights.kind[flight] === SHARED ? this.holdBack.of(flight, upstream, now) : 0
    if (wait !== 0) {
      if (wait === -1) this.flights.attemptsLeft[flight] = 0
      this.flights.current[flight] = -1
      this.flights.attemptAt[flight] = now + Math.max(wait, 0)
      return this.arm(flight)
    }
    this.flights.attemptsLeft[flight] = Math.max((this.flights.attemptsLeft[flight] as number) - 1, 0)
    const isFirst = this.flights.tried[flight] === 0
    const attempt = this.send(flight, upstream, now)
    const isAlone = this.choice.next(flight, true) === -1
    const ms = this.attemptMs(upstream, isAlone ? againFactor : 1)
    this.watch(flight, attempt, ms, now)
    if (isFirst && !isAlone && attempt !== -1 && this.hedge.arms(flight, upstream, ms))
      this.hedge.arrange(flight, upstream, now)
  }

  /**
   * A health check's flight that only waits for a late answer is sent once more: it is asked in order to learn whether somebody is there by now. All
   * other questions have had their three sends (RFC 9520 section 3.2).
   */
  revive(flight: number, now: number): void {
    const spent = this.flights.attemptsLeft[flight] === 0 && this.flights.current[flight] === -1
    if (!spent || this.flights.restrained[flight] === 1) return
    const latest = this.attempts.latest(flight)
    if (latest !== -1 && now - (this.attempts.sentAt[latest] as number) < reviveMs) return
    this.flights.attemptsLeft[flight] = 1
    this.flights.attemptAt[flight] = now
    this.arm(flight)
  }

  /** Sets the wheel to the first of the flight's three deadlines. */
  arm(flight: number): void {
    const { attemptAt, replyAt, giveUpAt } = this.flights
    const at = Math.min(attemptAt[flight] as number, replyAt[flight] as number, giveUpAt[flight] as number)
    this.deadlines.set(flight, at)
  }

  run(now: number): void {
    this.deadlines.run(now)
  }

  upcoming(now: number, limit: number): number {
    return this.deadlines.upcoming(now, limit)
  }

  /** Somebody guesses at this flight: no datagram is believed any more. Probes stay as they are: they are sent once. */
  suspect(flight: number, now: number): void {
    if (this.flights.kind[flight] !== SHARED || this.flights.overStream[flight] === 1) return
    const latest = this.attempts.latest(flight)
    this.moveToStream(flight, latest === -1 ? -1 : (this.attempts.upstream[latest] as number), now)
  }

  /** The network said no on a port: the questions that wait there are asked elsewhere, yet their true answers would still be heard. */
  portFailed(port: number, now: number): void {
    for (let attempt = this.attempts.firstOn(port); attempt !== -1; attempt = this.attempts.nextOn(attempt)) {
      this.refused(attempt, now)
    }
  }

  streamFailed(attempt: number, now: number): void {
    this.deps.track.unreachable(this.attempts.upstream[attempt] as number, now)
    this.refused(attempt, now)
    this.close(attempt)
  }

  /** Nothing that answers the attempt is heard any more. */
  close(attempt: number): void {
    this.hedge.forget(this.attempts.flightOf(attempt), attempt)
    this.deps.sender.close(attempt)
  }

  /** Returns the attempt, or -1. */
  send(flight: number, upstream: number, now: number): number {
    this.flights.tried[flight] = (this.flights.tried[flight] as number) | (1 << upstream)
    const overStream = this.flights.overStream[flight] === 1 || this.deps.isStreamed(upstream)
    const { sender } = this.deps
    return overStream ? sender.stream(flight, upstream, now) : sender.datagram(flight, upstream, now)
  }

  private due(flight: number, now: number): void {
    if (now >= (this.flights.giveUpAt[flight] as number)) {
      this.landing.fail(flight, this.landing.reason(flight), now)
      return
    }
    if (now >= (this.flights.replyAt[flight] as number)) {
      this.flights.replyAt[flight] = never
      this.deps.end.overdue(flight, now)
    }
    if (now < (this.flights.attemptAt[flight] as number) || this.advance(flight, now)) this.arm(flight)
  }

  /** The current attempt's time is over: the next one, or none. False when that was the flight's end. */
  private advance(flight: number, now: number): boolean {
    if (this.flights.hedge[flight] === HEDGE_ARMED) {
      this.hedge.askSecond(flight, now)
      return true
    }
    const current = this.flights.current[flight] as number
    this.flights.attemptAt[flight] = never
    this.timeOut(current, now)
    this.flights.current[flight] = -1
    const hedge = this.hedge.after(flight, current)
    if (hedge !== -1) {
      this.hedge.resume(flight, hedge, now)
      return true
    }
    const rcode = this.flights.failureRcode[flight] as number
    if (rcode !== 0) {
      this.landing.deliverFailure(flight, rcode, -1, now)
      return false
    }
    const upstream = this.flights.attemptsLeft[flight] === 0 ? -1 : this.choice.next(flight, false)
    if (upstream !== -1) {
      this.attempt(flight, upstream, now)
      return true
    }
    this.flights.attemptsLeft[flight] = 0
    if (this.attempts.hopeful(flight) !== 0) return true
    this.landing.fail(flight, this.landing.reason(flight), now)
    return false
  }

  private timeOut(attempt: number, now: number): void {
    if (attempt === -1 || !this.attempts.isOpen(attempt) || this.attempts.refused[attempt] === 1) return
    const elapsed = now - (this.attempts.sentAt[attempt] as number)
    this.deps.track.timedOut(this.attempts.upstream[attempt] as number, elapsed, now)
  }

  /** `attempt` is the one whose time runs, for `ms`; -1: it could not be sent. */
  watch(flight: number, attempt: number, ms: number, now: number): void {
    this.flights.current[flight] = attempt
    this.hedge.disarm(flight)
    if (attempt === -1) this.networkFailed(flight, now)
    else this.flights.attemptAt[flight] = now + ms
    this.arm(flight)
  }

  /** The rest of the flight goes over streams, from `upstream` on (-1: another one). */
  moveToStream(flight: number, upstream: number, now: number): void {
    this.landing.closeAttempts(flight)
    this.hedge.forget(flight, this.flights.hedge[flight] as number)
    this.flights.overStream[flight] = 1
    const attempt = upstream === -1 ? -1 : this.deps.sender.stream(flight, upstream, now)
    // A connection costs a round trip before the question does.
    this.watch(flight, attempt, upstream === -1 ? 0 : this.attemptMs(upstream, 2), now)
  }

  private refused(attempt: number, now: number): void {
    if (this.attempts.refused[attempt] === 1) return
    this.attempts.refused[attempt] = 1
    const flight = this.attempts.flightOf(attempt)
    if (this.flights.current[flight] !== attempt) return
    this.networkFailed(flight, now)
    this.arm(flight)
  }

  /** The next attempt is due at once; only where there is nobody else to ask, and it happened before, after a pause. */
  private networkFailed(flight: number, now: number): void {
    const errors = Math.min((this.flights.networkErrors[flight] as number) + 1, 0xff)
    this.flights.networkErrors[flight] = errors
    this.hedge.disarm(flight)
    const pause = errors > 1 && this.choice.next(flight, true) === -1 ? refusedPauseMs : 0
    this.flights.attemptAt[flight] = now + pause
  }

  /** How long an attempt at the upstream may take, times `factor`. */
  attemptMs(upstream: number, factor = 1): number {
    return Math.min(factor * this.deps.health.attemptMs(upstream), this.attemptMsMax)
  }
}
