import * as metric from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Query } from '../query/query.ts'
import type { Tickets } from '../query/ticket.ts'
import type { Forward } from '../upstream/forward.ts'

/** Queries that may wait for one flight: more would make a single answer an amplifier (DNSBomb). */
export const waitersPerFlightMax = 4096

/**
 * Who waits for which flight: a chain of tickets each, in order of arrival.
 *
 *   forward.firstTicket[flight] ─▶ ticket ─▶ ticket ─▶ -1
 *
 * They need not be due in that order: one that waited for a probe before is due earlier than who came meanwhile.
 */
export class Waiters {
  forward: Forward | undefined
  private readonly tickets: Tickets
  private readonly counters: Counters
  private readonly last: Int32Array
  private readonly count: Uint16Array

  constructor(tickets: Tickets, counters: Counters, flights: number) {
    this.tickets = tickets
    this.counters = counters
    this.last = new Int32Array(flights)
    this.count = new Uint16Array(flights)
  }

  /** The query waits for `flight` until `replyBy`; false when there is no room for it. */
  add(flight: number, query: Query, replyBy: number, reenters: boolean): boolean {
    const forward = this.forward as Forward
    const { tickets } = this
    const isFirst = forward.firstTicket[flight] === -1
    if (isFirst) this.count[flight] = 0
    if ((this.count[flight] as number) >= waitersPerFlightMax) return false
    query.opened = isFirst && !reenters ? 1 : 0
    const ticket = tickets.take(query, replyBy, reenters)
    if (ticket === -1) return false
    if (isFirst) forward.firstTicket[flight] = ticket
    else tickets.next[this.last[flight] as number] = ticket
    if (isFirst || replyBy < (forward.view.replyAt[flight] as number)) forward.waitUntil(flight, replyBy)
    this.last[flight] = ticket
    this.count[flight] = (this.count[flight] as number) + 1
    this.gauge()
    return true
  }

  /** Those who wait for the answer itself wait until `patienceMs` after their arrival. */
  extend(flight: number, patienceMs: number): void {
    const { next, replyBy, receivedAt } = this.tickets
    const { firstTicket } = this.forward as Forward
    for (let ticket = firstTicket[flight] as number; ticket !== -1; ticket = next[ticket] as number) {
      if (!this.tickets.reenters(ticket)) replyBy[ticket] = (receivedAt[ticket] as number) + patienceMs
    }
  }

  /** The whole chain, which is the caller's from now on: its first ticket, or -1. */
  takeAll(flight: number): number {
    const { firstTicket } = this.forward as Forward
    const first = firstTicket[flight] as number
    firstTicket[flight] = -1
    return first
  }

  /** Those that are due, as a chain of their own; the others go on waiting. */
  takeDue(flight: number, now: number): number {
    const forward = this.forward as Forward
    const { next, replyBy } = this.tickets
    let due = -1
    let lastDue = -1
    let lastKept = -1
    let soonest = Number.POSITIVE_INFINITY
    let ticket = this.takeAll(flight)
    while (ticket !== -1) {
      const after = next[ticket] as number
      next[ticket] = -1
      if ((replyBy[ticket] as number) <= now) {
        if (lastDue === -1) due = ticket
        else next[lastDue] = ticket
        lastDue = ticket
        this.count[flight] = (this.count[flight] as number) - 1
      } else {
        if (lastKept === -1) forward.firstTicket[flight] = ticket
        else next[lastKept] = ticket
        lastKept = ticket
        soonest = Math.min(soonest, replyBy[ticket] as number)
      }
      ticket = after
    }
    this.last[flight] = lastKept
    if (lastKept !== -1) forward.waitUntil(flight, soonest)
    return due
  }

  free(ticket: number): void {
    this.tickets.release(ticket)
    this.gauge()
  }

  /** At once, and not with the other gauges: queries − outcomes − waiting must be 0 whenever somebody looks. */
  private gauge(): void {
    this.counters.set(metric.gauges.waiting, this.tickets.slots.inUse)
  }
}
