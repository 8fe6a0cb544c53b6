import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardOf, replyTo } from '../../../test/support/guard.ts'
import { type QueryParts, queryOf } from '../../../test/support/query.ts'
import { RULE_DROPPED, RULE_EXEMPT, RULE_LIMITED, RULE_OBSERVED } from '../../metrics/catalog.ts'
import { DROP, PASS, REPLY } from '../../query/verdict.ts'

const small = { rate: '1/s', burst: 2 }
const drained = (rateLimit: Record<string, unknown>, mode: 'enforce' | 'observe' = 'enforce') => {
  const bench = guardOf({ mode, rules: { rateLimit: { ...small, ...rateLimit } } })
  const miss = (parts: QueryParts = {}) => bench.guard.checkMiss(queryOf('x.test', 'A', { hasOpt: true, ...parts }))
  assert.deepEqual([miss(), miss()], [PASS, PASS])
  return { ...bench, miss }
}

test('misses are charged, and queries before the cache are not', () => {
  const { guard, miss, counted } = drained({})
  for (let i = 0; i < 10; i++) assert.equal(guard.check(queryOf('x.test')), PASS)
  assert.equal(miss(), REPLY)
  const { rcode, answers, edns } = replyTo(queryOf('x.test', 'A', { hasOpt: true }), guard.draft)
  assert.deepEqual([rcode, answers.length], [5, 0])
  assert.equal(edns?.options[0]?.data.readUInt16BE(), 18)
  assert.equal(edns?.options[0]?.data.toString('latin1', 2), 'rateLimit: over the rate limit')
  assert.equal(miss({ client: '10.0.0.9' }), PASS, 'another client')
  assert.equal(miss({ receivedAt: 1_001_000 }), PASS, 'a second later')
  assert.equal(counted('rateLimit', RULE_LIMITED), 1)
})

test('charge: all charges before the cache, and a miss no second time', () => {
  const { guard } = guardOf({ rules: { rateLimit: { ...small, charge: 'all' } } })
  const one = () => guard.check(queryOf('x.test'))
  assert.deepEqual([one(), guard.checkMiss(queryOf('x.test')), one(), one()], [PASS, PASS, PASS, REPLY])
})

test('what a client over its limit gets', () => {
  const dropping = drained({ over: 'drop' })
  assert.equal(dropping.miss(), DROP)
  assert.equal(dropping.counted('rateLimit', RULE_DROPPED), 1)
  const truncating = drained({ over: 'truncate' })
  assert.equal(truncating.miss(), REPLY)
  const cut = replyTo(queryOf('x.test', 'A', { hasOpt: true }), truncating.guard.draft)
  assert.deepEqual([cut.rcode, cut.tc, cut.answers.length, cut.edns?.options.length], [0, true, 0, 0])
  assert.equal(truncating.miss({ streamed: true }), REPLY)
  const refused = replyTo(queryOf('x.test'), truncating.guard.draft)
  assert.deepEqual([refused.rcode, refused.tc], [5, false])
  assert.equal(truncating.counted('rateLimit', RULE_LIMITED), 2)
})

test('exempt prefixes have no limit and are counted', () => {
  const { miss, counted } = drained({ exempt: ['10.0.0.0/8'] })
  for (let i = 0; i < 10; i++) assert.equal(miss({ client: '10.0.0.9' }), PASS)
  assert.equal(counted('rateLimit', RULE_EXEMPT), 10)
})

test('observe lets all pass and counts who would have been limited', () => {
  const { miss, counted } = drained({}, 'observe')
  assert.equal(miss(), PASS)
  assert.equal(counted('rateLimit', RULE_OBSERVED), 1)
})

test('two shards share the buckets, and so does the plan after a reload', () => {
  const memory = new Map<string, SharedArrayBuffer>()
  const parts = { rules: { rateLimit: small } }
  const [one, two] = [guardOf(parts, memory), guardOf(parts, memory)]
  assert.equal(one.guard.checkMiss(queryOf('x.test')), PASS)
  assert.equal(two.guard.checkMiss(queryOf('x.test')), PASS)
  assert.equal(guardOf(parts, memory).guard.checkMiss(queryOf('x.test')), REPLY)
  assert.equal(memory.size, 1)
})
