import { cacheSeconds } from '../cache/cacheable.ts'
import * as metric from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { Draft } from '../query/draft.ts'
import { Probed } from '../query/probed.ts'
import { Query } from '../query/query.ts'
import { reopenName } from '../query/rename.ts'
import type { Tickets } from '../query/ticket.ts'
import { REWRITE } from '../query/verdict.ts'
import { SHARED } from '../upstream/flight.ts'
import type { FlightEnd } from '../upstream/flight-end.ts'
import { FAIL_BUDGET, FAIL_NETWORK, FAIL_TIMEOUT } from '../upstream/flight-end.ts'
import type { Forward } from '../upstream/forward.ts'
import { Ede, Rcode } from '../wire/codes.ts'
import { AD, FLAGS, readU16, TC } from '../wire/header.ts'
import { KIND_FAILURE, KIND_NXDOMAIN } from '../wire/kind.ts'
import { Rebuilt } from '../wire/rebuild.ts'
import type { Plan } from './plan.ts'
import type { Replies } from './replies.ts'
import type { Store } from './store.ts'
import { Waiters } from './waiters.ts'

/** Share of `replyWithin` that a query may wait for a probe: what is left is for its own question. */
const probeShare = 1 / 3

/** A client that could have a stale answer waits no longer for a fresh one (RFC 8767 section 5: the client response timer). */
const staleAfterMs = 1800

export interface CompleteDeps {
  readonly counters: Counters
  readonly tickets: Tickets
  readonly replies: Replies
  readonly store: Store
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
  private readonly waiters: Waiters
  /** 1 for flights whose answer rules want to hear. */
  private readonly isProbe: Uint8Array
  private readonly probed = new Probed()

  constructor(plan: Plan, flights: number, deps: CompleteDeps) {
    this.plan = plan
    this.deps = deps
    this.waiters = new Waiters(deps.tickets, deps.counters, flights)
    this.isProbe = new Uint8Array(flights)
  }

  set forward(forward: Forward) {
    this.forwarder = forward
    this.waiters.forward = forward
  }

  /** The query waits for `flight`; false when there is no room for it. */
  wait(flight: number, query: Query, now: number): boolean {
    const { replyWithinMs } = this.plan.data.forward
    const patience = query.hasStale === 1 ? Math.min(replyWithinMs, staleAfterMs) : replyWithinMs
    // Counted from its arrival: it may have waited for a probe before.
    return this.waiters.add(flight, query, Math.max(query.receivedAt + patience, now), false)
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
    const { rebuilt } = this
    const { store } = this.deps
    const { key } = store
    store.about((this.forwarder as Forward).view, flight)
    const flags = readU16(bytes, at + FLAGS)
    rebuilt.read(bytes, at, length, key.name, key.nameLength, key.type)
    const refused = this.plan.guard.answers.refuse(rebuilt, key)
    const seconds =
      refused || cacheSeconds(rebuilt, key.type, this.plan.data.cache, store.isInCluster, store.isOfName(rebuilt, now))
    const isWhole = refused > 0 || (flags & TC) === 0
    if (this.isProbe[flight] === 1) this.tellProbe(flight, isWhole ? seconds : 0, bytes, at, isWhole ? length : 0, now)
    const isKept = isWhole && seconds > 0 && this.isShareable(flight)
    // FIELD 3.6: what we made up ourselves is never called authentic.
    const ad = rebuilt.isSynthesised ? 0 : flags & AD
    if (rebuilt.kind === KIND_FAILURE) {
      if (isKept) store.keepFailure(rebuilt, now)
      if (this.isShareable(flight) && this.replyStale(flight, now)) return
    } else if (isKept) store.keep(rebuilt, ad, seconds, now)
    else if (isWhole && this.isShareable(flight) && rebuilt.kind <= KIND_NXDOMAIN) store.forget()
    this.load(rebuilt, ad)
    if (!isWhole) this.draft.flags |= TC
    this.replyChain(this.waiters.takeAll(flight), metric.outcomes.answered, now)
  }

  overdue(flight: number, now: number): void {
    const { store } = this.deps
    store.about((this.forwarder as Forward).view, flight)
    const isStale = this.isShareable(flight) && store.instead(now, this.draft)
    if (!isStale) {
      this.loadFailure(Ede.NO_REACHABLE_AUTHORITY)
      // Some are due early, for an answer that is gone by now.
      this.waiters.extend(flight, this.plan.data.forward.replyWithinMs)
    }
    const outcome = isStale ? metric.outcomes.stale : metric.outcomes.failed
    this.replyChain(this.waiters.takeDue(flight, now), outcome, now)
  }

  failed(flight: number, reason: number, now: number): void {
    const { rebuilt } = this
    const { store } = this.deps
    const { key } = store
    store.about((this.forwarder as Forward).view, flight)
    rebuilt.fail(Rcode.SERVFAIL, key.name, key.nameLength)
    // Only silence and network errors are news of the upstream; a loop or a reload is ours and may be over at once.
    const isNews = reason === FAIL_TIMEOUT || reason === FAIL_NETWORK
    const seconds = isNews ? cacheSeconds(rebuilt, key.type, this.plan.data.cache, false) : 0
    if (this.isProbe[flight] === 1) this.tellProbe(flight, seconds, rebuilt.writer.body, 0, 0, now)
    if (isNews && this.isShareable(flight)) store.keepFailure(rebuilt, now)
    if (this.isShareable(flight) && this.replyStale(flight, now)) return
    this.loadFailure(reason === FAIL_NETWORK || reason === FAIL_BUDGET ? Ede.NETWORK_ERROR : Ede.NO_REACHABLE_AUTHORITY)
    this.replyChain(this.waiters.takeAll(flight), metric.outcomes.failed, now)
  }

  /** All who wait get what still serves; false when nothing does. */
  private replyStale(flight: number, now: number): boolean {
    if (!this.deps.store.instead(now, this.draft)) return false
    this.replyChain(this.waiters.takeAll(flight), metric.outcomes.stale, now)
    return true
  }

  /** May the flight's answer serve others? Not when it was somebody's probe. */
  private isShareable(flight: number): boolean {
    return (this.forwarder as Forward).view.kind[flight] === SHARED
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
    let resumed = -1
    let last = -1
    for (let ticket = first, next = -1; ticket !== -1; ticket = next) {
      next = tickets.next[ticket] as number
      if (tickets.reenters(ticket)) {
        tickets.next[ticket] = -1
        if (last === -1) resumed = ticket
        else tickets.next[last] = ticket
        last = ticket
      } else if (!isDenial || !this.isRenamed(ticket, now)) this.replyTo(ticket, outcome)
    }
    // Last, since they ask the cache, of which the draft may be a view.
    for (let ticket = resumed, next = -1; ticket !== -1; ticket = next) {
      next = tickets.next[ticket] as number
      this.resume(ticket, now)
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
    const { probed, rebuilt } = this
    const { key } = this.deps.store
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
    // A health check is to hear of the upstream, not of what it said once.
    if (outcome === metric.outcomes.stale && this.query.silent === 1) replies.drop(this.query, metric.outcomes.probe)
    else if (outcome === metric.outcomes.failed) replies.fail(this.query, this.draft)
    else replies.send(this.query, this.draft, outcome)
    this.waiters.free(ticket)
  }
}
