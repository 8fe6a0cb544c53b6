import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GuardParts, guardOf } from '../../../test/support/guard.ts'
import { type GuardSim, guardSim, rulesPlan } from '../../../test/support/guard-sim.ts'
import { type Message, parse, query, type ReplyParts } from '../../../test/support/message.ts'
import { queryOf } from '../../../test/support/query.ts'
import { RULE_RENAMED, rule as ruleRow } from '../../metrics/catalog.ts'
import { Draft } from '../../query/draft.ts'
import { Reply } from '../../query/reply.ts'
import { PASS } from '../../query/verdict.ts'
import { writeReply } from '../../query/write-reply.ts'
import { typeName } from '../../wire/codes.ts'

const records = [
  'www.lan. 60 CNAME Example.org.',
  'web.lan. 70 CNAME WWW.lan.',
  '*.apps.lan. 50 CNAME ingress.example.org.',
  'gone.lan. 60 CNAME gone.example.org.',
  'empty.lan. 60 CNAME empty.example.org.',
  'fails.lan. 60 CNAME fails.example.org.',
  'junk.lan. 60 CNAME a.b.svc.cluster.local.corp.test.',
  'other.lan. 60 CNAME x.routed.test.',
  'many.lan. 60 CNAME many.example.org.',
]

const soa = 'example.org 60 SOA ns.example.org root.example.org 7 2 3 4 60'
const zone: Record<string, ReplyParts> = {
  'example.org A': { answers: ['example.org 30 CNAME e.example.org', 'e.example.org 40 A 192.0.2.1'] },
  'example.org MX': {
    answers: ['example.org 30 MX 10 mx.example.org'],
    additional: ['mx.example.org 30 A 192.0.2.9'],
  },
  'ingress.example.org A': { answers: ['ingress.example.org 30 A 192.0.2.2'] },
  'x.apps.lan.example.org A': { rcode: 3, authority: [soa] },
  'gone.example.org A': { rcode: 3, authority: [soa] },
  'empty.example.org A': { authority: [soa] },
  'fails.example.org A': { rcode: 2 },
  'x.routed.test A': { answers: ['x.routed.test 30 A 192.0.2.3'] },
  'many.example.org A': { answers: Array.from({ length: 90 }, (_, i) => `many.example.org 30 A 192.0.2.${i}`) },
}

function sim(more: GuardParts = {}): GuardSim {
  const rules = { localAnswers: { records }, ...more.rules }
  return guardSim({ ...more, rules }, (name, { questions: [asked] }) => zone[`${name} ${typeName(asked?.type ?? 0)}`])
}

function ask(one: GuardSim, name: string, type = 'A', more = {}): Message {
  return one.shard.ask(query(name, type, more), 60) ?? assert.fail(`no reply to ${name}`)
}

/** `rcode flags | answers | owners of the authority section`. */
function told(got: Message): string {
  const shown = [...got.answers, ...got.additional].map((rr) => `${rr.name} ${rr.ttl} ${typeName(rr.type)} ${rr.data}`)
  const flags = `${got.rcode}${got.aa ? ' aa' : ''}${got.ad ? ' ad' : ''}${got.tc ? ' tc' : ''}`
  return [flags, ...shown, ...got.authority.map((rr) => `SOA ${rr.name}`)].join(' | ')
}

const www = 'www.lan. 60 CNAME Example.org.'
const cases: readonly [name: string, type: string, expected: string, upstream: string[]][] = [
  [
    'www.lan',
    'A',
    `0 aa | ${www} | Example.org. 30 CNAME e.Example.org. | e.Example.org. 40 A 192.0.2.1`,
    ['example.org A'],
  ],
  [
    'WwW.Lan',
    'A',
    '0 aa | WwW.Lan. 60 CNAME Example.org. | Example.org. 30 CNAME e.Example.org. | e.Example.org. 40 A 192.0.2.1',
    [],
  ],
  [
    'web.lan',
    'A',
    '0 aa | web.lan. 70 CNAME WWW.lan. | WWW.lan. 60 CNAME Example.org. | Example.org. 30 CNAME e.Example.org. | e.Example.org. 40 A 192.0.2.1',
    [],
  ],
  [
    'www.lan',
    'MX',
    `0 aa | ${www} | Example.org. 30 MX 10 mx.Example.org. | mx.Example.org. 30 A 192.0.2.9`,
    ['example.org TYPE15'],
  ],
  ['www.lan', 'CNAME', `0 aa | ${www}`, []],
  [
    'x.y.apps.lan',
    'A',
    '0 aa | x.y.apps.lan. 50 CNAME ingress.example.org. | ingress.example.org. 30 A 192.0.2.2',
    ['ingress.example.org A'],
  ],
  // RFC 2308 section 2.1, RFC 6604 section 3: the rcode is the last name's.
  ['gone.lan', 'A', '3 aa | gone.lan. 60 CNAME gone.example.org. | SOA example.org.', ['gone.example.org A']],
  ['gone.lan', 'A', '3 aa | gone.lan. 60 CNAME gone.example.org. | SOA example.org.', []],
  ['empty.lan', 'A', '0 aa | empty.lan. 60 CNAME empty.example.org. | SOA example.org.', ['empty.example.org A']],
  ['fails.lan', 'A', '2 aa | fails.lan. 60 CNAME fails.example.org.', ['fails.example.org A']],
]

test('an alias that leads away: its CNAMEs, and what the upstream says of the target, whose answers are cached', () => {
  const one = sim()
  for (const [name, type, expected, upstream] of cases) {
    one.forget()
    assert.equal(told(ask(one, name, type)), expected, `${name} ${type}`)
    assert.deepEqual([...new Set(one.asked())], upstream, `${name} ${type} asks`)
  }
  one.forget()
  ask(one, 'example.org')
  assert.deepEqual(one.asked(), [], 'who asks for the target itself is served by the same answer')
})

test('the target goes through the other rules and its own route', () => {
  const parts = { clusterDomains: ['cluster.local'], searchSuffixes: ['corp.test'] }
  const one = sim({ ...parts, rules: { searchSuffix: { action: 'strip' } } })
  const chain = 'junk.lan. 60 CNAME a.b.svc.cluster.local.corp.test.'
  assert.equal(told(ask(one, 'junk.lan')), `3 aa | ${chain} | SOA cluster.local.corp.test.`, 'and is not stripped')
  assert.deepEqual(one.asked(), [])
  const filtered = sim({ rules: { aaaaFilter: { mode: 'enforce' } } })
  assert.match(
    told(ask(filtered, 'www.lan', 'AAAA')),
    /^0 aa \| www\.lan\. 60 CNAME Example\.org\. \| .*CNAME e\.Example\.org\. \| SOA/,
  )
  assert.deepEqual(filtered.asked(), ['example.org A'])
})

test('a name whose real name is such an alias keeps its suffix, and is denied', () => {
  const one = sim({ searchSuffixes: ['example.org'], rules: { searchSuffix: { action: 'strip' } } })
  assert.equal(told(ask(one, 'x.apps.lan.example.org')), '3 | SOA example.org.')
  assert.deepEqual(one.asked(), ['x.apps.lan.example.org A'])
})

test('what does not fit is cut with TC, whole over TCP', () => {
  const one = sim()
  const got = ask(one, 'many.lan', 'A')
  assert.equal(got.tc, true)
  assert.ok(got.bytes.length <= 512)
  assert.equal(got.answers[0]?.data, 'many.example.org.')
  const long = (first: string) => [first, 'x'.repeat(60), 'y'.repeat(60), 'z'.repeat(60), 'lan'].join('.')
  const chain = Array.from(
    { length: 4 },
    (_, i) => `${long(`a${i}`)}. CNAME ${i === 3 ? 'example.org' : long(`a${i + 1}`)}.`,
  )
  const chained = sim({ rules: { localAnswers: { records: chain } } })
  const cut = ask(chained, long('a0'))
  assert.deepEqual([cut.rcode, cut.tc, cut.answers.length], [0, true, 0])
  const whole = ask(chained, long('a0'), 'A', { edns: { size: 1232 } })
  assert.deepEqual([whole.tc, whole.answers.length], [false, 6])
})

test('CNAMEs that do not fit are not written beyond the limit, where another reply stands', () => {
  const label = 'x'.repeat(60)
  const long = (first: string) => [first, label, label, label, 'lan'].join('.')
  const chain = [0, 1, 2, 3].map((i) => `${long(`a${i}`)}. CNAME ${i === 3 ? 'example.org' : long(`a${i + 1}`)}.`)
  const { guard } = guardOf({ rules: { localAnswers: { records: chain } } })
  const asked = queryOf(long('a0'))
  assert.equal(guard.check(asked), PASS)
  const reply = new Reply()
  reply.bytes = new Uint8Array(2000).fill(0xee)
  reply.limit = 512
  const failure = new Draft()
  failure.reset(2)
  writeReply(asked, failure, 0, reply)
  assert.ok(reply.bytes.subarray(512).every((byte) => byte === 0xee))
  assert.equal(parse(Buffer.from(reply.bytes.subarray(0, reply.length))).tc, true)
})

test('a target that waits for a probe is still the target afterwards', () => {
  const one = guardSim(
    {
      searchSuffixes: ['example.org'],
      rules: { cut: { samples: 0 }, localAnswers: { records: ['p.lan. 60 CNAME www.com.example.org.'] } },
    },
    (name) => ({ answers: [`${name} 30 A 192.0.2.4`] }),
  )
  const target = 'www.com.example.org.'
  assert.equal(told(ask(one, 'p.lan')), `0 aa | p.lan. 60 CNAME ${target} | ${target} 30 A 192.0.2.4`)
  assert.deepEqual(one.asked(), ['com.example.org A', 'www.com.example.org A'])
})

test('observe counts it and leaves the name as it is', () => {
  const { guard } = guardOf({ mode: 'observe', rules: { localAnswers: { records } } })
  const asked = queryOf('www.lan')
  assert.equal(guard.check(asked), PASS)
  assert.deepEqual([asked.alias, asked.nameLength], [0, asked.askedLength])
})

test('a reload while the target is looked up changes nothing for who waits', () => {
  const { shard } = sim()
  shard.send(query('web.lan', 'A'))
  for (let ms = 0; ms < 10 && shard.engine.waiting === 0; ms++) shard.world.advance(0.1)
  assert.equal(shard.engine.waiting, 1)
  shard.commit(rulesPlan({ rules: { localAnswers: { records: ['web.lan. 60 A 10.0.0.1'] } } }))
  shard.world.advance(60)
  assert.match(
    told(shard.replies[0] as Message),
    /^0 aa \| web\.lan\. 70 CNAME WWW\.lan\. \| WWW\.lan\. 60 CNAME Example\.org\./,
  )
  const after = shard.ask(query('web.lan', 'A')) as Message
  assert.equal(told(after), '0 aa | web.lan. 60 A 10.0.0.1')
})

test('below a cluster domain a denial lives 5 s, wherever the alias leads, from the upstream and from the cache', () => {
  const names = ['in.cluster.local', 'none.cluster.local']
  const own = ['in.cluster.local. 60 CNAME gone.example.org.', 'none.cluster.local. 60 CNAME empty.example.org.']
  const one = sim({ clusterDomains: ['cluster.local'], rules: { localAnswers: { records: [...records, ...own] } } })
  for (const name of [...names, ...names, 'gone.lan']) {
    const { authority } = ask(one, name)
    assert.deepEqual([authority.length, authority[0]?.ttl], [1, name === 'gone.lan' ? 30 : 5], name)
  }
})

test('a query that an alias leads away is counted for the rule', () => {
  const one = sim()
  ask(one, 'www.lan')
  ask(one, 'www.lan')
  ask(one, 'example.org')
  const rows = Array.from({ length: 16 }, (_, row) => one.shard.count(ruleRow.at(row, RULE_RENAMED)))
  assert.deepEqual(
    rows.filter((count) => count > 0),
    [2],
  )
})
