import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gauges, outcomes, queries } from '../metrics/catalog.ts'
import { Counters } from '../metrics/counters.ts'
import { Ledger } from './ledger.ts'

test('what a dead worker held is booked as lost, and its gauges fall to zero', () => {
  const ledger = new Ledger(3)
  const one = new Counters(ledger.lanes[1] as Float64Array)
  const two = new Counters(ledger.lanes[2] as Float64Array)
  one.add(queries.udp, 10)
  one.add(queries.tcp, 2)
  one.add(outcomes.hit, 7)
  one.add(outcomes.answered, 2)
  one.set(gauges.waiting, 2)
  one.set(gauges.cacheEntries, 50)
  two.add(queries.udp, 5)
  two.add(outcomes.hit, 4)
  two.set(gauges.waiting, 1)
  assert.equal(ledger.waiting(), 4)
  assert.equal(ledger.close(1), 3)
  assert.equal(ledger.waiting(), 1)
  assert.deepEqual(
    [queries.udp, outcomes.lost, gauges.waiting, gauges.cacheEntries].map((at) => one.lane[at]),
    [10, 3, 0, 0],
  )
  assert.equal(two.lane[gauges.waiting], 1)
  // The successor goes on in the same lane.
  one.add(queries.udp)
  one.add(outcomes.hit)
  assert.equal(ledger.close(1), 0)
})
