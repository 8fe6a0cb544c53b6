import { assert } from '../../src/base/assert.ts'
import { emptyPlan, type PlanData } from '../../src/link/plan-data.ts'
import { cache as events } from '../../src/metrics/catalog.ts'
import { looseCounters } from '../../src/metrics/counters.ts'
import { batchSlots } from '../../src/net/batch.ts'
import type { DatagramPort } from '../../src/net/reactor.ts'
import { guardPlan } from '../../test/support/guard.ts'
import { parse, reply } from '../../test/support/message.ts'
import { clientsOf, engineOf, noneReady, turnOf } from './memory.ts'
import type { Micro } from './micro.ts'

/** Answers each question at once, so that the first round fills the cache. */
function upstreamPort(waiting: { port: DatagramPort; bytes: Buffer }[]): DatagramPort {
  const port: DatagramPort = {
    tag: 0,
    connected: true,
    dropped: 0,
    lastError: 0,
    receive(batch) {
      const mine = waiting.filter((one) => one.port === port).slice(0, batchSlots)
      mine.forEach((one, slot) => {
        waiting.splice(waiting.indexOf(one), 1)
        batch.bytes.set(one.bytes, batch.dataAt(slot))
        batch.setLength(slot, one.bytes.length)
      })
      return mine.length
    },
    send(batch, from, count) {
      for (let slot = from; slot < from + count; slot++) {
        const at = batch.dataAt(slot)
        const asked = parse(Buffer.from(batch.bytes.slice(at, at + batch.length(slot))))
        const name = asked.questions[0]?.name ?? ''
        const parts = name.startsWith('h') ? { answers: [`${name} 3600 A 192.0.2.1`] } : { rcode: 3 }
        waiting.push({ port, bytes: reply(asked, parts) })
      }
    },
    deafen: () => false,
    close: () => {},
  }
  return port
}

/**
 * What a shard's own code costs per cached query, without the kernel: a full batch from a port in memory, through the whole road, to a port that throws replies
 * away. Names differ within a batch, as in life; one name alone would flatter the branch predictor and the cache.
 */
function cached(names: readonly string[], plan: PlanData): () => unknown {
  const clients = clientsOf(names)
  const waiting: { port: DatagramPort; bytes: Buffer }[] = []
  const counters = looseCounters()
  const engine = engineOf(clients, () => upstreamPort(waiting), counters)
  engine.commit(
    engine.prepare({
      ...plan,
      generation: 1,
      upstreams: [upstream],
      routes: [{ name: '.', zones: [], upstreams: [0] }],
      cache: { ...emptyPlan.cache, maxBytes: 1 << 24, maxNegativeTtl: 3600, noSoaTtl: 3600 },
    }),
  )
  engine.listen([{ id: 0, endpoint: { address: Uint8Array.of(127, 0, 0, 1), port: 53, scope: 0 }, fd: -1 }])
  const ready = noneReady()
  const turn = (): number => turnOf(engine, clients, ready)
  turn()
  while (waiting.length > 0) {
    ready.upstreams.length = 0
    ready.upstreams.push(...new Set(waiting.map(({ port }) => port)))
    ready.upstreamCount = ready.upstreams.length
    ready.listenerCount = 0
    engine.turn(performance.now(), ready)
  }
  ready.upstreamCount = 0
  turn()
  const hits = counters.lane[events.hit] as number
  // What is not cached, or a failure, would measure another road.
  assert(hits > 0 && counters.lane[events.failureHit] === 0, 'every name is cached')
  return turn
}

const upstream = {
  name: 'u',
  transport: 'udp' as const,
  address: Uint8Array.of(127, 0, 0, 2),
  port: 53,
  scope: 0,
  isPrivate: true,
}

/** As an operator has them who changes nothing but what the load generator's one client needs (bench/load/peers/dnsweir). */
const defaultRules = guardPlan({
  rules: {
    acl: {},
    rateLimit: { rate: '1000000/s', burst: 10_000_000 },
    localAnswers: {},
    searchSuffix: {},
    kubernetesNames: {},
    cut: {},
    aaaaFilter: {},
  },
  clusterDomains: ['cluster.local'],
  searchSuffixes: ['example.org'],
})

const namesOf = (positive: string, negative: string): string[] =>
  Array.from({ length: batchSlots }, (_, i) => (i % 5 < 3 ? `h${i}.${positive}` : `user${i}${negative}`))

export const serveMicros: readonly Micro[] = [
  {
    name: 'serve',
    what: `a turn of ${8 * batchSlots} cached queries from and to ports in memory, their copies into the batch included`,
    step: cached(namesOf('example.org', '-svc.user.svc.cluster.local.example.org'), emptyPlan),
  },
  {
    name: 'serve/rules',
    what: `a turn of ${8 * batchSlots} cached queries that all the default rules let pass`,
    step: cached(namesOf('bench.example', '.example.org'), defaultRules),
  },
]
