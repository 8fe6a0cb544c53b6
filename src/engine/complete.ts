import { hashBytes } from '../base/hash.ts'
import type { Cache, CacheKey } from '../cache/cache.ts'
import { forAllTypes, notRecursive } from '../cache/cache.ts'
import { cacheSeconds } from '../cache/cacheable.ts'
import * as metric from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { Draft } from '../query/draft.ts'
import { Query } from '../query/query.ts'
import type { Tickets } from '../query/ticket.ts'
import { FLAG_CD, FLAG_DO, FLAG_RD, SHARED } from '../upstream/flight.ts'
import type { FlightEnd } from '../upstream/flight-end.ts'
import { FAIL_NETWORK, FAIL_TIMEOUT } from '../upstream/flight-end.ts'
import type { Forward } from '../upstream/forward.ts'
import { Ede, Rcode } from '../wire/codes.ts'
import { AD, FLAGS, readU16, TC } from '../wire/header.ts'
import { KIND_NXDOMAIN } from '../wire/kind.ts'
import { isAtOrBelow } from '../wire/name.ts'
import { Rebuilt } from '../wire/rebuild.ts'
import type { Learned } from './learned.ts'
import type { Plan } from './plan.ts'
import type { Replies } from './replies.ts'

/** Queries that may wait for one flight: more would make a single answer an amplifier (DNSBomb). */
export const waitersPerFlightMax = 4096

export interface CompleteDeps {
  readonly counters: Counters
  readonly cache: Cache
  readonly tickets: Tickets
  readonly replies: Replies
  readonly learned: Learned
  readonly hashSeed: number
}

/** The road back: what a flight brought is cleaned, kept, and sent to all who waited for it. */
export class Complete implements FlightEnd {
  plan: Plan
  forward: Forward | undefined
  private readonly deps: CompleteDeps
  private readonly rebuilt = new Rebuilt()
  private readonly draft = new Draft()
  private readonly query = new Query()
  private readonly key: CacheKey
  private readonly last: Int32Array
  private readonly waiters: Uint16Array

  constructor(plan: Plan, flights: number, deps: CompleteDeps) {
    this.plan = plan
    this.deps = deps
    this.last = new Int32Array(flights)
    this.waiters = new Uint16Array(flights)
    this.key = { name: new Uint8Array(256), nameLength: 0, hash: 0, type: 0, dnssec: 0, route: 0 }
  }

  /** The query waits for `flight`; false when there is no room for it. */
  wait(flight: number, query: Query, now: number): boolean {
    const forward = this.forward as Forward
    const { tickets } = this.deps
    const isFirst = forward.firstTicket[flight] === -1
    if (isFirst) this.waiters[flight] = 0
    if ((this.waiters[flight] as number) >= waitersPerFlightMax) return false
    const replyBy = now + this.plan.data.forward.replyWithinMs
    const ticket = tickets.take(query, replyBy)
    if (ticket === -1) return false
    if (isFirst) {
      forward.firstTicket[flight] = ticket
      forward.waitUntil(flight, replyBy)
    } else tickets.next[this.last[flight] as number] = ticket
    this.last[flight] = ticket
    this.waiters[flight] = (this.waiters[flight] as number) + 1
    // At once, and not with the other gauges: queries − outcomes − waiting must be 0 whenever somebody looks.
    this.deps.counters.set(metric.gauges.waiting, tickets.slots.inUse)
    return true
  }

  answered(flight: number, bytes: Uint8Array, at: number, length: number, _upstream: number, now: number): void {
    const { rebuilt, key } = this
    this.keyOf(flight)
    const flags = readU16(bytes, at + FLAGS)
    rebuilt.read(bytes, at, length, key.name, key.nameLength, key.type)
    const refused = this.plan.guard.answers.refuse(rebuilt, key)
    const seconds = refused || cacheSeconds(rebuilt, key.type, this.plan.data.cache, this.isInCluster())
    const isWhole = refused > 0 || (flags & TC) === 0
    // FIELD 3.6: what we made up ourselves is never called authentic.
    const ad = rebuilt.isSynthesised ? 0 : flags & AD
    this.load(rebuilt, ad)
    if (!isWhole) this.draft.flags |= TC
    if (isWhole && seconds > 0 && this.isShareable(flight)) this.keep(ad, seconds * 1000, now)
    this.replyAll(flight, metric.outcomes.answered)
  }

  overdue(flight: number, now: number): void {
    const forward = this.forward as Forward
    const { tickets } = this.deps
    this.loadFailure(Ede.NO_REACHABLE_AUTHORITY)
    let ticket = forward.firstTicket[flight] as number
    while (ticket !== -1 && (tickets.replyBy[ticket] as number) <= now) {
      const next = tickets.next[ticket] as number
      this.replyTo(ticket, metric.outcomes.failed)
      this.waiters[flight] = (this.waiters[flight] as number) - 1
      ticket = next
    }
    forward.firstTicket[flight] = ticket
    if (ticket !== -1) forward.waitUntil(flight, tickets.replyBy[ticket] as number)
  }

  failed(flight: number, reason: number, now: number): void {
    this.keyOf(flight)
    this.rebuilt.fail(Rcode.SERVFAIL, this.key.name, this.key.nameLength)
    const seconds = cacheSeconds(this.rebuilt, this.key.type, this.plan.data.cache, false)
    // Only silence and network errors are news of the upstream; a loop or a reload is ours and may be over at once.
    const isNews = reason === FAIL_TIMEOUT || reason === FAIL_NETWORK
    if (isNews && this.isShareable(flight)) this.keep(0, seconds * 1000, now)
    this.loadFailure(reason === FAIL_NETWORK ? Ede.NETWORK_ERROR : Ede.NO_REACHABLE_AUTHORITY)
    this.replyAll(flight, metric.outcomes.failed)
  }

  /** May the flight's answer serve others? Not when it was somebody's probe. */
  private isShareable(flight: number): boolean {
    return (this.forward as Forward).view.kind[flight] === SHARED
  }

  /** The flight's question as a key; the name is copied, so that nothing is sliced off per answer. */
  private keyOf(flight: number): void {
    const { view } = this.forward as Forward
    const key = this.key
    view.copyName(flight, key.name)
    key.nameLength = view.nameLength[flight] as number
    key.hash = hashBytes(this.deps.hashSeed, key.name, 0, key.nameLength)
    key.type = view.type[flight] as number
    const flags = view.flags[flight] as number
    key.dnssec =
      ((flags & FLAG_DO) !== 0 ? 1 : 0) |
      ((flags & FLAG_CD) !== 0 ? 2 : 0) |
      ((flags & FLAG_RD) !== 0 ? 0 : notRecursive)
    key.route = this.plan.routes.keys[view.route[flight] as number] ?? 0
  }

  private keep(ad: number, ttlMs: number, now: number): void {
    const { cache, counters, learned } = this.deps
    const { key, rebuilt } = this
    // RFC 2308 section 5: a name that does not exist has no records of any type. With a CNAME, the target is what does not exist.
    if (rebuilt.kind === KIND_NXDOMAIN && rebuilt.answers === 0) forAllTypes(key)
    if (!cache.put(key, rebuilt, ad, ttlMs, now)) {
      counters.add(metric.cache.refused)
      return
    }
    counters.add(metric.cache.stored)
    learned.share(this.key)
  }

  private isInCluster(): boolean {
    const { name, nameLength } = this.key
    for (const domain of this.plan.clusterDomains.names) {
      if (nameLength >= domain.length && isAtOrBelow(name, 0, nameLength, domain, 0, domain.length)) return true
    }
    return false
  }

  /** Makes the draft what `rebuilt` holds. */
  private load(rebuilt: Rebuilt, ad: number): void {
    const draft = this.draft
    draft.reset(rebuilt.rcode)
    draft.flags = ad
    draft.bytes = rebuilt.writer.body
    draft.length = rebuilt.writer.length
    draft.answers = rebuilt.answers
    draft.authorities = rebuilt.authorities
    draft.additionals = rebuilt.additionals
    draft.rotateAt = rebuilt.rotateAt
    draft.rotateStride = rebuilt.rotateStride
    draft.rotateCount = rebuilt.rotateCount
    draft.refusedBy = rebuilt.refusedBy
  }

  private loadFailure(ede: number): void {
    this.draft.reset(Rcode.SERVFAIL)
    this.draft.ede = ede
  }

  private replyAll(flight: number, outcome: number): void {
    const forward = this.forward as Forward
    const { tickets } = this.deps
    let ticket = forward.firstTicket[flight] as number
    forward.firstTicket[flight] = -1
    while (ticket !== -1) {
      const next = tickets.next[ticket] as number
      this.replyTo(ticket, outcome)
      ticket = next
    }
  }

  private replyTo(ticket: number, outcome: number): void {
    const { counters, tickets, replies } = this.deps
    tickets.restore(ticket, this.query)
    if (outcome === metric.outcomes.failed) replies.fail(this.query, this.draft)
    else replies.send(this.query, this.draft, outcome)
    tickets.release(ticket)
    counters.set(metric.gauges.waiting, tickets.slots.inUse)
  }
}
