import type { NoteEvent } from '../link/messages.ts'
import type { PlanData } from '../link/plan-data.ts'
import {
  upstream as row,
  UP_ANSWERS,
  UP_DOWN,
  UP_FAILURES,
  UP_RTT_SUM,
  UP_TIMEOUTS,
  UP_UNREACHABLE,
} from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Health } from './health.ts'
import { FELL, NO_CHANGE } from './health.ts'

const MUTE = 'no answer'
const HELPLESS = 'failures, while others answer the same questions'

/**
 * What an upstream did, told to its health, to the counters and, when it goes down or comes back, to the log in one place. An upstream of -1 is one
 * that a reload took away: nobody asks about it any more.
 */
export class Track {
  private readonly health: Health
  private readonly counters: Counters
  private readonly notes: ((event: NoteEvent) => void) | undefined
  private names: readonly string[] = []

  /** @param notes undefined in all shards but one: the others see the same */
  constructor(health: Health, counters: Counters, notes: ((event: NoteEvent) => void) | undefined) {
    this.health = health
    this.counters = counters
    this.notes = notes
  }

  /** `before[new index]`: the upstream's index so far, or -1. */
  configure({ upstreams }: PlanData, before: readonly number[]): void {
    this.health.configure(before)
    this.names = upstreams.map(({ name }) => name)
    this.names.forEach((_, upstream) => {
      this.counters.set(row.at(upstream, UP_DOWN), (this.health.down >>> upstream) & 1)
    })
  }

  answered(upstream: number, rttMs: number, isFailure: boolean, now: number): void {
    if (upstream === -1) return
    if (isFailure) this.health.alive(upstream, now)
    else this.turn(upstream, this.health.answered(upstream, rttMs, now), '', now)
    this.counters.add(row.at(upstream, UP_ANSWERS))
    this.counters.add(row.at(upstream, UP_RTT_SUM), rttMs / 1000)
    this.counters.duration(rttMs)
  }

  /** It answered SERVFAIL, REFUSED or the like: alive, and of no help. */
  answeredFailure(upstream: number): void {
    if (upstream !== -1) this.counters.add(row.at(upstream, UP_FAILURES))
  }

  /** Another upstream answered well what those of the bits `upstreams` had failed; `hash` is the question's. */
  blamed(upstreams: number, hash: number, now: number): void {
    for (let rest = upstreams; rest !== 0; rest &= rest - 1) {
      const upstream = 31 - Math.clz32(rest & -rest)
      this.turn(upstream, this.health.blamed(upstream, hash, now), HELPLESS, now)
    }
  }

  timedOut(upstream: number, elapsedMs: number, now: number): void {
    if (upstream === -1) return
    this.turn(upstream, this.health.failed(upstream, elapsedMs, now), MUTE, now)
    this.counters.add(row.at(upstream, UP_TIMEOUTS))
  }

  /** The network, or the stream, says that nobody is there. */
  unreachable(upstream: number, now: number): void {
    if (upstream === -1) return
    this.turn(upstream, this.health.failed(upstream, 0, now), MUTE, now)
    this.counters.add(row.at(upstream, UP_UNREACHABLE))
  }

  private turn(upstream: number, change: number, why: string, now: number): void {
    if (change === NO_CHANGE) return
    this.counters.set(row.at(upstream, UP_DOWN), change === FELL ? 1 : 0)
    if (this.notes === undefined) return
    const name = this.names[upstream] as string
    const seconds = Math.round((now - (this.health.downSince[upstream] as number)) / 1000)
    this.notes(
      change === FELL
        ? {
            kind: 'note',
            level: 'warn',
            sentence: `upstream ${name} is down: it gave ${why}; others are asked in its place, and now and then a question goes to it as well`,
          }
        : {
            kind: 'note',
            level: 'info',
            sentence: `upstream ${name} is back after ${seconds} s: it is asked as usual`,
          },
    )
  }
}
