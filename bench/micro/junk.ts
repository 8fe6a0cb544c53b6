import { batchSlots } from '../../src/net/batch.ts'
import { guardPlan } from '../../test/support/guard.ts'
import { clientsOf, engineOf, noneReady, turnOf } from './memory.ts'
import type { Micro } from './micro.ts'

/** What a query costs that searchSuffix answers: as in `serve`, from and to a port in memory, and no upstream is ever asked. */
const clients = clientsOf(
  Array.from({ length: batchSlots }, (_, i) => `user${i}-svc.user${i}.svc.cluster.local.example.org`),
)
const engine = engineOf(clients, () => clientsOf([]))
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
