import {
  upstream as row,
  UP_ANSWERS,
  UP_FAILURES,
  UP_RTT_SUM,
  UP_TIMEOUTS,
  UP_UNREACHABLE,
} from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Health } from './health.ts'

/**
 * What an upstream did, told to its health and to the counters in one place. An upstream of -1 is one that a reload took away: nobody
 * asks about it any more.
 */
export class Track {
  private readonly health: Health
  private readonly counters: Counters

  constructor(health: Health, counters: Counters) {
    this.health = health
    this.counters = counters
  }

  answered(upstream: number, rttMs: number, now: number): void {
    if (upstream === -1) return
    this.health.answered(upstream, rttMs, now)
    this.counters.add(row.at(upstream, UP_ANSWERS))
    this.counters.add(row.at(upstream, UP_RTT_SUM), rttMs / 1000)
    this.counters.duration(rttMs)
  }

  /** It answered SERVFAIL, REFUSED or the like: alive, and of no help. */
  answeredFailure(upstream: number): void {
    if (upstream !== -1) this.counters.add(row.at(upstream, UP_FAILURES))
  }

  timedOut(upstream: number, elapsedMs: number, now: number): void {
    if (upstream === -1) return
    this.health.failed(upstream, elapsedMs, now)
    this.counters.add(row.at(upstream, UP_TIMEOUTS))
  }

  /** The network, or the stream, says that nobody is there. */
  unreachable(upstream: number, now: number): void {
    if (upstream === -1) return
    this.health.failed(upstream, 0, now)
    this.counters.add(row.at(upstream, UP_UNREACHABLE))
  }
}
