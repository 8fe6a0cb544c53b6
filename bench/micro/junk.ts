import { seededRandom } from '../../src/base/random.ts'
import { ShardEngine } from '../../src/engine/shard-engine.ts'
import { looseCounters } from '../../src/metrics/counters.ts'
import { batchSlots } from '../../src/net/batch.ts'
import { LoopBoard } from '../../src/upstream/loop-board.ts'
import { guardPlan } from '../../test/support/guard.ts'
import { clientsOf, noneReady, turnOf } from './memory.ts'
import type { Micro } from './micro.ts'

/** What a query costs that searchSuffix answers: as in `serve`, from and to a port in memory, and no upstream is ever asked. */
const clients = clientsOf(
  Array.from({ length: batchSlots }, (_, i) => `user${i}-svc.user${i}.svc.cluster.local.example.org`),
)
const engine = new ShardEngine({
  reactor: {
    engine: 'memory',
    openListener: () => clients,
    openUpstream: () => clientsOf([]),
    run: () => {},
    stop: () => {},
  },
  sys: undefined,
  clock: { now: () => performance.now() },
  random: seededRandom(1),
  counters: looseCounters(),
  board: new LoopBoard(new SharedArrayBuffer(LoopBoard.bytes)),
  shard: 1,
  shards: 1,
  hashSeed: 7,
  shared: (_key, bytes) => new SharedArrayBuffer(bytes),
  events: () => {},
  control: () => {},
})
const plan = guardPlan({
  rules: { searchSuffix: {}, cut: {} },
  clusterDomains: ['cluster.local'],
  searchSuffixes: ['lan', 'example.org'],
})
const upstream = {
  name: 'u',
  transport: 'udp' as const,
  address: Uint8Array.of(127, 0, 0, 2),
  port: 53,
  scope: 0,
  isPrivate: true,
}
const routes = [{ name: '.', zones: [], upstreams: [0] }]
engine.commit(engine.prepare({ ...plan, generation: 1, upstreams: [upstream], routes }))
engine.listen([{ id: 0, endpoint: { address: Uint8Array.of(127, 0, 0, 1), port: 53, scope: 0 }, fd: -1 }])
const ready = noneReady()

export const junkMicros: readonly Micro[] = [
  {
    name: 'serve/junk',
    what: `a turn of ${8 * batchSlots} queries that are junk by form, 64 names, as in serve`,
    step: () => turnOf(engine, clients, ready),
  },
]
