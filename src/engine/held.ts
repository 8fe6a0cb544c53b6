import * as metric from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { Query } from '../query/query.ts'
import { reopenName } from '../query/rename.ts'
import type { Tickets } from '../query/ticket.ts'

/** Queries that are held back at once, half of all tickets: the others are for those who wait for an upstream. */
export const heldMax = 8192

export interface HeldDeps {
  readonly tickets: Tickets
  readonly counters: Counters
  readonly hashSeed: number
  /** The turn is to call `run` before it ends. */
  readonly stir: () => void
  /** The road from the rules on. */
  readonly reenter: (query: Query, now: number) => void
}

/**
 * Queries whose reply a rule holds back for a fixed time (HOLD): a chain of tickets in order of arrival, which is the order in which they are due. A
 * reload that shortens the time lets those of before it go first.
 *
 *   first ─▶ ticket ─▶ ticket ─▶ -1
 */
export class Held {
  private readonly deps: HeldDeps
  private readonly query = new Query()
  private first = -1
  private last = -1
  private count = 0

  constructor(deps: HeldDeps) {
    this.deps = deps
  }

  /** The query walks the road again at `until`; false when too many are held, and it has to go on at once. */
  add(query: Query, until: number): boolean {
    const { tickets, stir } = this.deps
    const ticket = this.count === heldMax ? -1 : tickets.take(query, until, true)
    if (ticket === -1) return false
    if (this.first === -1) this.first = ticket
    else tickets.next[this.last] = ticket
    this.last = ticket
    this.count++
    this.gauge()
    stir()
    return true
  }

  /** Lets go of those whose time has come; returns when the next one is due. */
  run(now: number): number {
    const { tickets, hashSeed, reenter } = this.deps
    const { query } = this
    while (this.first !== -1) {
      const ticket = this.first
      const due = tickets.replyBy[ticket] as number
      if (due > now) return due
      this.first = tickets.next[ticket] as number
      this.count--
      tickets.restore(ticket, query)
      reopenName(query, hashSeed)
      query.askType = query.type
      query.held = 1
      query.marks = 0
      tickets.release(ticket)
      this.gauge()
      reenter(query, now)
    }
    return Number.POSITIVE_INFINITY
  }

  private gauge(): void {
    this.deps.counters.set(metric.gauges.waiting, this.deps.tickets.slots.inUse)
  }
}
