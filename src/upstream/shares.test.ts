import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Shares } from './shares.ts'

const address = (...bytes: number[]): Uint8Array =>
  bytes.length === 4
    ? Uint8Array.of(...new Uint8Array(10), 0xff, 0xff, ...bytes)
    : Uint8Array.of(...bytes, ...new Uint8Array(16 - bytes.length))

test('clients are IPv4 addresses and the /64 of IPv6 ones', () => {
  const shares = new Shares(7)
  const cell = (...bytes: number[]): number => shares.cellOf(address(...bytes))
  assert.equal(cell(10, 0, 0, 1), cell(10, 0, 0, 1))
  assert.notEqual(cell(10, 0, 0, 1), cell(10, 0, 0, 2))
  const v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1]
  assert.equal(cell(...v6, 1, 2, 3), cell(...v6, 0, 0, 0xff, 0xff, 1))
  assert.notEqual(cell(...v6, 1), cell(...v6.slice(0, 7), 2, 1))
})

test('an only client is never greedy, nor are equals; one with more than its share is, until it has been quiet', () => {
  const shares = new Shares(7)
  for (let i = 0; i < 1000; i++) shares.spend(1, i)
  assert.equal(shares.isGreedy(1, 1000), false)
  for (let i = 1000; i < 3000; i++) {
    shares.spend(1, i)
    shares.spend(2, i)
  }
  assert.deepEqual([shares.isGreedy(1, 3000), shares.isGreedy(2, 3000)], [false, false])
  for (let i = 3000; i < 5000; i++) for (let n = 0; n < 4; n++) shares.spend(n === 0 ? 2 : 1, i)
  assert.deepEqual([shares.isGreedy(1, 5000), shares.isGreedy(2, 5000)], [true, false])
  for (let i = 5000; i < 12_000; i += 10) shares.spend(2, i)
  assert.equal(shares.isGreedy(1, 12_000), false)
})

test('a few packets are nobody’s flood', () => {
  const shares = new Shares(7)
  for (let i = 0; i < 4; i++) shares.spend(1, 10)
  shares.spend(2, 10)
  assert.equal(shares.isGreedy(1, 10), false)
  shares.spend(1, 10)
  shares.spend(1, 10)
  assert.equal(shares.isGreedy(1, 10), true)
})
