import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Restarts } from './restarts.ts'

test('a crash is answered at once, a loop of crashes once a second', () => {
  const restarts = new Restarts()
  const delays = [0, 100, 200, 300, 400].map((at) => restarts.delay(at))
  assert.deepEqual(delays, [0, 0, 0, 0, 0])
  assert.equal(restarts.delay(500), 1000)
  assert.equal(restarts.delay(1600), 1000)
  // Ten quiet seconds later it is forgiven.
  assert.equal(restarts.delay(11_700), 0)
})
