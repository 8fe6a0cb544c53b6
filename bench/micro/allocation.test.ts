import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchSlots } from '../../src/net/batch.ts'
import { serveMicros } from './serve.ts'

const roundsPerTurn = 8
const turnsPerWindow = 20
const windows = 10
/** A turn reads the clock a few times, which boxes a number each; a single object per query would be 16 bytes of it at least. */
const bytesPerQueryMax = 2

for (const { name, step } of serveMicros) {
  test(`nothing is allocated per cached query: ${name}`, () => {
    // Until the road is compiled for good: what is not yet makes an object of each number with a fraction.
    for (let turn = 0; turn < 3000; turn++) step()
    const grown = Array.from({ length: windows }, () => {
      const before = process.memoryUsage().heapUsed
      for (let turn = 0; turn < turnsPerWindow; turn++) step()
      return process.memoryUsage().heapUsed - before
    }).sort((a, b) => a - b)
    // A collection within a window hides what it allocated, and what else the process does shows in one: most windows have neither.
    const median = grown[windows / 2] as number
    const perQuery = median / (turnsPerWindow * roundsPerTurn * batchSlots)
    assert.ok(perQuery < bytesPerQueryMax, `${perQuery.toFixed(2)} bytes per query`)
    assert.ok(median >= 0, 'most windows are without a collection')
  })
}
