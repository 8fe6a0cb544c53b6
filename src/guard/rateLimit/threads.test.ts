import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { guardPlan } from '../../../test/support/guard.ts'
import type { LimitResult, LimitWork } from '../../../test/support/limit-worker.ts'
import { Episodes, episodesBytes } from './episodes.ts'
import { limiterBytes } from './limiter.ts'
import type { RateLimitSettings } from './settings.ts'

const threads = 3
const file = import.meta.url.replace(/src\/guard\/rateLimit\/[^/]*\.(ts|js)$/, 'test/support/limit-worker.$1')

async function race(rateLimit: Record<string, unknown>, names: readonly string[], rounds: number) {
  const settings = guardPlan({ rules: { rateLimit } }).rules[0]?.settings as RateLimitSettings
  const memory = new SharedArrayBuffer(limiterBytes(settings) + episodesBytes)
  const gate = new SharedArrayBuffer(4)
  const work: LimitWork = { memory, gate, threads, settings, names, rounds }
  const workers = Array.from({ length: threads }, () => new Worker(new URL(file), { workerData: work }))
  const results = await Promise.all(workers.map(async (one) => (await once(one, 'message'))[0] as LimitResult))
  const sum = (field: keyof LimitResult): number => results.reduce((all, result) => all + result[field], 0)
  let counted = 0
  new Episodes(memory, limiterBytes(settings)).endAll(({ counts: [refused] }) => {
    counted += refused
  })
  return { granted: sum('granted'), refused: sum('refused'), told: sum('told'), counted }
}

test('threads that meet at one bucket get no token more than it holds, and tell its episode once', async () => {
  const burst = 50_000
  const { granted, refused, told, counted } = await race({ rate: '1/s', burst }, ['a.flood.test'], 40_000)
  assert.ok(granted <= burst, `${granted} of ${burst}`)
  // A query that another thread was faster than may be refused although there is a token; not more than a few are.
  assert.ok(granted > burst * 0.98, `${granted} of ${burst}`)
  assert.deepEqual([granted + refused, told, counted], [threads * 40_000, 1, refused])
})

test('threads that meet at many buckets tell each episode once', async () => {
  const names = Array.from({ length: 12 }, (_, i) => `x.d${i}.test`)
  const { granted, told } = await race({ rate: '1/s', burst: 10, clientFactor: 1000 }, names, 4000)
  assert.ok(granted <= 12 * 10, `${granted} of 120`)
  assert.equal(told, 12)
})
