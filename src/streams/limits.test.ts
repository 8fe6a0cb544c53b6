import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicClock } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { emptyPlan, type StreamsData } from '../link/plan-data.ts'
import { streamsRefused } from '../metrics/catalog.ts'
import { looseCounters } from '../metrics/counters.ts'
import { StreamsHub } from './hub.ts'
import { defaultLimits } from './limits.ts'

async function scene(t: TestContext) {
  const counters = looseCounters()
  const clock = monotonicClock()
  const hub = new StreamsHub({
    counters,
    clock,
    random: seededRandom(5),
    sys: undefined,
    limits: defaultLimits,
    say: () => {},
  })
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  const endpoint = { address: Uint8Array.of(127, 0, 0, 1), scope: 0, port }
  assert.deepEqual(await hub.setListeners([{ id: 0, endpoint, fd: -1 }]), [])
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    hub.close()
  })
  let generation = 0
  return {
    hub,
    prepare: (streams: StreamsData) => hub.setPlan({ ...emptyPlan, generation: ++generation, streams }),
    commit: (which = generation) => hub.commitPlan(which),
    /** Opens this many more from one address, and tells how many were refused for it. */
    async open(count: number, from: string): Promise<number> {
      const before = counters.lane[streamsRefused.perClient] ?? 0
      for (let i = 0; i < count; i++) {
        const socket = connect({ port, host: '127.0.0.1', localAddress: from })
        socket.on('error', () => {})
        sockets.push(socket)
        await once(socket, 'connect')
      }
      await sleep(50)
      return (counters.lane[streamsRefused.perClient] ?? 0) - before
    },
  }
}

test('a plan sets how many connections an address may have, once it is committed; 0 is no limit', async (t) => {
  const { prepare, commit, open } = await scene(t)
  assert.equal(await open(6, '127.0.0.2'), 0)
  prepare({ connectionsMax: 100, connectionsPerAddressMax: 4 })
  assert.equal(await open(1, '127.0.0.2'), 0, 'it is not live yet')
  commit()
  assert.deepEqual([await open(1, '127.0.0.2'), await open(5, '127.0.0.3')], [1, 1], 'each address for itself')
  prepare({ connectionsMax: 100, connectionsPerAddressMax: 1 })
  prepare({ connectionsMax: 100, connectionsPerAddressMax: 0 })
  commit(2)
  assert.equal(await open(1, '127.0.0.2'), 1, 'a plan that was abandoned changes nothing')
  commit()
  assert.equal(await open(9, '127.0.0.2'), 0)
})

test('a plan sets how many connections there may be in all', async (t) => {
  const { hub, prepare, commit, open } = await scene(t)
  prepare({ connectionsMax: 3, connectionsPerAddressMax: 0 })
  commit()
  await open(8, '127.0.0.2')
  const { clients } = hub as unknown as { clients: { open: number } }
  assert.equal(clients.open, 3)
})
