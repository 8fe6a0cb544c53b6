/** One of several threads that meet the same limits at the same instant: src/guard/rateLimit/threads.test.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { seededRandom } from '../../src/base/random.ts'
import { Domains } from '../../src/guard/rateLimit/domains.ts'
import { Episodes } from '../../src/guard/rateLimit/episodes.ts'
import { Limiter, limiterBytes } from '../../src/guard/rateLimit/limiter.ts'
import type { RateLimitSettings } from '../../src/guard/rateLimit/settings.ts'
import { LocalTable } from '../../src/query/local-table.ts'
import { NameSet } from '../../src/query/name-set.ts'
import { queryOf } from './query.ts'

export interface LimitWork {
  readonly memory: SharedArrayBuffer
  /** One word in which threads count themselves present. */
  readonly gate: SharedArrayBuffer
  readonly threads: number
  readonly settings: RateLimitSettings
  readonly names: readonly string[]
  readonly rounds: number
}

export interface LimitResult {
  readonly granted: number
  readonly refused: number
  /** Beginnings that this thread told. */
  readonly told: number
}

const { memory, gate, threads, settings, names, rounds } = workerData as LimitWork
const none = new NameSet([])
const domains = new Domains({
  clusterDomains: none,
  searchSuffixes: none,
  routeZones: none,
  localNames: new LocalTable(),
  servedBelow: none,
})
const limiter = new Limiter(memory, settings, domains, seededRandom(1))
const episodes = new Episodes(memory, limiterBytes(settings))
const queries = names.map((name) => queryOf(name))
let granted = 0
let refused = 0
let told = 0

const present = new Int32Array(gate)
Atomics.add(present, 0, 1)
while (Atomics.load(present, 0) < threads);
for (let round = 0; round < rounds; round++) {
  for (const query of queries) {
    const level = limiter.take(query, 0)
    if (level === undefined) granted++
    else {
      refused++
      const place = episodes.of(limiter.key, level.index, 0, query, domains.find(query))
      episodes.count(place, query.receivedAt)
      episodes.book(place, 0)
    }
    episodes.next(query.receivedAt, () => told++)
  }
}
parentPort?.postMessage({ granted, refused, told } satisfies LimitResult)
