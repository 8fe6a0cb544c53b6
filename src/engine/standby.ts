import type { Cache } from '../cache/cache.ts'
import type { CacheKey } from '../cache/entry.ts'
import * as metric from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Draft } from '../query/draft.ts'
import type { Query } from '../query/query.ts'
import { URGENCY_EARLY, urgencyOf } from '../upstream/budget.ts'
import { flightsMax } from '../upstream/flight.ts'
import type { Forward } from '../upstream/forward.ts'
import type { Store } from './store.ts'

/** Above this share of open flights nobody is asked before somebody has to wait: what clients wait for comes first. */
const pressureShare = 1 / 4

export interface StandbyDeps {
  readonly cache: Cache
  readonly store: Store
  readonly forward: Forward
  readonly counters: Counters
}

/** Questions that nobody waits for: an answer is there, and is made new before it is missed, or while nobody works. */
export class Standby {
  private readonly deps: StandbyDeps

  constructor(deps: StandbyDeps) {
    this.deps = deps
  }

  /**
   * The query has missed, and what is over would do: true when it does so at once, since there is nobody to wait for. The draft is the reply. Then
   * somebody is asked on the side, once in the while that the stale answer serves.
   */
  serves(query: Query, key: CacheKey, now: number, draft: Draft): boolean {
    const { forward, store } = this.deps
    const isAlone = query.cacheOnly === 1 || !forward.choice.works(query) || this.isSpent(query, now)
    if (!isAlone || !store.fallback(key, query.route, now, draft, query.cacheOnly === 0)) return false
    if (query.cacheOnly === 0) forward.ask(query, now, URGENCY_EARLY)
    return true
  }

  /** Would the question have to wait for the budget of its upstreams? */
  private isSpent({ route, askType, isJunk }: Query, now: number): boolean {
    return this.deps.forward.choice.isSpent(route, urgencyOf(askType, isJunk), now)
  }

  /** The answer that the cache has just given is hot and nearly over: it is asked for before anybody has to wait for it. */
  refresh(query: Query, now: number): void {
    const { cache, forward, counters } = this.deps
    if (forward.view.inUse > flightsMax * pressureShare || !forward.choice.works(query)) return
    cache.markRefreshed()
    if (forward.ask(query, now, URGENCY_EARLY) >= 0) counters.add(metric.cache.refreshed)
  }
}
