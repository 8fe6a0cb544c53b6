import type { Cache } from '../cache/cache.ts'
import { emptyKey } from '../cache/entry.ts'
import { CACHE_FAILURE, CACHE_MISS, CACHE_NEGATIVE, CACHE_STALE } from '../cache/found.ts'
import * as metric from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { Draft } from '../query/draft.ts'
import { OPEN_OK, OPEN_RESPONSE, OPEN_SHORT, openQuery } from '../query/open.ts'
import { PROBE_COREDNS, PROBE_DNSMASQ, PROBE_DNSWEIR, PROBE_NONE, PROBE_ROOT_NS, probeOf } from '../query/probe.ts'
import type { Query } from '../query/query.ts'
import { ALIAS_STRIPPED } from '../query/rename.ts'
import { CACHE_ONLY, DROP, HOLD, PASS, PROBE, probesMax, REPLY, REWRITE } from '../query/verdict.ts'
import type { Forward } from '../upstream/forward.ts'
import { NO_UPSTREAM, RESTRAINED } from '../upstream/forward.ts'
import type { LoopBoard } from '../upstream/loop-board.ts'
import { Ede, Rcode } from '../wire/codes.ts'
import type { Complete } from './complete.ts'
import type { Held } from './held.ts'
import { draftOwnReply } from './own-reply.ts'
import type { Plan } from './plan.ts'
import type { Probes } from './probes.ts'
import type { Replies } from './replies.ts'
import { Standby } from './standby.ts'
import { cachePlaces, questionKey, type Store } from './store.ts'

export interface ServeDeps {
  readonly counters: Counters
  readonly cache: Cache
  readonly store: Store
  readonly forward: Forward
  readonly board: LoopBoard
  readonly replies: Replies
  readonly complete: Complete
  readonly probes: Probes
  readonly held: Held
  readonly hashSeed: number
}

/**
 * The road of a query, from its bytes to its reply or its place in a flight. The first file to read:
 *
 *   open ─▶ acl ─▶ probes ─▶ guard.check ─▶ route ─▶ cache ─▶ guard.checkMiss ─▶ forward
 *     │ error  │ refused │       │ reply, drop          │ hit        │ limit          │ full, none
 *     ▼        ▼         ▼       ▼                      ▼            ▼                ▼
 *   one reply, or none, is booked as exactly one outcome
 *
 * A query that has to wait for a probe comes back to guard.check by `reenter`, and one whose NXDOMAIN a rule turns into another name does so
 * at once.
 *
 * Nothing here allocates, awaits, throws or builds a string.
 */
export class Serve {
  plan: Plan
  /** Before the end: health checks get no answer any more, so that whoever asks turns to its second target. */
  draining = false
  private readonly deps: ServeDeps
  private readonly hit = new Draft()
  private readonly own = new Draft(64)
  private readonly key = emptyKey()
  private readonly standby: Standby

  constructor(plan: Plan, deps: ServeDeps) {
    this.plan = plan
    this.deps = deps
    this.standby = new Standby(deps)
  }

  /** Walks the road with a query whose message, peer and listener are filled in. */
  serve(query: Query, now: number): void {
    const { counters, hashSeed } = this.deps
    const opened = openQuery(query, hashSeed)
    if (opened === OPEN_SHORT || opened === OPEN_RESPONSE) {
      counters.add(opened === OPEN_SHORT ? metric.ignored.short : metric.ignored.response)
      // No query, so nothing is booked; a stream must still hear that its message is done.
      if (query.streamed) this.deps.replies.endStreamed(query)
      return
    }
    query.receivedAt = now
    counters.add(query.streamed ? metric.queries.tcp : metric.queries.udp)
    if (!this.admit(query)) return
    if (opened !== OPEN_OK) {
      if (this.settle(query, this.plan.guard.limit(query))) return
      return this.deps.replies.send(query, this.own, draftOwnReply(this.own, opened))
    }
    const probe = probeOf(query)
    if (probe !== PROBE_NONE && this.passProbe(query, probe, now)) return
    // Health checks are exempt from limits (FIELD 3.2), and what the operator answers here is answered here.
    if (probe !== PROBE_ROOT_NS && this.settle(query, this.plan.guard.limit(query))) return
    if (this.check(query, now)) this.lookUp(query, probe === PROBE_ROOT_NS, now)
  }

  /** A query that waited for a probe, or has another name by now: the rules about names, and on. */
  reenter(query: Query, now: number): void {
    if (this.check(query, now)) this.lookUp(query, false, now)
  }

  /** The acl comes before everything, also before errors and probes, on every transport. */
  private admit(query: Query): boolean {
    const verdict = this.plan.guard.admit(query)
    return !this.settle(query, verdict)
  }

  /** The rules that look at the name; false when they ended the query, or it waits for a probe, or is held back. */
  private check(query: Query, now: number): boolean {
    const { guard } = this.plan
    let verdict = guard.checkName(query)
    if (verdict === PROBE) {
      if (this.waitForProbe(query, now)) return false
      // There is nobody to ask, so the rules decide with what they know.
      query.probes = probesMax
      verdict = guard.checkName(query)
    }
    if (verdict === HOLD) {
      if (this.deps.held.add(query, now + query.holdMs)) return false
      query.held = 1
      verdict = guard.checkName(query)
    }
    return !this.settle(query, verdict)
  }

  private waitForProbe(query: Query, now: number): boolean {
    const { probes, complete } = this.deps
    const from = query.labels[query.probeLabel] as number
    probes.about(this.plan, query.name, from, query.nameLength)
    if (!probes.isOpen && !probes.mayAsk(this.plan, query)) return false
    const flight = probes.ask(now)
    return flight >= 0 && complete.waitForProbe(flight, query, now)
  }

  /** Carries a verdict out; true when it ended the query. */
  private settle(query: Query, verdict: number): boolean {
    if (verdict === PASS) return false
    if (verdict === REPLY) this.deps.replies.send(query, this.plan.guard.draft, metric.outcomes.rule)
    else if (verdict === DROP) this.deps.replies.drop(query, metric.outcomes.dropped)
    else {
      if (verdict === CACHE_ONLY) query.cacheOnly = 1
      return false
    }
    return true
  }

  private lookUp(query: Query, exempt: boolean, now: number): void {
    const { counters, replies } = this.deps
    query.route = this.plan.routes.find(query)
    if (exempt) {
      if (this.draining) return replies.drop(query, metric.outcomes.probe)
      query.silent = 1
      // Nobody works: the check itself goes upstream and finds out, since perhaps nothing else is asked any more.
      if (!this.deps.forward.choice.works(query)) return this.ask(query, now)
    }
    const found = this.deps.store.find(query, now, this.hit)
    if (found !== CACHE_MISS) return this.fromCache(query, found, now)
    counters.add(metric.cache.miss)
    if (query.hasStale === 1 && this.standby.serves(query, questionKey(this.plan, query, this.key), now, this.hit)) {
      return replies.send(query, this.hit, metric.outcomes.stale)
    }
    if (!exempt && !this.checkMiss(query)) return
    this.ask(query, now)
  }

  private fromCache(query: Query, found: number, now: number): void {
    const { counters, replies, cache } = this.deps
    const { lane } = counters
    const place = cachePlaces[found] as number
    lane[place] = (lane[place] as number) + 1
    if (found === CACHE_NEGATIVE && this.isRenamed(query)) return this.reenter(query, now)
    if (query.alias === ALIAS_STRIPPED) this.plan.guard.spared(query)
    if (found === CACHE_FAILURE) this.hit.ede = Ede.CACHED_ERROR
    else if (found === CACHE_STALE) this.hit.ede = Ede.STALE_ANSWER
    const isDue = cache.isDue && query.cacheOnly === 0 && this.plan.data.cache.prefetch
    // First, since the draft is a view of the cache, and a query that lost its suffix is whole again once it has its reply.
    if (isDue) this.standby.refresh(query, now)
    replies.send(query, this.hit, found === CACHE_STALE ? metric.outcomes.stale : metric.outcomes.hit)
  }

  /** Did a rule make another name of one that the cache knows does not exist? */
  private isRenamed(query: Query): boolean {
    const { guard } = this.plan
    // Behind a CNAME it is the target that does not exist.
    if (!guard.hearsDenials || this.hit.rcode !== Rcode.NXDOMAIN || this.hit.answers !== 0) return false
    return guard.denied(query, false) === REWRITE
  }

  /** False when a rule ended the query, or allowed it the cache only and the cache had nothing. */
  private checkMiss(query: Query): boolean {
    // Misses are charged for what they cost the upstream, which is nothing for who joins a flight.
    if (query.cacheOnly === 0 && this.deps.forward.isOpen(query)) return true
    const verdict = query.cacheOnly ? CACHE_ONLY : this.plan.guard.checkMiss(query)
    if (verdict === PASS) return true
    if (verdict !== CACHE_ONLY && this.settle(query, verdict)) return false
    this.deps.replies.send(query, this.plan.guard.draft, metric.outcomes.rule)
    return false
  }

  private ask(query: Query, now: number): void {
    const { forward, complete, replies, store } = this.deps
    const flight = forward.ask(query, now)
    if (flight >= 0 && complete.wait(flight, query, now)) {
      if (query.alias === ALIAS_STRIPPED && query.opened === 0) this.plan.guard.spared(query)
      return
    }
    const key = questionKey(this.plan, query, this.key)
    if (query.hasStale === 1 && store.fallback(key, query.route, now, this.hit)) {
      return replies.send(query, this.hit, metric.outcomes.stale)
    }
    const isNobody = flight >= 0 || flight === NO_UPSTREAM || flight === RESTRAINED
    this.fail(query, isNobody ? Ede.NO_REACHABLE_AUTHORITY : Ede.NETWORK_ERROR)
  }

  /** Loop probes bypass rules, cache and coalescing and are sent once (FIELD 3.1). True when the query's road ends here. */
  private passProbe(query: Query, probe: number, now: number): boolean {
    const { board, counters, complete, forward, replies } = this.deps
    if (probe === PROBE_ROOT_NS) {
      counters.add(metric.guardSeen.rootNs)
      return false
    }
    if (probe === PROBE_DNSWEIR && board.sighting(query)) {
      counters.add(metric.guardSeen.own)
      // It has done its work; without a reply, whoever sent it here would ask again, and dnsmasq would hold up its whole connection.
      this.own.reset(Rcode.NXDOMAIN)
      replies.send(query, this.own, metric.outcomes.probe)
      return true
    }
    counters.add(
      probe === PROBE_COREDNS
        ? metric.guardSeen.coredns
        : probe === PROBE_DNSMASQ
          ? metric.guardSeen.dnsmasq
          : metric.guardSeen.dnsweir,
    )
    query.route = this.plan.routes.find(query)
    const flight = forward.askOnce(query, probe, now)
    if (flight >= 0 && complete.wait(flight, query, now)) return true
    // What looks like a probe and may go nowhere is a query like any other to the rule about floods.
    if (!this.settle(query, this.plan.guard.limit(query))) this.fail(query, Ede.NO_REACHABLE_AUTHORITY)
    return true
  }

  private fail(query: Query, ede: number): void {
    this.own.reset(Rcode.SERVFAIL)
    this.own.ede = ede
    this.deps.replies.fail(query, this.own)
  }
}
