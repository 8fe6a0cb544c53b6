import { UP_HEDGED, UP_HEDGES_WON, upstream as upstreamRow } from '../metrics/catalog.ts'
import { URGENCY_EARLY } from './budget.ts'
import type { CourseDeps } from './course-deps.ts'
import { flightsMax, HEDGE_ARMED, HEDGE_NONE, SHARED } from './flight.ts'

/** One flight in so many may be asked of a second upstream: it is meant for the slowest one in twenty. */
const flightsPerHedge = 16
/** How many may be saved up. */
const hedgesMax = 8
/** Below this a second question would be noise. */
const waitMsMin = 5
/** No hedges while more than this share of the flights is open: then something else is wrong, and packets are what it needs least. */
const pressureShare = 1 / 4
/** After so many in a row without a word from the first upstream it is left to its timeouts, or nobody would learn that it is down. */
const outrunMax = 3

/** What a hedge needs of the course of its flight. */
interface HedgeCourse {
  send(flight: number, upstream: number, now: number): number
  arm(flight: number): void
  attemptMs(upstream: number): number
}

/**
 * A question that the first upstream has not answered when 95 of 100 would have been is sent to a second one as well, and the first answer wins.
 * This is bounded, and never for what nobody waits for, for probes, towards one that is down or loops, or under pressure.
 */
export class Hedge {
  isOn = false
  private readonly deps: CourseDeps
  private readonly course: HedgeCourse
  /** In flights. */
  private credit = 0

  constructor(deps: CourseDeps, course: HedgeCourse) {
    this.deps = deps
    this.course = course
  }

  /** The flight's first attempt has left: is it to be hedged at `latency.p95`, before `attemptMs` is over? */
  arms(flight: number, upstream: number, attemptMs: number): boolean {
    if (!this.isOn) return false
    this.credit = Math.min(this.credit + 1, flightsPerHedge * hedgesMax)
    const { flights, health } = this.deps
    const p95 = health.latency.p95[upstream] as number
    return (
      p95 < attemptMs &&
      p95 >= waitMsMin &&
      flights.kind[flight] === SHARED &&
      (flights.urgency[flight] as number) < URGENCY_EARLY &&
      // A health check asks for the root: it wants to hear of whom it asks.
      (flights.nameLength[flight] as number) > 1 &&
      (flights.attemptsLeft[flight] as number) > 0
    )
  }

  /** A second upstream is to be asked as well when 95 of 100 answers of the first would be there. */
  arrange(flight: number, upstream: number, now: number): void {
    const { flights, health } = this.deps
    flights.hedge[flight] = HEDGE_ARMED
    flights.attemptAt[flight] = now + (health.latency.p95[upstream] as number)
    this.course.arm(flight)
  }

  /** … and now they would be. The time of the first attempt runs on. */
  askSecond(flight: number, now: number): void {
    const { flights, attempts } = this.deps
    const first = flights.current[flight] as number
    this.disarm(flight)
    this.resume(flight, first, now)
    const second = this.second(flight, attempts.upstream[first] as number, now)
    if (second === -1) return
    flights.attemptsLeft[flight] = (flights.attemptsLeft[flight] as number) - 1
    flights.hedge[flight] = this.course.send(flight, second, now)
  }

  /** The time of an attempt that is in the air runs, from when it was sent. */
  resume(flight: number, attempt: number, now: number): void {
    const { flights, attempts } = this.deps
    const upstream = attempts.upstream[attempt] as number
    const ms = upstream === -1 ? 0 : this.course.attemptMs(upstream)
    flights.current[flight] = attempt
    flights.attemptAt[flight] = Math.max((attempts.sentAt[attempt] as number) + ms, now + 1)
  }

  /** The upstream to ask as well, or -1. */
  private second(flight: number, first: number, now: number): number {
    const { flights, health, choice, budget, counters } = this.deps
    if (first === -1 || this.credit < flightsPerHedge || flights.inUse > flightsMax * pressureShare) return -1
    if ((health.outrun[first] as number) >= outrunMax) return -1
    const second = choice.next(flight, true)
    if (second === -1 || budget.wait(second, URGENCY_EARLY, now) !== 0) return -1
    this.credit -= flightsPerHedge
    health.outrun[first] = (health.outrun[first] as number) + 1
    counters.add(upstreamRow.at(second, UP_HEDGED))
    return second
  }

  /** `attempt` was answered well: who has won, and how slow was the other? */
  answered(flight: number, attempt: number, now: number): void {
    const { flights, attempts, health, counters } = this.deps
    if (flights.hedge[flight] !== attempt) return
    const upstream = attempts.upstream[attempt] as number
    if (upstream !== -1) counters.add(upstreamRow.at(upstream, UP_HEDGES_WON))
    const first = flights.current[flight] as number
    if (first === -1 || first === attempt || !attempts.isOpen(first) || attempts.refused[first] === 1) return
    const slow = attempts.upstream[first] as number
    // Without this only the fast answers would be counted, and its p95 would creep down.
    if (slow !== -1) health.latency.sample(slow, now - (attempts.sentAt[first] as number))
  }

  /** The attempt is no more: if it is the hedge, nobody wins by it; if one was to come at p95, it was the first that is gone. */
  forget(flight: number, attempt: number): void {
    if (this.deps.flights.hedge[flight] === attempt) this.deps.flights.hedge[flight] = HEDGE_NONE
    else this.disarm(flight)
  }

  /** What was to come at p95 does not. */
  disarm(flight: number): void {
    const { flights } = this.deps
    if (flights.hedge[flight] === HEDGE_ARMED) flights.hedge[flight] = HEDGE_NONE
  }

  /** The time of `attempt` is over: the hedge, if it was sent after it and may still be answered, has the rest of its own; else -1. */
  after(flight: number, attempt: number): number {
    const { flights, attempts } = this.deps
    const hedge = flights.hedge[flight] as number
    if (attempt === -1 || hedge < 0 || !attempts.isHopeful(hedge)) return -1
    return (attempts.sentAt[hedge] as number) > (attempts.sentAt[attempt] as number) ? hedge : -1
  }
}
