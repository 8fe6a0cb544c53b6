import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GuardParts, guardOf, replyTo } from '../../../test/support/guard.ts'
import type { Message } from '../../../test/support/message.ts'
import { type QueryParts, queryOf } from '../../../test/support/query.ts'
import { PASS, REPLY } from '../../query/verdict.ts'
import { typeName } from '../../wire/codes.ts'

const records = [
  'db.lan. 300 IN A 10.0.0.5',
  'DB.lan. 200 IN A 10.0.0.6',
  'db.lan. 300 IN A 10.0.0.5',
  'db.lan. 300 IN AAAA fd00::5',
  'mail.lan. 60 IN MX 10 db.lan.',
  '_http._tcp.lan. 60 IN SRV 1 2 80 db.lan.',
  'raw.lan. 60 IN TYPE65280 \\# 3 010203',
  'www.lan. 60 IN CNAME Db.lan.',
  'web.lan. 70 IN CNAME www.lan.',
  'deep.any.lan. 60 IN CNAME x.wild.lan.',
  '*.wild.lan. 60 IN A 10.0.0.8',
  'here.wild.lan. 60 IN TXT "own"',
  'a.empty.wild.lan. 60 IN A 10.0.0.9',
  'svc.cluster.local. 60 IN A 10.0.0.10',
]

function serverOf(localAnswers: Record<string, unknown>, parts: GuardParts = {}) {
  const { guard } = guardOf({ ...parts, rules: { localAnswers } })
  /** The reply to a question, or undefined where it goes on. */
  return (name: string, type = 'A', more: QueryParts = {}): Message | undefined => {
    const query = queryOf(name, type, more)
    const dry = guard.check(queryOf(name, type, { ...more, dry: true }))
    assert.equal(guard.check(query), dry, 'explain hears the same')
    if (dry === PASS) return undefined
    assert.equal(dry, REPLY)
    return replyTo(query, guard.draft)
  }
}

/** `rcode | answers | owner and TTL of the SOA`, addresses and aliases sorted by nothing. */
function told(message: Message | undefined): string {
  if (message === undefined) return 'pass'
  assert.deepEqual([message.aa, message.ad, message.tc], [true, false, false])
  const answers = message.answers.map((rr) => `${rr.name} ${rr.ttl} ${typeName(rr.type)} ${rr.data}`)
  const soa = message.authority.map((rr) => `${rr.name} ${rr.ttl}`)
  return [message.rcode, ...answers, ...(soa.length > 0 ? [`SOA ${soa.join()}`] : [])].join(' | ')
}

const cases: readonly [string, string, string][] = [
  ['raw.lan', 'TYPE65280', '0 | raw.lan. 60 TYPE65280 010203'],
  ['db.lan', 'AAAA', '0 | db.lan. 300 AAAA fd00::5'],
  ['mail.lan', 'MX', '0 | mail.lan. 60 MX 10 db.lan.'],
  ['_http._tcp.lan', 'SRV', '0 | _http._tcp.lan. 60 SRV 1 2 80 db.lan.'],
  ['www.lan', 'CNAME', '0 | www.lan. 60 CNAME Db.lan.'],
  ['www.lan', 'AAAA', '0 | www.lan. 60 CNAME Db.lan. | Db.lan. 300 AAAA fd00::5'],
  ['web.lan', 'AAAA', '0 | web.lan. 70 CNAME www.lan. | www.lan. 60 CNAME Db.lan. | Db.lan. 300 AAAA fd00::5'],
  ['www.lan', 'TXT', '0 | www.lan. 60 CNAME Db.lan. | SOA lan. 30'],
  ['deep.any.lan', 'A', '0 | deep.any.lan. 60 CNAME x.wild.lan. | x.wild.lan. 60 A 10.0.0.8'],
  ['deep.any.lan', 'MX', '0 | deep.any.lan. 60 CNAME x.wild.lan. | SOA wild.lan. 30'],
  ['mail.lan', 'A', '0 | SOA lan. 30'],
  ['svc.cluster.local', 'MX', '0 | SOA cluster.local. 5'],
  // Wildcards: RFC 4592 section 2.2.1.
  ['x.wild.lan', 'A', '0 | x.wild.lan. 60 A 10.0.0.8'],
  ['A.B.wild.lan', 'A', '0 | A.B.wild.lan. 60 A 10.0.0.8'],
  ['x.wild.lan', 'MX', '0 | SOA wild.lan. 30'],
  ['*.wild.lan', 'A', '0 | *.wild.lan. 60 A 10.0.0.8'],
  ['here.wild.lan', 'A', '0 | SOA wild.lan. 30'],
  ['x.here.wild.lan', 'A', 'pass'],
  ['x.empty.wild.lan', 'A', 'pass'],
  // Names without records belong to whoever is asked upstream.
  ['wild.lan', 'A', 'pass'],
  ['lan', 'A', 'pass'],
  ['x.db.lan', 'A', 'pass'],
  ['other.lan', 'A', 'pass'],
  ['db.lan.example.org', 'A', 'pass'],
  ['d\\098.lan', 'TXT', '0 | SOA lan. 30'],
  ['db\\.lan', 'A', 'pass'],
  ['.', 'NS', 'pass'],
  // Special-use names.
  ['localhost', 'A', '0 | localhost. 86400 A 127.0.0.1'],
  ['x.y.localhost', 'AAAA', '0 | x.y.localhost. 86400 AAAA ::1'],
  ['localhost', 'MX', '0 | SOA . 30'],
  ['x.invalid', 'A', '3 | SOA invalid. 30'],
  ['invalid', 'A', '3 | SOA . 30'],
  ['a.b.onion', 'AAAA', '3 | SOA onion. 30'],
  ['a.alt', 'TXT', '3 | SOA alt. 30'],
  ['x.local', 'A', 'pass'],
  ['x.test', 'A', 'pass'],
  ['notinvalid', 'A', 'pass'],
]

test('records, aliases, wildcards, NODATA and special-use names', () => {
  const ask = serverOf({ records }, { clusterDomains: ['cluster.local'] })
  for (const [name, type, expected] of cases) assert.equal(told(ask(name, type)), expected, `${name} ${type}`)
  for (const parts of [{ dnssecOk: true }, { checkingDisabled: true }]) {
    assert.equal(told(ask('mail.lan', 'MX', parts)), '0 | mail.lan. 60 MX 10 db.lan.')
  }
})

test('a set has one TTL, no record twice, and each reply begins with another one', () => {
  const ask = serverOf({ records: [...records, 'db.lan. 300 IN A 10.0.0.7'] })
  const orders = Array.from({ length: 4 }, () => ask('db.lan')?.answers)
  assert.deepEqual(
    orders.map((answers) => answers?.map((rr) => rr.data.slice(-1)).join('')),
    ['567', '675', '756', '567'],
  )
  assert.deepEqual([...new Set(orders.flatMap((answers) => answers?.map((rr) => rr.ttl)))], [200])
})

test('hosts files give addresses and names of addresses, and records stand above them', () => {
  const hosts = [
    '# a comment',
    '10.1.1.1 Printer.lan printer',
    '10.1.1.1 other.lan',
    '10.1.1.2 printer.lan',
    'fd00::1 printer.lan # v6',
    '10.1.1.3 db.lan www.lan',
    '127.0.0.9 localhost',
    'nonsense',
  ].join('\n')
  const files = { '/h': hosts, '/more': '10.1.1.4 printer.lan\n10.1.1.1 late.lan\n' }
  const ask = serverOf({ records, hosts: ['/h', '/more'] }, { files })
  const expected: [string, string, string][] = [
    ['other.lan', 'A', '0 | other.lan. 60 A 10.1.1.1'],
    ['PRINTER', 'A', '0 | PRINTER. 60 A 10.1.1.1'],
    ['printer', 'AAAA', '0 | SOA . 30'],
    ['printer.lan', 'AAAA', '0 | printer.lan. 60 AAAA fd00::1'],
    ['1.1.1.10.in-addr.arpa', 'PTR', '0 | 1.1.1.10.in-addr.arpa. 60 PTR Printer.lan.'],
    [`1.${'0.'.repeat(28)}d.f.ip6.arpa`, 'PTR', 'pass'],
    [`1.${'0.'.repeat(29)}d.f.ip6.arpa`, 'PTR', `0 | 1.${'0.'.repeat(29)}d.f.ip6.arpa. 60 PTR printer.lan.`],
    ['db.lan', 'MX', '0 | SOA lan. 30'],
    ['www.lan', 'CNAME', '0 | www.lan. 60 CNAME Db.lan.'],
    ['localhost', 'A', '0 | localhost. 60 A 127.0.0.9'],
    ['localhost', 'AAAA', '0 | localhost. 86400 AAAA ::1'],
    ['nonsense', 'A', 'pass'],
  ]
  for (const [name, type, answer] of expected) assert.equal(told(ask(name, type)), answer, `${name} ${type}`)
  assert.deepEqual(
    ask('printer.lan')
      ?.answers.map((rr) => rr.data)
      .sort(),
    ['10.1.1.1', '10.1.1.2', '10.1.1.4'],
  )
  assert.deepEqual(
    ask('db.lan')
      ?.answers.map((rr) => rr.data)
      .sort(),
    ['10.0.0.5', '10.0.0.6'],
  )
})

test('everything: fixed addresses for any name, own records first', () => {
  const ask = serverOf({ records, everything: { a: '192.0.2.44', aaaa: '2001:db8::44', ttl: '7s' } })
  const expected: [string, string, string][] = [
    ['any.example.com', 'A', '0 | any.example.com. 7 A 192.0.2.44'],
    ['any.example.com', 'AAAA', '0 | any.example.com. 7 AAAA 2001:db8::44'],
    ['any.example.com', 'TXT', '0 | SOA example.com. 7'],
    ['.', 'NS', '0 | SOA . 7'],
    ['x.invalid', 'A', '0 | x.invalid. 7 A 192.0.2.44'],
    ['mail.lan', 'MX', '0 | mail.lan. 60 MX 10 db.lan.'],
  ]
  for (const [name, type, answer] of expected) assert.equal(told(ask(name, type)), answer, `${name} ${type}`)
})

test('everything: a fixed text, in strings of 255 bytes at most', () => {
  const text = 'x'.repeat(300)
  const ask = serverOf({ everything: { txt: text } })
  const strings = Buffer.from([255, ...Buffer.from(text.slice(0, 255)), 45, ...Buffer.from(text.slice(255))])
  assert.equal(told(ask('a.test', 'TXT')), `0 | a.test. 60 TXT ${strings.toString('hex')}`)
  assert.equal(told(serverOf({ everything: { txt: '' } })('a.test', 'TXT')), '0 | a.test. 60 TXT 00')
})

test('special-use names yield to routes, cluster domains and suffixes', () => {
  const parts = { routeZones: ['onion', 'x.invalid'], clusterDomains: ['kind.localhost'], searchSuffixes: ['corp.alt'] }
  const ask = serverOf({}, parts)
  const expected: [string, boolean][] = [
    ['x.onion', false],
    ['invalid', false],
    ['y.invalid', true],
    ['x.kind.localhost', false],
    ['x.corp.alt', false],
    ['x.localhost', true],
    ['x.other.alt', true],
  ]
  for (const [name, answered] of expected) assert.equal(ask(name) !== undefined, answered, name)
})

const strictCases: readonly [name: string, type: string, standard: string, strict: string][] = [
  ['x.invalid', 'A', '3 | SOA invalid. 30', '3 | SOA invalid. 30'],
  ['_dns.resolver.arpa', 'SVCB', '0 | SOA resolver.arpa. 30', '0 | SOA resolver.arpa. 30'],
  ['resolver.arpa', 'A', '0 | SOA arpa. 30', '0 | SOA arpa. 30'],
  ['printer.local', 'A', 'pass', '3 | SOA local. 30'],
  ['a.b.internal', 'AAAA', 'pass', '3 | SOA internal. 30'],
  ['internal', 'A', 'pass', 'pass'],
  ['test', 'A', 'pass', '3 | SOA . 30'],
  ['x.test', 'A', 'pass', '3 | SOA test. 30'],
  ['example', 'A', 'pass', 'pass'],
  ['www.example.com', 'A', 'pass', 'pass'],
  ['ipv4only.arpa', 'AAAA', 'pass', 'pass'],
  ['home.arpa', 'SOA', 'pass', '0 | SOA arpa. 30'],
  ['home.arpa', 'DS', 'pass', 'pass'],
  ['nas.home.arpa', 'A', 'pass', '3 | SOA home.arpa. 30'],
  ['nas.home.arpa', 'DS', 'pass', '3 | SOA home.arpa. 30'],
  ['1.0.0.10.in-addr.arpa', 'PTR', 'pass', '3 | SOA 10.in-addr.arpa. 30'],
  ['1.0.168.192.in-addr.arpa', 'PTR', 'pass', '3 | SOA 168.192.in-addr.arpa. 30'],
  ['1.0.169.192.in-addr.arpa', 'PTR', 'pass', 'pass'],
  ['1.1.16.172.in-addr.arpa', 'PTR', 'pass', '3 | SOA 16.172.in-addr.arpa. 30'],
  ['1.1.31.172.in-addr.arpa', 'PTR', 'pass', '3 | SOA 31.172.in-addr.arpa. 30'],
  ['1.1.32.172.in-addr.arpa', 'PTR', 'pass', 'pass'],
  ['1.0.0.127.in-addr.arpa', 'PTR', 'pass', '3 | SOA 127.in-addr.arpa. 30'],
  ['1.2.64.100.in-addr.arpa', 'PTR', 'pass', '3 | SOA 64.100.in-addr.arpa. 30'],
  ['1.2.127.100.in-addr.arpa', 'PTR', 'pass', '3 | SOA 127.100.in-addr.arpa. 30'],
  ['1.2.128.100.in-addr.arpa', 'PTR', 'pass', 'pass'],
  [`1.${'0.'.repeat(31)}ip6.arpa`, 'PTR', 'pass', `0 | SOA ${'0.'.repeat(31)}ip6.arpa. 30`],
  [`5.${'0.'.repeat(29)}d.f.ip6.arpa`, 'PTR', 'pass', '3 | SOA d.f.ip6.arpa. 30'],
  [`5.${'0.'.repeat(28)}b.e.f.ip6.arpa`, 'PTR', 'pass', '3 | SOA b.e.f.ip6.arpa. 30'],
  [`5.${'0.'.repeat(28)}c.e.f.ip6.arpa`, 'PTR', 'pass', 'pass'],
  ['4.4.8.8.in-addr.arpa', 'PTR', 'pass', 'pass'],
  // What somebody serves, all below it, and what lies above it.
  ['svc.cluster.local', 'A', 'pass', 'pass'],
  ['local', 'A', 'pass', 'pass'],
  ['x.corp.internal', 'A', 'pass', 'pass'],
  ['5.4.3.10.in-addr.arpa', 'PTR', 'pass', 'pass'],
  ['3.10.in-addr.arpa', 'PTR', 'pass', 'pass'],
  ['10.in-addr.arpa', 'NS', 'pass', 'pass'],
  ['5.10.in-addr.arpa', 'NS', 'pass', '3 | SOA 10.in-addr.arpa. 30'],
  ['x.nas.local', 'A', 'pass', 'pass'],
]

test('special-use names: standard, strict, strict with a server of the LAN behind, and off', () => {
  const parts = {
    clusterDomains: ['cluster.local'],
    searchSuffixes: ['corp.internal'],
    routeZones: ['3.10.in-addr.arpa'],
  }
  const own = ['nas.local. A 10.0.0.1']
  const by = (specialUse: string, more: GuardParts = {}) =>
    serverOf({ specialUse, records: own }, { ...parts, ...more })
  const [standard, strict, off] = ['standard', 'strict', 'off'].map((setting) => by(setting))
  const lan = by('strict', { hasPrivateUpstream: true })
  for (const [name, type, byStandard, byStrict] of strictCases) {
    assert.equal(told(standard?.(name, type)), byStandard, `${name} ${type} standard`)
    assert.equal(told(strict?.(name, type)), byStrict, `${name} ${type} strict`)
    assert.equal(told(lan(name, type)), byStandard, `${name} ${type} behind a private upstream`)
    assert.equal(told(off?.(name, type)), 'pass', `${name} ${type} off`)
  }
  assert.equal(told(off?.('localhost', 'A')), 'pass')
  assert.equal(told(off?.('nas.local', 'A')), '0 | nas.local. 300 A 10.0.0.1')
})

test('the longest set and the longest chain fit, and nothing of an earlier reply shows', () => {
  const many = Array.from({ length: 3000 }, (_, i) => `many.lan. A 10.${i >> 8}.${i & 255}.1`)
  const chain = Array.from({ length: 8 }, (_, i) => `c${i}.lan. CNAME ${i === 7 ? 'many' : `c${i + 1}`}.lan.`)
  const ask = serverOf({ records: [...many, ...chain, 'one.lan. A 10.0.0.1'] })
  assert.equal(ask('c0.lan')?.answers.length, 3008)
  assert.equal(told(ask('one.lan')), '0 | one.lan. 300 A 10.0.0.1')
})

test('what it cannot serve is refused in one sentence', () => {
  const bad: [Record<string, unknown>, RegExp][] = [
    [
      { records: ['a.lan. CNAME b.lan.', 'b.lan. CNAME a.lan.'] },
      /a\.lan\. leads over more than 8 aliases, or in a circle/,
    ],
    [{ records: ['*.lan. CNAME x.lan.'] }, /\*\.lan\. leads over more than 8 aliases/],
    [{ records: ['a.lan. CNAME b.lan.', 'a.lan. A 10.0.0.1', 'b.lan. A 10.0.0.1'] }, /a\.lan\. is an alias, so/],
    [{ records: ['a.lan. CNAME b.lan.', 'a.lan. CNAME c.lan.', 'b.lan. A 10.0.0.1'] }, /a\.lan\. is an alias, so/],
    [{ records: ['a.lan. CH TXT "x"'] }, /only class IN is answered/],
    [{ records: ['a.lan. A 10.0.0'] }, /column 10/],
    [
      { records: Array.from({ length: 300 }, (_, i) => `a.lan. TXT "${String(i).padEnd(250, 'x')}"`) },
      /more than a reply/,
    ],
  ]
  for (const [localAnswers, message] of bad) assert.throws(() => guardOf({ rules: { localAnswers } }), { message })
  assert.throws(
    () => guardOf({ rules: { localAnswers: { hosts: ['/absent'] } } }),
    /hosts file \/absent could not be read/,
  )
})
