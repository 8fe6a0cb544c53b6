import { hashBytes } from '../base/hash.ts'
import type { Cache, CacheKey } from '../cache/cache.ts'
import { forAllTypes, notRecursive } from '../cache/cache.ts'
import { cacheSeconds } from '../cache/cacheable.ts'
import * as metric from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { Draft } from '../query/draft.ts'
import { Probed } from '../query/probed.ts'
import { Query } from '../query/query.ts'
import { reopenName } from '../query/rename.ts'
import type { Tickets } from '../query/ticket.ts'
import { REWRITE } from '../query/verdict.ts'
import { FLAG_CD, FLAG_DO, FLAG_RD, SHARED } from '../upstream/flight.ts'
import type { FlightEnd } from '../upstream/flight-end.ts'
import { FAIL_NETWORK, FAIL_TIMEOUT } from '../upstream/flight-end.ts'
import type { Forward } from '../upstream/forward.ts'
import { Ede, Rcode } from '../wire/codes.ts'
import { AD, FLAGS, readU16, TC } from '../wire/header.ts'
import { KIND_FAILURE, KIND_NXDOMAIN } from '../wire/kind.ts'
import { isAtOrBelow } from '../wire/name.ts'
import { Rebuilt } from '../wire/rebuild.ts'
import type { Learned } from './learned.ts'
import type { Plan } from './plan.ts'
import type { Replies } from './replies.ts'
import { Waiters } from './waiters.ts'

/** Share of `replyWithin` that a query may wait for a probe: what is left is for its own question. */
const probeShare = 1 / 3

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
  private forwarder: Forward | undefined
  /** The road from the rules on, for queries that waited for a probe or have another name now. */
  reenter: (query: Query, now: number) => void = () => undefined
  private readonly deps: CompleteDeps
  private readonly rebuilt = new Rebuilt()
  private readonly draft = new Draft()
  private readonly query = new Query()
  private readonly key: CacheKey
  private readonly waiters: Waiters
  /** 1 for flights whose answer rules want to hear. */
  private readonly isProbe: Uint8Array
  private readonly probed = new Probed()

  constructor(plan: Plan, flights: number, deps: CompleteDeps) {
    this.plan = plan
    this.deps = deps
    this.waiters = new Waiters(deps.tickets, deps.counters, flights)
    this.isProbe = new Uint8Array(flights)
    this.key = { name: new Uint8Array(256), nameLength: 0, hash: 0, type: 0, dnssec: 0, route: 0 }
  }

  set forward(forward: Forward) {
    this.forwarder = forward
    this.waiters.forward = forward
  }

  /** The query waits for `flight`; false when there is no room for it. */
  wait(flight: number, query: Query, now: number): boolean {
    // Counted from its arrival: it may have waited for a probe before.
    return this.waiters.add(
      flight,
      query,
      Math.max(query.receivedAt + this.plan.data.forward.replyWithinMs, now),
      false,
    )
  }

  /** As `wait`, for the answer about another name; then, or when that takes too long, it walks the road again. */
  waitForProbe(flight: number, query: Query, now: number): boolean {
    this.isProbe[flight] = 1
    return this.waiters.add(flight, query, now + probeShare * this.plan.data.forward.replyWithinMs, true)
  }

  /** Rules want to hear what the flight brings. */
  markProbe(flight: number): void {
    this.isProbe[flight] = 1
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
    if (this.isProbe[flight] === 1) this.tellProbe(flight, isWhole ? seconds : 0, bytes, at, isWhole ? length : 0, now)
    if (isWhole && seconds > 0 && this.isShareable(flight)) this.keep(ad, seconds * 1000, now)
    this.replyChain(this.waiters.takeAll(flight), metric.outcomes.answered, now)
  }

  overdue(flight: number, now: number): void {
    this.loadFailure(Ede.NO_REACHABLE_AUTHORITY)
    this.replyChain(this.waiters.takeDue(flight, now), metric.outcomes.failed, now)
  }

  failed(flight: number, reason: number, now: number): void {
    this.keyOf(flight)
    this.rebuilt.fail(Rcode.SERVFAIL, this.key.name, this.key.nameLength)
    const seconds = cacheSeconds(this.rebuilt, this.key.type, this.plan.data.cache, false)
    // Only silence and network errors are news of the upstream; a loop or a reload is ours and may be over at once.
    const isNews = reason === FAIL_TIMEOUT || reason === FAIL_NETWORK
    if (isNews && this.isShareable(flight)) this.keep(0, seconds * 1000, now)
    if (this.isProbe[flight] === 1) this.tellProbe(flight, isNews ? seconds : 0, this.rebuilt.writer.body, 0, 0, now)
    this.loadFailure(reason === FAIL_NETWORK ? Ede.NETWORK_ERROR : Ede.NO_REACHABLE_AUTHORITY)
    this.replyChain(this.waiters.takeAll(flight), metric.outcomes.failed, now)
  }

  /** May the flight's answer serve others? Not when it was somebody's probe. */
  private isShareable(flight: number): boolean {
    return (this.forwarder as Forward).view.kind[flight] === SHARED
  }

  /** The flight's question as a key; the name is copied, so that nothing is sliced off per answer. */
  private keyOf(flight: number): void {
    const { view } = this.forwarder as Forward
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

  private replyChain(first: number, outcome: number, now: number): void {
    const { tickets } = this.deps
    const { guard } = this.plan
    const { rcode, answers } = this.draft
    // Behind a CNAME it is the target that does not exist.
    const isDenial = rcode === Rcode.NXDOMAIN && answers === 0 && guard.hearsDenials
    for (let ticket = first, next = -1; ticket !== -1; ticket = next) {
      next = tickets.next[ticket] as number
      if (tickets.reenters(ticket)) this.resume(ticket, now)
      else if (!isDenial || !this.isRenamed(ticket, now)) this.replyTo(ticket, outcome)
    }
  }

  /** It has waited for a probe. */
  private resume(ticket: number, now: number): void {
    const { query } = this
    this.deps.tickets.restore(ticket, query)
    query.probes++
    this.reopen(ticket)
    this.reenter(query, now)
  }

  /** Did a rule make another name of the one that does not exist? Then that is looked up. */
  private isRenamed(ticket: number, now: number): boolean {
    const { query } = this
    this.deps.tickets.restore(ticket, query)
    reopenName(query, this.deps.hashSeed)
    if (this.plan.guard.denied(query, false) !== REWRITE) return false
    this.waiters.free(ticket)
    this.reenter(query, now)
    return true
  }

  /** As it was before the rules saw it. */
  private reopen(ticket: number): void {
    const { query } = this
    reopenName(query, this.deps.hashSeed)
    query.askType = query.type
    query.marks = 0
    this.waiters.free(ticket)
  }

  private tellProbe(flight: number, seconds: number, bytes: Uint8Array, at: number, length: number, now: number): void {
    const { probed, rebuilt, key } = this
    this.isProbe[flight] = 0
    probed.name = key.name
    probed.nameLength = key.nameLength
    probed.kind = length === 0 ? KIND_FAILURE : rebuilt.kind
    probed.answers = rebuilt.answers
    probed.seconds = seconds
    probed.message = bytes
    probed.at = at
    probed.length = length
    this.plan.guard.probed(probed, now)
  }

  private replyTo(ticket: number, outcome: number): void {
    const { tickets, replies } = this.deps
    tickets.restore(ticket, this.query)
    if (outcome === metric.outcomes.failed) replies.fail(this.query, this.draft)
    else replies.send(this.query, this.draft, outcome)
    this.waiters.free(ticket)
  }
}
