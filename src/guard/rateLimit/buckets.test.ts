import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hashBytes } from '../../base/hash.ts'
import { TokenBuckets, wordsFor } from './buckets.ts'

const usual = { rate: 500, burst: 1000, buckets: 4096 }

/** So many shards on one memory. */
function shards(count: number, limits: Partial<typeof usual> = {}): TokenBuckets[] {
  const all = { ...usual, ...limits }
  const words = new Int32Array(new SharedArrayBuffer(4 * wordsFor(all.buckets)))
  return Array.from({ length: count }, () => new TokenBuckets(words, all))
}

/** A token for key number `who`. */
function take(buckets: TokenBuckets, who: number, at: number): boolean {
  const bytes = Uint8Array.of(who >>> 24, who >>> 16, who >>> 8, who)
  buckets.aim(hashBytes(1, bytes, 0, 4), hashBytes(2, bytes, 0, 4))
  const hasRoom = buckets.hasRoom(at)
  return hasRoom && buckets.take(at)
}

function taken(buckets: TokenBuckets, who: number, at: number, tries: number): number {
  let count = 0
  for (let i = 0; i < tries; i++) if (take(buckets, who, at)) count++
  return count
}

test('a bucket holds its burst and refills at its rate, up to its burst again', () => {
  const [buckets] = shards(1, { rate: 10, burst: 5 }) as [TokenBuckets]
  const who = 1
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

test('asking takes nothing and hears the same', () => {
  const [buckets] = shards(1, { rate: 1, burst: 1 }) as [TokenBuckets]
  buckets.aim(5, 7)
  for (let i = 0; i < 3; i++) assert.equal(buckets.hasRoom(0), true)
  assert.equal(buckets.take(0), true)
  for (let i = 0; i < 3; i++) assert.equal(buckets.hasRoom(0), false)
  assert.equal(buckets.take(0), false, 'nor is a token made by not asking first')
  assert.equal(buckets.hasRoom(1000), true)
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
          if (take(pair[shard] as TokenBuckets, who, at)) (grants[who] as number[]).push(at)
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
  const who = 1
  for (let i = 0; i < 10_000; i++) assert.ok(take(buckets, who, 5e9 + i * 10))
})

test('the count of tokens may wrap around', () => {
  for (const rate of [1_000_000, 999_983, 7]) {
    const [buckets] = shards(1, { rate, burst: 3 }) as [TokenBuckets]
    const who = 1
    const wrapMs = (2 ** 31 / rate) * 1000
    // By whole laps, by halves, and after so long that what is left seems to lie ahead.
    for (const lap of [1, 2, 3, 4, 5.5, 8, 1001]) {
      assert.equal(taken(buckets, who, lap * wrapMs - 1e-4, 3), 3, `before lap ${lap} at ${rate}/s`)
      assert.equal(taken(buckets, who, lap * wrapMs - 1e-4, 1), 0)
    }
  }
})

test('a million keys pass through a table of 1,024 buckets, and drained ones stay drained meanwhile', () => {
  const [buckets] = shards(1, { rate: 100, burst: 10, buckets: 1024 }) as [TokenBuckets]
  let refused = 0
  let given = 0
  const seconds = 100
  for (let i = 0; i < 1_000_000; i++) {
    const at = (i * seconds * 1000) / 1_000_000
    if (i % 50 === 0 && take(buckets, -1, at)) given++
    if (!take(buckets, i, at)) refused++
  }
  assert.ok(given <= 10 + 100 * seconds + 1, `the noisy one got ${given} of 20,000`)
  assert.ok(refused < 10_000, `${refused} of a million others were refused`)
})

test('when all places of a set are drained, a newcomer makes no tokens', () => {
  const [buckets] = shards(1, { rate: 1, burst: 10, buckets: 4 }) as [TokenBuckets]
  let given = 0
  for (let who = 0; who < 200; who++) given += taken(buckets, who, 0, 20)
  assert.equal(given, 4 * 10)
})

test('a table never gives more than its buckets hold, whatever keys come in whatever order', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.tuple(fc.nat(1), fc.nat(60), fc.double({ min: 0, max: 100, noNaN: true })), { maxLength: 600 }),
      (rate, burst, steps) => {
        const pair = shards(2, { rate, burst, buckets: 8 })
        let now = 0
        let given = 0
        for (const [shard, who, pause] of steps) {
          now += pause
          if (take(pair[shard] as TokenBuckets, who, now)) given++
        }
        const most = 8 * (burst + Math.ceil((rate * now) / 1000 + 1e-4))
        assert.ok(given <= most, `${given} of at most ${most}`)
      },
    ),
    { numRuns: 500, seed: 2 },
  )
})
