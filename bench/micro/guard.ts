import { parseSettings } from '../../src/app/settings.ts'
import { writeMapped } from '../../src/base/address.ts'
import { seededRandom } from '../../src/base/random.ts'
import { createGuard } from '../../src/guard/guard.ts'
import { emptyPlan } from '../../src/link/plan-data.ts'
import { looseCounters } from '../../src/metrics/counters.ts'
import { openQuery } from '../../src/query/open.ts'
import { Query } from '../../src/query/query.ts'
import { addressFromText } from '../../src/wire/text.ts'
import { question } from '../load/names.ts'
import type { Micro } from './micro.ts'

/**
 * What the limiter adds to a miss: 64 clients ask below 64 domains in turn, and time goes on so fast that all have
 * tokens. One client and one domain alone would leave every bucket in the nearest cache.
 */
const count = 64

function misses(written: object, client: (i: number) => string): () => unknown {
  const { settings } = parseSettings(JSON.stringify({ guard: { rateLimit: written } }), 'bench')
  const plan = {
    ...emptyPlan,
    rules: [{ name: 'rateLimit', mode: 'enforce' as const, settings: settings?.guard.rateLimit }],
  }
  const guard = createGuard(plan, {
    clock: { now: () => 0 },
    random: seededRandom(1),
    counters: looseCounters(),
    shared: (_key, bytes) => new SharedArrayBuffer(bytes),
    isFirstShard: false,
    hashSeed: 1,
    ask: () => false,
    events: () => {},
  })
  const queries = Array.from({ length: count }, (_, i) => {
    const query = new Query()
    query.bytes = question(`user${i}-svc.user${i}.domain${i}.org`, 1)
    query.length = query.bytes.length
    openQuery(query, 1)
    writeMapped(addressFromText(client(i)) as Uint8Array, query.client, 0)
    return query
  })
  let turn = 0
  let now = 0
  return () => {
    const query = queries[turn++ & (count - 1)] as Query
    now += 0.5
    query.receivedAt = now
    return guard.checkMiss(query)
  }
}

export const guardMicros: readonly Micro[] = [
  { name: 'guard/rateLimit, IPv4', what: 'a miss charged on 5 levels', step: misses({}, (i) => `10.0.${i}.7`) },
  { name: 'guard/rateLimit, IPv6', what: 'a miss charged on 6 levels', step: misses({}, (i) => `2001:db8:0:${i}::7`) },
  {
    name: 'guard/rateLimit, shared',
    what: 'a miss charged on 2',
    step: misses({ shared: true }, (i) => `10.0.${i}.7`),
  },
]
