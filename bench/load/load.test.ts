import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openSys } from '../../src/net/sys.ts'
import { cases, measure } from './cases.ts'
import { peers } from './peers.ts'
import { generate, startServer, startStub } from './start.ts'

/** Benches rot unless somebody runs them: each part here for a moment, with no opinion on the numbers. */
const sys = openSys()
const skip = typeof sys === 'string' ? sys : false
const order = {
  workload: 'hits',
  outstanding: 64,
  rate: 0,
  warmSeconds: 0.1,
  seconds: 0.3,
  limit: 0,
  silentRate: 0,
} as const

test('the generator against the stub', { skip }, async (t) => {
  const stub = await startStub()
  t.after(() => stub.stop())
  const target = { port: stub.port, pid: stub.pid }

  const saturated = await generate({ ...order, ...target })
  assert.ok(saturated.answered > 500, `${saturated.answered} answers`)
  assert.equal(saturated.failed, 0)
  assert.ok(saturated.cpuMicros > 0 && saturated.cpuMicros < saturated.seconds * 2e6)
  assert.ok(saturated.p50 > 0 && saturated.p50 <= saturated.p99 && saturated.p99 <= saturated.max)

  const paced = await generate({ ...order, ...target, rate: 1000 })
  assert.ok(paced.answered > 200 && paced.answered <= 300, `${paced.answered} answers at 1,000/s in 0.3 s`)

  const limited = await generate({ ...order, ...target, workload: 'misses', warmSeconds: 0, seconds: 10, limit: 1000 })
  assert.equal(limited.answered + limited.lost, 1000)

  const silent = await generate({ ...order, ...target, silentRate: 100 })
  assert.deepEqual([silent.silent.answered, silent.silent.failed], [0, 0])
})

for (const peer of peers) {
  const absent = skip || (peer.find() === undefined ? `${peer.name} is not installed` : false)
  test(`${peer.name} starts, is measured and ends`, { skip: absent }, async (t) => {
    const stub = await startStub()
    t.after(() => stub.stop())
    const server = await startServer(peer, stub.port)
    t.after(() => server.stop())
    const result = await measure(server, cases.hits, 0.2)
    assert.ok(result.answered > 100 && result.failed === 0, JSON.stringify(result))
    assert.ok(result.cpuPerQuery > 0 && result.resident > 1e6)
  })
}
