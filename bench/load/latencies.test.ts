import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Latencies } from './latencies.ts'

test('none: zeros', () => {
  const latencies = new Latencies()
  assert.deepEqual([latencies.count, latencies.quantile(0.5), latencies.max()], [0, 0, 0])
})

test('a quantile is at most 6 % and 1 µs above the true one, and never below', () => {
  const micros = fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(micros, fc.double({ min: 0.01, max: 1, noNaN: true }), (values, q) => {
      const latencies = new Latencies()
      for (const value of values) latencies.add(value / 1000)
      const sorted = values.toSorted((a, b) => a - b)
      const truth = sorted[Math.ceil(q * values.length) - 1] as number
      const said = latencies.quantile(q) * 1000
      assert.ok(said >= truth - 0.5 && said <= truth * 1.0625 + 1, `${said} for ${truth}`)
      assert.equal(Math.round(latencies.max() * 1000), sorted.at(-1))
    }),
  )
})
