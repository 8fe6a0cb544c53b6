import { hashBytes } from '../base/hash.ts'
import type { Random } from '../base/random.ts'
import type { Cache } from '../cache/cache.ts'
import { failureSeconds } from '../cache/cacheable.ts'
import { type CacheKey, emptyKey, forAllTypes, notRecursive } from '../cache/entry.ts'
import { CACHE_FAILURE, CACHE_HIT, CACHE_MISS, CACHE_NEGATIVE, CACHE_STALE } from '../cache/found.ts'
import * as metric from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Draft } from '../query/draft.ts'
import type { Query } from '../query/query.ts'
import { FLAG_CD, FLAG_DO, FLAG_RD, type Flights } from '../upstream/flight.ts'
import { Ede, Type } from '../wire/codes.ts'
import { KIND_NXDOMAIN } from '../wire/kind.ts'
import { isAtOrBelow } from '../wire/name.ts'
import type { Rebuilt } from '../wire/rebuild.ts'
import type { Learned } from './learned.ts'
import type { Plan } from './plan.ts'

/** After a question that brought nothing, the next about the same stale answer waits so long, up to a tenth longer (RFC 8767 section 5), in ms. */
const recheckMs = 30_000

export interface StoreDeps {
  readonly cache: Cache
  readonly counters: Counters
  readonly learned: Learned
  readonly random: Random
  readonly hashSeed: number
}

/** Counters by what the cache says. */
export const cachePlaces = new Int32Array(CACHE_STALE + 1)
cachePlaces[CACHE_HIT] = metric.cache.hit
cachePlaces[CACHE_NEGATIVE] = metric.cache.negativeHit
cachePlaces[CACHE_FAILURE] = metric.cache.failureHit
cachePlaces[CACHE_STALE] = metric.cache.staleHit

/** The question of a query as a key; its name stays where it is. */
export function questionKey(plan: Plan, query: Query, key: CacheKey): CacheKey {
  key.name = query.name
  key.view = query.nameView
  key.nameLength = query.nameLength
  key.hash = query.hash
  key.type = query.askType
  // RD=0 asks what the upstream happens to know: an answer for others who ask so, and nobody else.
  key.dnssec = query.dnssecOk | (query.checkingDisabled << 1) | (query.recursionDesired ? 0 : notRecursive)
  key.route = plan.routes.keys[query.route] as number
  return key
}

/**
 * What a shard keeps of answers, and what it falls back on when none comes.
 *
 * A failure never takes the place of an answer that lives or may still serve; an answer always does, and NXDOMAIN that of all that was known
 * of the name's asked type.
 */
export class Store {
  plan: Plan
  /** The question of the flight that the store is `about`. */
  readonly key: CacheKey = emptyKey()
  private readonly asked: CacheKey = emptyKey()
  /** ms at which an upstream of the route last came back from being down. */
  backSince: (route: number) => number = () => 0
  private route = 0
  private readonly deps: StoreDeps

  constructor(plan: Plan, deps: StoreDeps) {
    this.plan = plan
    this.deps = deps
  }

  /** The flight's question as a key; the name is copied, so that nothing is sliced off per answer. */
  about(view: Flights, flight: number): void {
    const { key } = this
    view.copyName(flight, key.name)
    key.nameLength = view.nameLength[flight] as number
    key.hash = hashBytes(this.deps.hashSeed, key.name, 0, key.nameLength)
    key.type = view.type[flight] as number
    const flags = view.flags[flight] as number
    key.dnssec =
      ((flags & FLAG_DO) !== 0 ? 1 : 0) |
      ((flags & FLAG_CD) !== 0 ? 2 : 0) |
      ((flags & FLAG_RD) !== 0 ? 0 : notRecursive)
    this.route = view.route[flight] as number
    key.route = this.plan.routes.keys[this.route] ?? 0
  }

  get isInCluster(): boolean {
    const { name, nameLength } = this.key
    for (const domain of this.plan.clusterDomains.names) {
      if (nameLength >= domain.length && isAtOrBelow(name, 0, nameLength, domain, 0, domain.length)) return true
    }
    return false
  }

  /**
   * May the answer, where it is a denial without SOA, be sent on with one of ours? That makes NXDOMAIN one of the whole name to whoever caches by
   * names. dnsmasq says it without SOA to AAAA of a name to which `address=` gave an A alone: so only when A is denied as well.
   */
  isOfName({ kind, soaTtl }: Rebuilt, now: number): boolean {
    const { key } = this
    if (kind !== KIND_NXDOMAIN || soaTtl !== -1 || key.type === Type.A) return true
    const { type } = key
    key.type = Type.A
    const isDenied = this.deps.cache.denies(key, now)
    key.type = type
    return isDenied
  }

  /**
   * The answer to this very question, else the denial of its name. A denial is also said in place of a failure or a stale answer that is older.
   */
  find(query: Query, now: number, draft: Draft): number {
    const { cache } = this.deps
    const key = questionKey(this.plan, query, this.asked)
    const found = cache.get(key, now, draft)
    if (found === CACHE_HIT || found === CACHE_NEGATIVE) return found
    query.hasStale = cache.hasStale && this.plan.stale.mayServe(key, query.route) ? 1 : 0
    if (found !== CACHE_MISS && this.isTrue(found, key, query.route)) return found
    forAllTypes(key)
    return cache.get(key, now, draft)
  }

  /** Keeps an answer to that question for `seconds`. */
  keep(rebuilt: Rebuilt, ad: number, seconds: number, now: number): void {
    const { cache } = this.deps
    const { key } = this
    // RFC 2308 section 5: true of all types; but not of a CNAME's owner, nor without an SOA: dnsmasq denies AAAA where `address=` gave A only.
    if (rebuilt.kind === KIND_NXDOMAIN && rebuilt.answers === 0 && rebuilt.soaTtl !== -1) {
      // What was true before is not to serve again when the denial is over.
      cache.drop(key)
      forAllTypes(key)
    }
    // What was said of AAAA before may have an SOA from now on (see `isOfName`).
    if (rebuilt.kind === KIND_NXDOMAIN && rebuilt.soaTtl === -1 && key.type === Type.A) this.dropOther(Type.AAAA)
    this.stored(cache.put(key, rebuilt, ad, seconds * 1000, now))
  }

  /** The answer is not to be kept, and what was known before is true no more. */
  forget(): void {
    this.deps.cache.drop(this.key)
  }

  /** Remembers that nothing came (RFC 9520), unless something is there that serves in its place. */
  keepFailure(rebuilt: Rebuilt, now: number): void {
    const { cache } = this.deps
    const { key } = this
    if (cache.serves(key, now, this.plan.stale.mayServe(key, this.route))) return
    const strikes = cache.strikes(key, now)
    this.stored(cache.put(key, rebuilt, 0, failureSeconds(strikes, this.plan.data.cache) * 1000, now, strikes))
  }

  /** What may be said to the flight's waiters in place of a failure; see `fallback`. */
  instead(now: number, draft: Draft): boolean {
    return this.fallback(this.key, this.route, now, draft)
  }

  /**
   * What serves when nobody answers: true when the draft is an answer that lives, or a stale one (RFC 8767), which then (`isAsked`) serves at once
   * for the next while.
   */
  fallback(key: CacheKey, route: number, now: number, draft: Draft, isAsked = true): boolean {
    const { cache, random } = this.deps
    const isRight = this.plan.stale.mayServe(key, route) && !this.isDeniedSince(key)
    const found = isRight ? cache.stale(key, now, draft) : CACHE_MISS
    if (found === CACHE_MISS) return false
    if (found === CACHE_STALE) {
      draft.ede = Ede.STALE_ANSWER
      if (isAsked) cache.pause(key, now + recheckMs * (1 + random.u16() / 655_350))
    }
    return true
  }

  private dropOther(type: number): void {
    const { key } = this
    const own = key.type
    key.type = type
    this.deps.cache.drop(key)
    key.type = own
  }

  /** Is a stale answer or a failure still to be said? */
  private isTrue(found: number, key: CacheKey, route: number): boolean {
    if (this.isDeniedSince(key)) return false
    if (found === CACHE_STALE) return this.plan.stale.mayServe(key, route)
    // What failed while all were down is no news once one is back.
    return this.deps.cache.keptSince(key) >= this.backSince(route)
  }

  /** Was the name denied after what is kept of the question? Its types did not exist any more then. */
  private isDeniedSince(key: CacheKey): boolean {
    const { cache } = this.deps
    const { type, dnssec } = key
    forAllTypes(key)
    const deniedAt = cache.keptSince(key)
    key.type = type
    key.dnssec = dnssec
    // Last, since a draft may be a view of this entry, gathered where the other one was.
    return deniedAt > cache.keptSince(key)
  }

  private stored(isKept: boolean): void {
    const { counters, learned } = this.deps
    counters.add(isKept ? metric.cache.stored : metric.cache.refused)
    if (isKept) learned.share(this.key)
    else this.forget()
  }
}
