import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GuardBench, guardOf, replyTo } from '../../../test/support/guard.ts'
import { type QueryParts, queryOf } from '../../../test/support/query.ts'
import { RULE_DROPPED, RULE_EXEMPT, RULE_LIMITED, RULE_OBSERVED } from '../../metrics/catalog.ts'
import { DROP, PASS, REPLY, type Verdict } from '../../query/verdict.ts'

const small = { rate: '1/s', burst: 2 }
const edns: QueryParts = { hasOpt: true }
const drained = (
  rateLimit: Record<string, unknown>,
  parts: QueryParts = {},
  mode: 'enforce' | 'observe' = 'enforce',
) => {
  const bench = guardOf({ mode, rules: { rateLimit: { ...small, ...rateLimit } } })
  const miss = (more: QueryParts = {}) => bench.guard.checkMiss(queryOf('x.test', 'A', { ...edns, ...parts, ...more }))
  assert.deepEqual([miss(), miss()], [PASS, PASS])
  return { ...bench, miss }
}

/** What the client hears of a verdict, in one word. */
function heard({ guard }: GuardBench, verdict: Verdict): string {
  if (verdict !== REPLY) return verdict === DROP ? 'nothing' : 'passed'
  const { rcode, tc, answers, edns: opt } = replyTo(queryOf('x.test', 'A', edns), guard.draft)
  assert.equal(answers.length, 0)
  const [error] = opt?.options ?? []
  const text = error === undefined ? '' : ` ${error.data.readUInt16BE()} ${error.data.toString('latin1', 2)}`
  return `${rcode}${tc ? ' TC' : ''}${text}`
}

const over = 'rateLimit: over the limit'

test('misses are charged, and queries before the cache are not', () => {
  const bench = drained({})
  const { guard, miss, counted } = bench
  for (let i = 0; i < 10; i++) assert.equal(guard.check(queryOf('x.test')), PASS)
  assert.equal(heard(bench, miss()), `5 18 ${over}`)
  assert.equal(miss({ client: '10.0.0.9' }), PASS, 'another client')
  assert.equal(guard.checkMiss(queryOf('x.other')), PASS, 'another domain')
  assert.equal(miss({ receivedAt: 1_001_000 }), PASS, 'a second later')
  assert.equal(counted('rateLimit', RULE_LIMITED), 1)
})

test('charge: all charges before the cache, and a miss no second time; errors without a name too', () => {
  const { guard } = guardOf({ rules: { rateLimit: { ...small, charge: 'all' } } })
  const one = () => guard.check(queryOf('x.test'))
  assert.deepEqual([one(), guard.checkMiss(queryOf('x.test')), one(), one()], [PASS, PASS, PASS, REPLY])
  const nameless = queryOf('x.test')
  nameless.nameLength = 0
  const error = () => guard.limit(nameless)
  assert.deepEqual([error(), error(), error()], [PASS, PASS, REPLY])
})

const outcomes = [
  ['refuse', `5 18 ${over}`, `5 18 ${over}`],
  ['servfail', `2 18 ${over}`, `2 18 ${over}`],
  ['drop', 'nothing', 'nothing'],
  ['truncate', '0 TC', `5 18 ${over}`],
] as const

for (const [policy, udp, tcp] of outcomes) {
  test(`over: ${policy}, for a private client: ${udp} over UDP, ${tcp} over TCP`, () => {
    const bench = drained({ over: policy })
    for (let i = 0; i < 4; i++) {
      assert.equal(heard(bench, bench.miss()), udp)
      assert.equal(heard(bench, bench.miss({ streamed: true })), tcp)
    }
    const dropped = policy === 'drop' ? 8 : 0
    assert.deepEqual(
      [bench.counted('rateLimit', RULE_DROPPED), bench.counted('rateLimit', RULE_LIMITED)],
      [dropped, 8 - dropped],
    )
  })

  test(`over: ${policy}, for a public client: every second slips, and TCP has a bucket of its own`, () => {
    const bench = drained({ over: policy }, { client: '203.0.113.1' })
    assert.deepEqual(
      [1, 2, 3, 4].map(() => heard(bench, bench.miss())),
      [udp, '0 TC', udp, '0 TC'],
    )
    assert.deepEqual(
      [1, 2, 3, 4].map(() => heard(bench, bench.miss({ streamed: true }))),
      ['passed', 'passed', tcp, tcp],
    )
  })
}

test('slip and slipPrivate: every so manieth, for public and private clients', () => {
  const cases = [
    [{ slip: 3 }, '203.0.113.1', '..x..x'],
    [{ slip: 1 }, '2001:db8::1', 'xxxxxx'],
    [{ slip: 0 }, '203.0.113.1', '......'],
    [{ slipPrivate: 2 }, '192.168.3.4', '.x.x.x'],
    [{ slip: 1 }, '127.0.0.1', '......'],
    [{ slip: 1 }, 'fd00::1', '......'],
    [{ slip: 1 }, '100.64.0.1', '......'],
  ] as const
  for (const [settings, client, expected] of cases) {
    const bench = drained(settings, { client })
    const seen = [...expected].map(() => (heard(bench, bench.miss()).endsWith('TC') ? 'x' : '.'))
    assert.equal(seen.join(''), expected, `${JSON.stringify(settings)} ${client}`)
  }
})

test('a dry query takes nothing, counts nothing and begins nothing', () => {
  const bench = guardOf({ rules: { rateLimit: small } })
  const dry = () => bench.guard.checkMiss(queryOf('x.test', 'A', { dry: true }))
  for (let i = 0; i < 5; i++) assert.equal(dry(), PASS)
  for (let i = 0; i < 2; i++) assert.equal(bench.guard.checkMiss(queryOf('x.test')), PASS)
  for (let i = 0; i < 5; i++) assert.equal(dry(), REPLY)
  assert.equal(bench.counted('rateLimit', RULE_LIMITED), 0)
  bench.guard.idle(1_000_000)
  assert.deepEqual(bench.events, [])
})

test('exempt prefixes have no limit and are counted', () => {
  const { miss, counted } = drained({ exempt: ['10.0.0.0/8'] })
  for (let i = 0; i < 10; i++) assert.equal(miss({ client: '10.0.0.9' }), PASS)
  assert.equal(counted('rateLimit', RULE_EXEMPT), 10)
})

test('observe lets all pass and counts who would have been limited', () => {
  const { guard, miss, counted, events } = drained({}, {}, 'observe')
  assert.equal(miss(), PASS)
  assert.equal(counted('rateLimit', RULE_OBSERVED), 1)
  guard.idle(1_000_000)
  guard.idle(1_020_000)
  assert.deepEqual(
    events.map(({ sentence }) => sentence),
    [
      'x.test from 127.0.0.1: over the limit of 1/s; it only observes, so that nothing is held back',
      'x.test from 127.0.0.1: within the limit again; 1 query in 0 s would have been held back (1 refused)',
    ],
  )
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
