import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { LookedUp, lookedUpMax, lookedUpMemory } from './looked-up.ts'

test('a question is asked once in the lifetime of its denial, and again after it', () => {
  const lookedUp = new LookedUp(undefined)
  const cases: [now: number, key: number, asked: boolean][] = [
    [1e9, 7, true],
    [1e9 + 1, 7, false],
    [1e9 + 1, 8, true],
    [1e9 + 29_900, 7, false],
    [1e9 + 30_100, 7, true],
    [1e9 + 30_101, 7, false],
    [1e9 + 30_100, 0, true],
    [1e9 + 30_101, 0, false],
  ]
  for (const [now, key, asked] of cases) assert.equal(lookedUp.take(key, now, 30), asked, `${key} at ${now}`)
  assert.equal(lookedUp.take(9, 1e9, 0), true)
  assert.equal(lookedUp.take(9, 1e9 + 64, 0), true)
})

test('what is asked again does not live longer for that, as in a cache', () => {
  const lookedUp = new LookedUp(undefined)
  lookedUp.take(7, 0, 5)
  for (let now = 0; now < 4900; now += 100) assert.equal(lookedUp.take(7, now, 5), false)
  assert.equal(lookedUp.take(7, 5100, 5), true)
})

test('where a set is full, the question that is over first makes room', () => {
  const lookedUp = new LookedUp(undefined)
  const sets = lookedUpMax / 4
  for (const [i, seconds] of [20, 10, 30, 40].entries()) lookedUp.take(5 + i * sets, 0, seconds)
  lookedUp.take(5 + 4 * sets, 1, 50)
  const asked = [0, 2, 3, 4].map((i) => lookedUp.take(5 + i * sets, 2, 60))
  assert.deepEqual(asked, [false, false, false, false])
  assert.equal(lookedUp.take(5 + sets, 3, 10), true)
})

test('half as many names as there are places are nearly all remembered, for years of uptime', () => {
  const lookedUp = new LookedUp(undefined)
  const random = seededRandom(3)
  const now = 4 * 365 * 86_400_000
  const keys = Array.from({ length: lookedUpMax / 2 }, () => random.u32() & 0x3fffffff)
  for (const key of keys) lookedUp.take(key, now, 30)
  const forgotten = keys.filter((key) => lookedUp.take(key, now + 1000, 30)).length
  assert.ok(forgotten < keys.length / 10, `${forgotten} of ${keys.length}`)
})

test('two shards that are given the same memory remember together', () => {
  const memory = new SharedArrayBuffer(lookedUpMemory.bytes)
  assert.equal(new LookedUp(memory).take(7, 1000, 30), true)
  assert.equal(new LookedUp(memory).take(7, 1000, 30), false)
})
