import type { Cache } from '../cache/cache.ts'
import { emptyKey, forAllTypes } from '../cache/entry.ts'
import { CACHE_EXPIRED, CACHE_FAILURE, CACHE_MISS, CACHE_NEGATIVE } from '../cache/found.ts'
import { GuardWalk } from '../guard/explain.ts'
import type { ExplainQuestion, ExplainSource, ExplainStep, Explanation } from '../link/explain-data.ts'
import { Draft } from '../query/draft.ts'
import { denialBytes, toldOf } from '../query/lost.ts'
import { OPEN_OK, OPEN_SHORT, openQuery } from '../query/open.ts'
import { PROBE_DNSWEIR, PROBE_NONE, PROBE_ROOT_NS, probeOf } from '../query/probe.ts'
import { Query } from '../query/query.ts'
import { ALIAS_STRIPPED } from '../query/rename.ts'
import { CACHE_ONLY, DROP, PASS, REPLY, REWRITE, type Verdict } from '../query/verdict.ts'
import type { Forward } from '../upstream/forward.ts'
import { Ede, Rcode, rcodeName } from '../wire/codes.ts'
import { recordsOf, replyBytes } from './explain-reply.ts'
import { cacheStep, openWords, probeWords, routeStep, upstreamStep } from './explain-words.ts'
import { draftOwnReply } from './own-reply.ts'
import type { Plan } from './plan.ts'
import { questionKey } from './store.ts'

/** What only a program that runs knows. */
export interface Live {
  readonly cache: Cache
  readonly forward: Forward
  readonly isDraining: boolean
}

/** Names that rules may make of one name, so that no two of them send a question around for ever. */
const renamesMax = 3

/**
 * Walks the road of engine/serve with a query that nobody sent: the same functions, step by step, and why. Charges, counts, sends and
 * keeps nothing. @param live undefined where no program runs: then cache and upstreams are not known
 */
export function explain(
  plan: Plan,
  { message, client, streamed }: ExplainQuestion,
  hashSeed: number,
  now: number,
  live: Live | undefined,
): Explanation {
  const query = new Query()
  query.bytes = message
  query.length = message.length
  query.client.set(client)
  query.streamed = streamed ? 1 : 0
  query.receivedAt = now
  const opened = openQuery(query, hashSeed)
  query.dry = 1
  return new Walk(plan, query, now, live).from(opened)
}

class Walk {
  private readonly plan: Plan
  private readonly query: Query
  private readonly now: number
  private readonly live: Live | undefined
  private readonly steps: ExplainStep[] = []
  private readonly rules: GuardWalk
  private renames = 0

  constructor(plan: Plan, query: Query, now: number, live: Live | undefined) {
    this.plan = plan
    this.query = query
    this.now = now
    this.live = live
    this.rules = new GuardWalk(plan.guard, this.steps)
  }

  from(opened: number): Explanation {
    const { query, rules } = this
    if (opened === OPEN_SHORT) throw new Error('explain was given no query')
    const admitted = rules.admit(query)
    if (isEnd(admitted)) return this.byRule(admitted)
    if (opened !== OPEN_OK) return this.atOnce(opened)
    const probe = probeOf(query)
    if (probe !== PROBE_NONE) this.step('probe', probe === PROBE_ROOT_NS ? 'exempt' : 'once', probeWords(probe))
    if (probe !== PROBE_NONE && probe !== PROBE_ROOT_NS) return this.once(probe)
    const limited = probe === PROBE_ROOT_NS ? PASS : rules.limit(query)
    return isEnd(limited) ? this.byRule(limited) : this.byName(probe === PROBE_ROOT_NS)
  }

  /** The rules about names, and on: also for a query that has another name now. */
  private byName(isExempt: boolean): Explanation {
    const verdict = this.rules.checkName(this.query)
    return isEnd(verdict) ? this.byRule(verdict) : this.lookUp(isExempt)
  }

  /** Answered before any rule looks at the name (RFC 8906). */
  private atOnce(opened: number): Explanation {
    const limited = this.rules.limit(this.query)
    if (isEnd(limited)) return this.byRule(limited)
    const draft = new Draft(64)
    draftOwnReply(draft, opened)
    this.step('question', 'error', openWords(opened, this.query.type))
    return this.end('error', 'question', draft)
  }

  /** Probes of others bypass rules and cache, and go to an upstream that loops only where that is all there is, and only a dnsweir's. */
  private once(probe: number): Explanation {
    this.route()
    const all = this.outlook()
    const good = all.filter(({ isLooping }) => !isLooping)
    const usable = good.length === 0 && probe === PROBE_DNSWEIR ? all : good
    this.steps.push(upstreamStep(this.plan.data, usable, false))
    return usable.length === 0 && this.live !== undefined ? this.failure() : this.end('upstream', 'upstream', undefined)
  }

  private lookUp(isExempt: boolean): Explanation {
    const { query, live } = this
    this.route()
    query.silent = isExempt ? 1 : 0
    if (isExempt && live?.isDraining) return this.end('none', 'probe', undefined)
    if (isExempt && live !== undefined && !live.forward.choice.works(query)) return this.ask()
    if (live === undefined) this.steps.push(cacheStep(CACHE_MISS, undefined, false, 0))
    else {
      const hit = new Draft()
      const found = this.find(live, hit)
      if (found !== CACHE_MISS) return this.found(found, hit)
    }
    if (isExempt) return this.ask()
    // As on the road: who joins a flight is not charged.
    if (query.cacheOnly === 0 && live?.forward.isOpen(query)) return this.ask()
    const verdict = query.cacheOnly === 1 ? CACHE_ONLY : this.rules.checkMiss(query)
    return verdict === PASS ? this.ask() : this.byRule(verdict)
  }

  private found(found: number, hit: Draft): Explanation {
    const { guard } = this.plan
    const isDenial = found === CACHE_NEGATIVE && hit.rcode === Rcode.NXDOMAIN && hit.answers === 0
    if (isDenial && guard.hearsDenials && this.renames++ < renamesMax && this.rules.denied(this.query) === REWRITE) {
      return this.byName(false)
    }
    if (found === CACHE_FAILURE) hit.ede = Ede.CACHED_ERROR
    else this.rules.answer(this.query, recordsOf(this.query, hit), hit.refusedBy)
    return this.end('cache', hit.refusedBy === 0 ? 'cache' : this.rules.decidedBy, hit)
  }

  /** The answer to this very question, else the denial of its name; the draft is a view into the cache. */
  private find({ cache }: Live, hit: Draft): number {
    const key = questionKey(this.plan, this.query, emptyKey())
    const exact = cache.peek(key, this.now, hit)
    const step = cacheStep(exact, hit, false, cache.msLeft)
    forAllTypes(key)
    const byName = exact === CACHE_MISS || exact === CACHE_EXPIRED ? cache.peek(key, this.now, hit) : exact
    const isByName = byName !== exact && byName !== CACHE_MISS && byName !== CACHE_EXPIRED
    this.steps.push(isByName ? cacheStep(byName, hit, true, cache.msLeft) : step)
    return byName === CACHE_EXPIRED ? CACHE_MISS : byName
  }

  private route(): void {
    this.query.route = this.plan.routes.find(this.query)
    this.steps.push(routeStep(this.plan.data, this.query))
  }

  private ask(): Explanation {
    const { query, live } = this
    const outlook = this.outlook()
    this.steps.push(upstreamStep(this.plan.data, outlook, live?.forward.isOpen(query) ?? false))
    if (outlook.length === 0) return this.failure()
    this.rules.answer(query, undefined, 0)
    return this.end('upstream', 'upstream', undefined)
  }

  /** Where no program runs, all that is known of them is their order. */
  private outlook(): ReturnType<Forward['choice']['outlook']> {
    if (this.live !== undefined) return this.live.forward.choice.outlook(this.query)
    const known = { isAsked: true, isNext: false, isLooping: false, isDown: false, rttMs: 0, failures: 0 }
    return (this.plan.data.routes[this.query.route]?.upstreams ?? []).map((upstream) => ({ ...known, upstream }))
  }

  private failure(): Explanation {
    if (this.query.silent === 1) return this.end('none', 'probe', undefined)
    const draft = new Draft()
    draft.reset(Rcode.SERVFAIL)
    draft.ede = Ede.NO_REACHABLE_AUTHORITY
    return this.end('error', 'upstream', draft)
  }

  private byRule(verdict: Verdict): Explanation {
    const { decidedBy } = this.rules
    return verdict === DROP
      ? this.end('none', decidedBy, undefined)
      : this.end('rule', decidedBy, this.plan.guard.draft)
  }

  private end(source: ExplainSource, decidedBy: string, made: Draft | undefined): Explanation {
    const isWhole = made === undefined || this.query.alias !== ALIAS_STRIPPED
    const draft = isWhole ? made : toldOf(this.query, made, new Draft(denialBytes))
    const { asksFirst } = this.rules
    const reply = draft === undefined ? undefined : replyBytes(this.plan.guard, this.query, draft)
    const verdict = draft === undefined ? (source === 'none' ? 'none' : 'unknown') : rcodeName(draft.rcode)
    const ifItExists =
      asksFirst === '' ? '' : `; all this if ${asksFirst} exists: NXDOMAIN for it is NXDOMAIN for this name`
    this.step('reply', verdict, `${endWords[source].replace('%', decidedBy)}${ifItExists}`)
    return { steps: this.steps, source, decidedBy, reply, asksFirst }
  }

  private step(step: string, verdict: string, why: string): void {
    this.steps.push({ step, verdict, why })
  }
}

const endWords: Readonly<Record<ExplainSource, string>> = {
  rule: 'made here by %',
  cache: 'what the cache holds',
  upstream: 'what the upstream answers, so it is not known before somebody asks',
  error: 'made here: the question itself, or the upstreams, leave no other',
  none: 'no reply is sent, by %',
}

function isEnd(verdict: Verdict): boolean {
  return verdict === REPLY || verdict === DROP
}
