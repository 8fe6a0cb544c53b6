import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GuardSim, guardSim } from '../../../test/support/guard-sim.ts'
import { type Message, query, type ReplyParts } from '../../../test/support/message.ts'
import { stripped } from '../../metrics/catalog.ts'

const parts = {
  rules: { searchSuffix: { action: 'strip' }, cut: { samples: 0 } },
  clusterDomains: ['cluster.local'],
  searchSuffixes: ['example.org', 'corp.example.org'],
}
const soa = (zone: string): string => `${zone} 60 SOA ns.${zone} root.${zone} 7 2 3 4 60`
const missing = (zone: string): ReplyParts => ({ rcode: 3, authority: [soa(zone)] })
const edns = { size: 1232 }

/** Below example.org nothing exists; of the rest, what is told here. */
const zone: Record<string, ReplyParts> = {
  'www.google.com A': {
    answers: [
      'www.google.com 50 CNAME www.l.google.com',
      'www.l.google.com 40 A 192.0.2.1',
      'www.l.google.com 40 A 192.0.2.2',
    ],
  },
  'www.google.com AAAA': {
    answers: ['www.google.com 50 CNAME www.l.google.com', 'www.l.google.com 40 AAAA 2001:db8::1'],
  },
  'www.google.com MX': { authority: [soa('google.com')] },
  '_sip._tcp.google.com SRV': {
    answers: ['_sip._tcp.google.com 30 SRV 1 2 5060 sip.google.com'],
    additional: ['sip.google.com 30 A 192.0.2.3'],
  },
  'web.default.svc.cluster.local A': { answers: ['web.default.svc.cluster.local 5 A 10.0.0.9'] },
  'fails.test.net A': { rcode: 2 },
}
const types: Record<number, string> = { 1: 'A', 28: 'AAAA', 33: 'SRV', 15: 'MX' }

function sim(more: Record<string, ReplyParts> = {}): GuardSim {
  const all = { ...zone, ...more }
  return guardSim(
    parts,
    (name, asked) =>
      all[`${name} ${types[asked.questions[0]?.type ?? 0]}`] ??
      missing(name.endsWith('example.org') ? 'example.org' : 'net'),
  )
}

function ask(one: GuardSim, name: string, type = 'A', more = {}): Message | undefined {
  return one.shard.ask(query(name, type, { edns, ...more }), 60)
}

function records(got: Message | undefined): string[] {
  return [...(got?.answers ?? []), ...(got?.additional ?? [])].map((one) => `${one.name} ${one.ttl} ${one.data}`)
}

test('junk by form: the real name answers, behind a CNAME, for the question as it was asked', () => {
  const one = sim()
  const got = ask(one, 'wEb.default.svc.cluster.local.example.org')
  assert.equal(got?.questions[0]?.name, 'wEb.default.svc.cluster.local.example.org.')
  assert.deepEqual(records(got), [
    'wEb.default.svc.cluster.local.example.org. 5 wEb.default.svc.cluster.local.',
    'wEb.default.svc.cluster.local. 5 10.0.0.9',
  ])
  assert.deepEqual([got?.rcode, got?.ad, got?.aa, got?.edns?.ede], [0, false, false, [4]])
  assert.deepEqual(one.asked(), ['web.default.svc.cluster.local A'])
  assert.equal(one.shard.count(stripped), 1)
  assert.equal(one.shard.unaccounted, 0)
})

test('after an upstream NXDOMAIN and after a cut, whatever the type, from the cache as well', () => {
  const one = sim()
  for (const round of ['asked', 'cached']) {
    assert.deepEqual(
      records(ask(one, 'www.google.com.example.org')).sort(),
      [
        'www.google.com.example.org. 40 www.google.com.',
        'www.google.com. 40 www.l.google.com.',
        'www.l.google.com. 40 192.0.2.1',
        'www.l.google.com. 40 192.0.2.2',
      ]
        .map((line) => (line.startsWith('www.google.com. ') ? line.replace(' 40 ', ' 50 ') : line))
        .sort(),
      round,
    )
    assert.deepEqual(records(ask(one, 'www.google.com.example.org', 'AAAA')).at(-1), 'www.l.google.com. 40 2001:db8::1')
    assert.deepEqual(records(ask(one, '_sip._tcp.google.com.example.org', 'SRV')), [
      '_sip._tcp.google.com.example.org. 30 _sip._tcp.google.com.',
      '_sip._tcp.google.com. 30 1 2 5060 sip.google.com.',
      'sip.google.com. 30 192.0.2.3',
    ])
  }
  assert.deepEqual(
    one.asked().filter((name) => name.includes('example.org')),
    ['com.example.org A'],
  )
  assert.equal(one.shard.unaccounted, 0)
})

test('a name that is denied upstream, without a cut, is stripped for all who waited', () => {
  const one = sim({ 'a.b A': { answers: ['a.b 9 A 192.0.2.9'] } })
  for (let i = 0; i < 5; i++) one.shard.send(query('a.b.example.org', 'A', { id: i + 1 }), i + 1)
  one.shard.world.advance(30)
  assert.deepEqual(one.asked(), ['a.b.example.org A', 'a.b A'])
  assert.deepEqual(
    one.shard.replies.map((got) => records(got).at(-1)),
    Array(5).fill('a.b. 9 192.0.2.9'),
  )
  assert.equal(one.shard.unaccounted, 0)
})

test('NXDOMAIN of the real name stays NXDOMAIN, NODATA stays NODATA; where the real name fails, the one that was asked is denied', () => {
  const one = sim()
  const denied = ask(one, 'nobody.test.net.example.org')
  assert.deepEqual([denied?.rcode, records(denied)[0]], [3, 'nobody.test.net.example.org. 30 nobody.test.net.'])
  assert.equal(denied?.authority[0]?.name, 'net.')
  const nodata = ask(one, 'www.google.com.example.org', 'MX')
  assert.deepEqual([nodata?.rcode, nodata?.answers.length, nodata?.authority[0]?.name], [0, 1, 'google.com.'])
  const failed = ask(one, 'fails.test.net.example.org')
  assert.deepEqual([failed?.rcode, failed?.answers.length, failed?.authority[0]?.ttl], [3, 0, 5])
  assert.equal(failed?.authority[0]?.name, 'test.net.example.org.')
  assert.equal(one.shard.unaccounted, 0)
})

test('once per name, by the longest suffix, and only where two labels are left', () => {
  const one = sim({ 'a.b A': { answers: ['a.b 9 A 192.0.2.9'] } })
  assert.deepEqual(records(ask(one, 'a.b.corp.example.org')).at(-1), 'a.b. 9 192.0.2.9')
  assert.equal(ask(one, 'single.example.org')?.answers.length, 0)
  assert.equal(ask(one, 'a.b.example.org.example.org')?.rcode, 3)
  assert.ok(!one.asked().includes('single A'))
})

test('never with DO or CD', () => {
  const one = sim()
  for (const more of [{ edns: { ...edns, dnssecOk: true } }, { cd: true }]) {
    const got = ask(one, 'web.default.svc.cluster.local.example.org', 'A', more)
    assert.deepEqual([got?.rcode, got?.answers.length], [3, 0])
  }
})

test('a reply that does not fit is cut with TC, and none is longer than the client takes', () => {
  const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(50)}.net`
  const answers = Array.from({ length: 15 }, (_, i) => `${long} 60 A 192.0.2.${i}`)
  const one = sim({ [`${long} A`]: { answers } })
  for (const size of [512, 600, 900, 1232]) {
    const got = ask(one, `${long}.example.org`, 'A', { edns: { size } })
    assert.ok((got?.bytes.length ?? 0) <= size, `${got?.bytes.length} for ${size}`)
    assert.equal(got?.tc, size < 900)
  }
  const without = one.shard.ask(query(`${long}.example.org`), 60)
  assert.ok((without?.bytes.length ?? 0) <= 512)
})

test('a local alias that is to be looked up keeps its suffix; one that is answered here loses it', () => {
  const records = ['www.lan. 60 CNAME www.google.com.', 'in.lan. 60 CNAME db.lan.', 'db.lan. 60 A 10.0.0.5']
  const one = guardSim({ ...parts, rules: { ...parts.rules, localAnswers: { records } } }, () => missing('org'))
  assert.equal(ask(one, 'www.lan.example.org')?.rcode, 3)
  assert.deepEqual(
    ask(one, 'in.lan.example.org')?.answers.map(({ type }) => type),
    [5, 5, 1],
  )
})

test('a limit that the real name meets is said as it is', () => {
  for (const [over, rcode] of [
    ['refuse', 5],
    ['servfail', 2],
  ] as const) {
    const rules = { ...parts.rules, rateLimit: { rate: '1/s', burst: 1, over } }
    const one = guardSim({ ...parts, rules }, (name) => zone[`${name} A`] ?? missing('example.org'))
    ask(one, 'a.default.svc.cluster.local')
    assert.equal(ask(one, 'web.default.svc.cluster.local.example.org')?.rcode, rcode)
  }
})

test('below a cluster domain a denial lives 5 s, also that of the real name', () => {
  const searchSuffixes = ['default.svc.cluster.local']
  const rules = { searchSuffix: { action: 'strip' } }
  const one = guardSim({ ...parts, rules, searchSuffixes }, (name) =>
    missing(name.endsWith('local') ? 'cluster.local' : 'com'),
  )
  for (let turn = 0; turn < 2; turn++) {
    const got = ask(one, 'www.google.com.default.svc.cluster.local')
    assert.deepEqual([got?.rcode, got?.answers[0]?.ttl, got?.authority[0]?.ttl], [3, 5, 5])
  }
})
