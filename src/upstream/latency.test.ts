import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { Latency } from './latency.ts'

test('the 95th percentile is at most 19 % above the true one, whatever the distribution', () => {
  const random = seededRandom(3)
  const uniform = () => random.u16() / 0x10000
  const shapes: Record<string, () => number> = {
    uniform: () => 10 + 90 * uniform(),
    exponential: () => 1 - 20 * Math.log(1 - uniform()),
    'two humps': () => (uniform() < 0.9 ? 2 : 200) * (1 + uniform()),
    tiny: () => 0.01 + 0.1 * uniform(),
  }
  for (const [name, draw] of Object.entries(shapes)) {
    const latency = new Latency()
    const drawn = Array.from({ length: 960 }, draw)
    for (const ms of drawn) latency.sample(3, ms)
    const truth = drawn.sort((a, b) => a - b)[Math.ceil(960 * 0.95) - 1] as number
    const said = latency.p95[3] as number
    assert.ok(
      said >= Math.max(truth * 0.99, 0.25) && said <= Math.max(truth * 1.2, 0.31),
      `${name}: ${said} for ${truth}`,
    )
  }
})

test('it is unknown before 64 samples, and follows a change', () => {
  const latency = new Latency()
  for (let i = 0; i < 63; i++) latency.sample(0, 10)
  assert.equal(latency.p95[0], Number.POSITIVE_INFINITY)
  latency.sample(0, 10)
  assert.ok((latency.p95[0] as number) < 12)
  for (let i = 0; i < 60_000; i++) latency.sample(0, 10)
  for (let i = 0; i < 200; i++) latency.sample(0, 100)
  assert.ok((latency.p95[0] as number) > 99)
  for (let i = 0; i < 6000; i++) latency.sample(0, 10)
  assert.ok((latency.p95[0] as number) < 12, 'old samples are forgotten')
})

test('times beyond the table are the last bucket', () => {
  const latency = new Latency()
  for (let i = 0; i < 64; i++) latency.sample(31, 60_000)
  assert.ok((latency.p95[31] as number) > 4000)
})
