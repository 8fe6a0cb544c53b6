import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { writeMapped } from '../../base/address.ts'
import { seededRandom } from '../../base/random.ts'
import { addressFromText } from '../../wire/text.ts'
import { bucketsBytes, bucketsKey, type Limits, TokenBuckets } from './buckets.ts'

const usual: Limits = { rate: 500, burst: 1000, buckets: 4096, prefixV4: 32, prefixV6: 64 }

/** So many shards on one memory. */
function shards(count: number, limits: Partial<Limits> = {}): TokenBuckets[] {
  const all = { ...usual, ...limits }
  const memory = new SharedArrayBuffer(bucketsBytes(all.buckets))
  return Array.from({ length: count }, (_, i) => new TokenBuckets(memory, all, seededRandom(i + 1)))
}

function client(text: string): Uint8Array {
  const bytes = new Uint8Array(16)
  writeMapped(addressFromText(text) as Uint8Array, bytes, 0)
  return bytes
}

function taken(buckets: TokenBuckets, who: Uint8Array, at: number, tries: number): number {
  let count = 0
  for (let i = 0; i < tries; i++) if (buckets.take(who, at, false)) count++
  return count
}

test('how many tokens there are is told, and none is taken', () => {
  const [buckets] = shards(1, { rate: 10, burst: 5 }) as [TokenBuckets]
  const who = client('10.0.0.1')
  assert.equal(buckets.tokens(who, 1000), 5)
  for (const [at, tokens] of [
    [1000, 4],
    [1000, 3],
    [1100, 3],
  ] as const) {
    assert.equal(taken(buckets, who, at, 1), 1)
    assert.deepEqual([buckets.tokens(who, at), buckets.tokens(who, at)], [tokens, tokens])
  }
  taken(buckets, who, 1100, 10)
  assert.deepEqual([buckets.tokens(who, 1100), buckets.tokens(who, 1200), buckets.tokens(who, 9000)], [0, 1, 5])
})

test('a bucket holds its burst and refills at its rate, up to its burst again', () => {
  const [buckets] = shards(1, { rate: 10, burst: 5 }) as [TokenBuckets]
  const who = client('10.0.0.1')
  const steps = [
    [1000, 5],
    [1000, 0],
    [1099, 0],
    [1100, 1],
    [1350, 2],
    [1400, 1],
    [60_000, 5],
    [60_100, 1],
  ] as const
  for (const [at, tokens] of steps) assert.equal(taken(buckets, who, at, 20), tokens, `at ${at} ms`)
})

test('clients share a bucket by prefix and by nothing else', () => {
  const [buckets] = shards(1, { rate: 1, burst: 1, prefixV4: 24, prefixV6: 56 }) as [TokenBuckets]
  const asked = [
    ['10.0.0.1', true],
    ['10.0.0.255', false],
    ['10.0.1.1', true],
    ['::ffff:10.0.1.2', false],
    ['2001:db8:0:ff::1', true],
    ['2001:db8::1', false],
    ['2001:db8:0:100::1', true],
    ['::1', true],
  ] as const
  for (const [who, allowed] of asked) assert.equal(buckets.take(client(who), 0, false), allowed, who)
})

test('explain takes nothing and hears the same', () => {
  const [buckets] = shards(1, { rate: 1, burst: 1 }) as [TokenBuckets]
  const who = client('10.0.0.1')
  for (let i = 0; i < 3; i++) assert.equal(buckets.take(who, 0, true), true)
  assert.equal(buckets.take(who, 0, false), true)
  for (let i = 0; i < 3; i++) assert.equal(buckets.take(who, 0, true), false)
  assert.equal(buckets.take(who, 1000, false), true)
})

test('two shards together never give a client more than burst + rate × time, rounded up, nor less than there is', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 1, max: 50 }),
      fc.double({ min: 0, max: 1e10, noNaN: true }),
      fc.array(fc.tuple(fc.nat(1), fc.nat(2), fc.double({ min: 0, max: 40, noNaN: true }), fc.nat(1)), {
        maxLength: 300,
      }),
      (rate, burst, start, steps) => {
        const pair = shards(2, { rate, burst })
        const grants: number[][] = [[], [], []]
        let now = start
        let refused = 0
        for (const [shard, who, pause, late] of steps) {
          now += pause
          // A turn's clock may be a little behind the other shard's.
          const at = now - late
          if ((pair[shard] as TokenBuckets).take(client(`10.0.0.${who}`), at, false)) (grants[who] as number[]).push(at)
          else refused++
        }
        for (const times of grants) {
          times.sort((a, b) => a - b)
          for (let i = 0; i < times.length; i++) {
            for (let j = i; j < times.length; j++) {
              const seconds = ((times[j] as number) - (times[i] as number)) / 1000
              assert.ok(j - i + 1 <= burst + Math.ceil(rate * seconds + 1e-4), `${j - i + 1} in ${seconds} s`)
            }
          }
        }
        if (steps.length <= burst) assert.equal(refused, 0)
      },
    ),
    { numRuns: 1000, seed: 1 },
  )
})

test('a client that stays within its rate is never refused', () => {
  const [buckets] = shards(1, { rate: 100, burst: 2 }) as [TokenBuckets]
  const who = client('10.0.0.1')
  for (let i = 0; i < 10_000; i++) assert.ok(buckets.take(who, 5e9 + i * 10, false))
})

test('the count of tokens may wrap around', () => {
  for (const rate of [1_000_000, 999_983, 7]) {
    const [buckets] = shards(1, { rate, burst: 3 }) as [TokenBuckets]
    const who = client('10.0.0.1')
    const wrapMs = (2 ** 31 / rate) * 1000
    for (const lap of [1, 2, 3, 4, 1001]) {
      assert.equal(taken(buckets, who, lap * wrapMs - 1e-4, 3), 3, `before lap ${lap} at ${rate}/s`)
      assert.equal(taken(buckets, who, lap * wrapMs - 1e-4, 1), 0)
    }
  }
})

test('a million clients pass through a table of 1,024 buckets, and drained ones stay drained meanwhile', () => {
  const [buckets] = shards(1, { rate: 100, burst: 10, buckets: 1024 }) as [TokenBuckets]
  const noisy = client('192.0.2.1')
  const other = client('10.0.0.0')
  let refused = 0
  let given = 0
  const seconds = 100
  for (let i = 0; i < 1_000_000; i++) {
    const at = (i * seconds * 1000) / 1_000_000
    if (i % 50 === 0 && buckets.take(noisy, at, false)) given++
    other[13] = i >>> 16
    other[14] = i >>> 8
    other[15] = i
    if (!buckets.take(other, at, false)) refused++
  }
  assert.ok(given <= 10 + 100 * seconds + 1, `the noisy one got ${given} of 20,000`)
  assert.ok(refused < 10_000, `${refused} of a million others were refused`)
})

test('when all places of a set are drained, a newcomer makes no tokens', () => {
  const [buckets] = shards(1, { rate: 1, burst: 10, buckets: 4 }) as [TokenBuckets]
  let given = 0
  for (let who = 0; who < 200; who++) given += taken(buckets, client(`10.0.0.${who}`), 0, 20)
  assert.equal(given, 4 * 10)
})

test('what the memory means is in its key, and its size in the docs', () => {
  assert.equal(bucketsBytes(65_536), 16 + 65_536 * 8)
  for (const change of [{ rate: 1 }, { burst: 1 }, { buckets: 1024 }, { prefixV4: 24 }, { prefixV6: 48 }]) {
    assert.notEqual(bucketsKey({ ...usual, ...change }), bucketsKey(usual))
  }
})
