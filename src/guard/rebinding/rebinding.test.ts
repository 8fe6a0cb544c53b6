import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GuardParts, guardOf, replyTo } from '../../../test/support/guard.ts'
import { nameBytes, parse, query, type ReplyParts, reply, TYPES } from '../../../test/support/message.ts'
import { queryOf } from '../../../test/support/query.ts'
import { u16 } from '../../../test/support/records.ts'
import { RULE_FINISHED, RULE_OBSERVED, RULE_REPLIED } from '../../metrics/catalog.ts'
import { Draft } from '../../query/draft.ts'
import { typeCode } from '../../wire/codes.ts'
import { KIND_NODATA, KIND_POSITIVE } from '../../wire/kind.ts'
import { Rebuilt } from '../../wire/rebuild.ts'
import { addressFromText, nameFromText } from '../../wire/text.ts'

type Bench = ReturnType<typeof guardOf>

const parts = (settings: Readonly<Record<string, unknown>> = {}): GuardParts => ({
  rules: {
    rebinding: { mode: 'enforce', allow: ['corp.example'], ...settings },
    localAnswers: { records: ['db.local-answer.example. A 10.0.0.5'] },
  },
  clusterDomains: ['cluster.local', 'k8s.example'],
  searchSuffixes: ['lan', 'office.example'],
  routeZones: ['routed.example'],
})

/** What the guard makes of an upstream's answer. */
function judged(
  { guard }: Bench,
  name: string,
  type: string,
  answer: ReplyParts,
): { seconds: number; rebuilt: Rebuilt } {
  const bytes = reply(parse(query(name, type)), answer)
  const asked = nameFromText(name.toLowerCase()) as Uint8Array
  const rebuilt = new Rebuilt()
  const code = typeCode(type) as number
  rebuilt.read(bytes, 0, bytes.length, asked, asked.length, code)
  const seconds = guard.answers.refuse(rebuilt, { name: asked, nameLength: asked.length, type: code, route: 0 })
  return { seconds, rebuilt }
}

const isRefused = (bench: Bench, name: string, type: string, answer: ReplyParts): boolean =>
  judged(bench, name, type, answer).seconds > 0

/** Address → is it one that only means something inside? */
const addresses: Record<string, boolean> = {
  '0.0.0.0': true,
  '0.255.255.255': true,
  '1.0.0.0': false,
  '9.255.255.255': false,
  '10.0.0.0': true,
  '10.255.255.255': true,
  '11.0.0.0': false,
  '100.63.255.255': false,
  '100.64.0.0': true,
  '100.127.255.255': true,
  '100.128.0.0': false,
  '100.192.0.0': false,
  '126.255.255.255': false,
  '127.0.0.1': true,
  '127.255.255.255': true,
  '128.0.0.0': false,
  '169.253.255.255': false,
  '169.254.169.254': true,
  '169.255.0.0': false,
  '172.15.255.255': false,
  '172.16.0.0': true,
  '172.31.255.255': true,
  '172.32.0.0': false,
  '172.48.0.0': false,
  '192.0.2.1': false,
  '192.167.255.255': false,
  '192.168.0.0': true,
  '192.168.255.255': true,
  '192.169.0.0': false,
  '8.8.8.8': false,
  '::': true,
  '::1': true,
  '::2': true,
  '::a00:1': true,
  '::1:0:0:0': false,
  '::ffff:a00:1': true,
  '::ffff:808:808': true,
  '::fffe:a00:1': false,
  '::1:ffff:a00:1': false,
  '64:ff9b::a00:1': true,
  '64:ff9b::c0a8:101': true,
  '64:ff9b::7f00:1': true,
  '64:ff9b::808:808': false,
  '64:ff9b::1:a00:1': false,
  '64:ff9b:1::a00:1': false,
  '64:ff9a::a00:1': false,
  '65:ff9b::a00:1': false,
  'fbff:ffff::1': false,
  'fc00::': true,
  'fd12:3456::1': true,
  'fdff:ffff::1': true,
  'fe00::1': false,
  'fe7f:ffff::1': false,
  'fe80::1': true,
  'febf:ffff::1': true,
  'fec0::1': true,
  'feff:ffff::1': true,
  'ff02::1': false,
  '2001:db8::1': false,
  '2606:4700::1111': false,
  'a00:1::': false,
  'c0a8:101::1': false,
}

/** Rdata of an HTTPS or SVCB record as hex: priority 1, target `.`, then the parameters. */
function service(...params: (readonly [key: number, ...addresses: string[]])[]): string {
  const written = params.map(([key, ...list]) => {
    const value = Buffer.concat(list.map((address) => addressFromText(address) as Uint8Array))
    return Buffer.concat([u16(key), u16(value.length), value])
  })
  return Buffer.concat([u16(1), nameBytes('.'), ...written]).toString('hex')
}

test('which addresses are private: as A or AAAA, and as a hint', () => {
  const bench = guardOf(parts())
  const wrong = Object.entries(addresses).flatMap(([address, isPrivate]) => {
    const type = address.includes(':') ? 'AAAA' : 'A'
    const hint = service([type === 'A' ? 4 : 6, address])
    const seen = [
      isRefused(bench, 'x.evil.example', type, { answers: [`x.evil.example 60 ${type} ${address}`] }),
      isRefused(bench, 'x.evil.example', 'HTTPS', { answers: [`x.evil.example 60 HTTPS ${hint}`] }),
      isRefused(bench, 'x.evil.example', 'SVCB', { answers: [`x.evil.example 60 SVCB ${hint}`] }),
    ]
    return seen.every((one) => one === isPrivate) ? [] : [`${address}: ${seen}`]
  })
  assert.deepEqual(wrong, [])
})

const inside = 'A 10.0.0.1'
const cases: readonly [string, string, string, ReplyParts, boolean][] = [
  [
    'one private address among public ones',
    'evil.example',
    'A',
    { answers: ['evil.example 60 A 192.0.2.1', `evil.example 60 ${inside}`] },
    true,
  ],
  [
    'at the end of a chain',
    'evil.example',
    'A',
    { answers: ['evil.example 60 CNAME t.test', `t.test 60 ${inside}`] },
    true,
  ],
  [
    'a public name behind which a name of ours stands',
    'evil.example',
    'A',
    { answers: ['evil.example 60 CNAME nas.corp.example', `nas.corp.example 60 ${inside}`] },
    true,
  ],
  [
    'a name of ours behind which a public one stands',
    'x.corp.example',
    'A',
    { answers: ['x.corp.example 60 CNAME t.test', `t.test 60 ${inside}`] },
    false,
  ],
  ['in letters of any case', 'EVIL.Example', 'A', { answers: [`Evil.EXAMPLE 60 ${inside}`] }, true],
  [
    'records that do not belong to the question',
    'evil.example',
    'A',
    { answers: ['evil.example 60 A 192.0.2.1', `other.example 60 ${inside}`] },
    false,
  ],
  ['an allowed zone itself', 'corp.example', 'A', { answers: [`corp.example 60 ${inside}`] }, false],
  ['below an allowed zone', 'a.b.Corp.example', 'A', { answers: [`a.b.corp.example 60 ${inside}`] }, false],
  ['beside an allowed zone', 'xcorp.example', 'A', { answers: [`xcorp.example 60 ${inside}`] }, true],
  ['above an allowed zone', 'example', 'A', { answers: [`example 60 ${inside}`] }, true],
  [
    'below a cluster domain',
    'db.default.svc.k8s.example',
    'A',
    { answers: [`db.default.svc.k8s.example 60 ${inside}`] },
    false,
  ],
  ['below a search suffix', 'nas.lan', 'A', { answers: [`nas.lan 60 ${inside}`] }, false],
  [
    'below a search suffix of two labels',
    'nas.office.example',
    'A',
    { answers: [`nas.office.example 60 ${inside}`] },
    false,
  ],
  ['below a route’s zone', 'x.routed.example', 'A', { answers: [`x.routed.example 60 ${inside}`] }, false],
  [
    'below a local answer',
    'x.db.local-answer.example',
    'A',
    { answers: [`x.db.local-answer.example 60 ${inside}`] },
    false,
  ],
  ['localhost', 'localhost', 'A', { answers: ['localhost 60 A 127.0.0.1'] }, false],
  ['below localhost', 'app.localhost', 'AAAA', { answers: ['app.localhost 60 AAAA ::1'] }, false],
  ['names that nobody can own: local', 'printer.local', 'A', { answers: [`printer.local 60 ${inside}`] }, false],
  ['home.arpa', 'nas.home.arpa', 'A', { answers: [`nas.home.arpa 60 ${inside}`] }, false],
  ['internal', 'ip-10-0-0-1.ec2.internal', 'A', { answers: [`ip-10-0-0-1.ec2.internal 60 ${inside}`] }, false],
  [
    'no name of ours: localhost.evil.example',
    'localhost.evil.example',
    'A',
    { answers: ['localhost.evil.example 60 A 127.0.0.1'] },
    true,
  ],
  ['TXT', 'evil.example', 'TXT', { answers: ['evil.example 60 TXT 10.0.0.1'] }, false],
  ['PTR', '1.0.0.10.in-addr.arpa', 'PTR', { answers: ['1.0.0.10.in-addr.arpa 60 PTR nas.example'] }, false],
  ['NODATA', 'evil.example', 'A', { authority: ['example 60 SOA a. b. 1 2 3 4 60'] }, false],
  ['NXDOMAIN', 'evil.example', 'A', { rcode: 3, authority: ['example 60 SOA a. b. 1 2 3 4 60'] }, false],
  ['SERVFAIL', 'evil.example', 'A', { rcode: 2 }, false],
  [
    'both hints, the second private',
    'evil.example',
    'HTTPS',
    { answers: [`evil.example 60 HTTPS ${service([4, '192.0.2.1'], [6, '2001:db8::1', 'fd00::1'])}`] },
    true,
  ],
  [
    'a hint behind other parameters',
    'evil.example',
    'HTTPS',
    { answers: [`evil.example 60 HTTPS ${service([0], [1], [3], [4, '192.0.2.1', '10.0.0.1'])}`] },
    true,
  ],
  [
    'public hints',
    'evil.example',
    'HTTPS',
    { answers: [`evil.example 60 HTTPS ${service([4, '192.0.2.1'], [6, '2001:db8::1'])}`] },
    false,
  ],
  [
    'an unknown parameter that looks like an address',
    'evil.example',
    'HTTPS',
    { answers: [`evil.example 60 HTTPS ${service([5, '10.0.0.1'])}`] },
    false,
  ],
  [
    'a hint that leaves its record',
    'evil.example',
    'HTTPS',
    { answers: [`evil.example 60 HTTPS ${service([4, '10.0.0.1']).slice(0, -2)}`] },
    false,
  ],
  ['no parameters', 'evil.example', 'HTTPS', { answers: ['evil.example 60 HTTPS 0001'] }, false],
]

for (const [what, name, type, answer, expected] of cases) {
  test(`${expected ? 'refused' : 'passes'}: ${what}`, () => {
    const bench = guardOf(parts())
    const { seconds, rebuilt } = judged(bench, name, type, answer)
    assert.deepEqual([seconds, rebuilt.refusedBy > 0], expected ? [30, true] : [0, false])
    assert.equal(bench.counted('rebinding', RULE_REPLIED), expected ? 1 : 0)
  })
}

test('what a refused answer becomes: NODATA with an SOA of ours, and why', () => {
  const bench = guardOf(parts())
  const { rebuilt } = judged(bench, 'www.evil.example', 'A', {
    answers: ['www.evil.example 3600 CNAME t.evil.example', `t.evil.example 1 ${inside}`],
    authority: ['evil.example 3600 NS ns.evil.example'],
    ad: true,
  })
  assert.deepEqual([rebuilt.kind, rebuilt.rcode, rebuilt.isSynthesised], [KIND_NODATA, 0, true])
  const draft = new Draft()
  Object.assign(draft, { bytes: rebuilt.writer.body, length: rebuilt.writer.length })
  Object.assign(draft, { authorities: rebuilt.authorities, refusedBy: rebuilt.refusedBy })
  bench.guard.answers.explain(draft)
  const message = replyTo(queryOf('www.evil.example', 'A', { hasOpt: true }), draft)
  assert.deepEqual([message.rcode, message.ad, message.answers.length, message.additional.length], [0, false, 0, 0])
  assert.deepEqual(
    message.authority.map((soa) => [soa.name, soa.ttl, soa.data]),
    [['evil.example.', 30, 'dnsweir.invalid. nobody.invalid. 1 3600 600 86400 30']],
  )
  assert.deepEqual(message.edns?.ede, [15])
  assert.match(message.edns?.options[0]?.data.toString('latin1', 2) ?? '', /^rebinding: /)
})

test('private addresses that come along are left out, and the answer stays', () => {
  for (const mode of ['enforce', 'observe'] as const) {
    const bench = guardOf(parts({ mode }))
    const answer = (zone: string): ReplyParts => ({
      answers: [`${zone} 60 MX 10 a.${zone}`, `${zone} 60 MX 20 b.${zone}`],
      additional: [`a.${zone} 60 A 192.0.2.1`, `b.${zone} 60 AAAA fd00::1`],
    })
    const { seconds, rebuilt } = judged(bench, 'evil.example', 'MX', answer('evil.example'))
    assert.deepEqual([seconds, rebuilt.kind, rebuilt.answers], [0, KIND_POSITIVE, 2])
    assert.deepEqual([rebuilt.additionals, rebuilt.writer.count], mode === 'enforce' ? [0, 2] : [2, 4])
    const draft = new Draft()
    Object.assign(draft, { bytes: rebuilt.writer.body, length: rebuilt.writer.length })
    Object.assign(draft, { answers: rebuilt.answers, additionals: rebuilt.additionals })
    const message = replyTo(queryOf('evil.example', 'MX'), draft)
    assert.deepEqual(
      message.answers.map(({ type, data }) => [type, data]),
      [
        [TYPES['MX'], '10 a.evil.example.'],
        [TYPES['MX'], '20 b.evil.example.'],
      ],
    )
    assert.equal(judged(bench, 'corp.example', 'MX', answer('corp.example')).rebuilt.additionals, 2)
    const counted = [RULE_REPLIED, RULE_FINISHED, RULE_OBSERVED].map((field) => bench.counted('rebinding', field))
    assert.deepEqual(counted, mode === 'enforce' ? [0, 1, 0] : [0, 0, 1])
  }
})

test('the operator hears of it once a minute at most, over all shards, in printable words', () => {
  let now = 5000
  const memory = new Map<string, SharedArrayBuffer>()
  const [one, two] = [guardOf({ ...parts(), now: () => now }, memory), guardOf({ ...parts(), now: () => now }, memory)]
  const attack = (bench: Bench, name: string) => judged(bench, name, 'A', { answers: [`${name} 60 ${inside}`] })
  for (let i = 0; i < 100; i++) attack(i % 2 === 0 ? one : two, `x${i}.evil.example`)
  now += 59_000
  attack(two, 'x.evil.example')
  now += 1000
  attack(two, 'a\\010\\027b.evil.example')
  attack(one, 'x.evil.example')
  const events = [...one.events, ...two.events]
  assert.deepEqual(
    events.map(({ rule, state, level, subject }) => [rule, state, level, subject]),
    [
      ['rebinding', 'note', 'warn', 'x0.evil.example.'],
      ['rebinding', 'note', 'warn', 'a\\010\\027b.evil.example.'],
    ],
  )
  assert.match(events[0]?.sentence ?? '', /for x0\.evil\.example\. A leads to 10\.0\.0\.1, .* is refused; /)
  assert.equal(one.counted('rebinding', RULE_REPLIED) + two.counted('rebinding', RULE_REPLIED), 103)
})

test('observe lets answers pass, counts them, and says so', () => {
  const bench = guardOf(parts({ mode: 'observe' }))
  const { seconds, rebuilt } = judged(bench, 'evil.example', 'A', { answers: [`evil.example 60 ${inside}`] })
  assert.deepEqual([seconds, rebuilt.answers, rebuilt.refusedBy], [0, 1, 0])
  assert.deepEqual([bench.counted('rebinding', RULE_OBSERVED), bench.counted('rebinding', RULE_REPLIED)], [1, 0])
  assert.match(bench.events[0]?.sentence ?? '', /would be refused/)
  const off = guardOf({ rules: {} })
  assert.equal(isRefused(off, 'evil.example', 'A', { answers: [`evil.example 60 ${inside}`] }), false)
})
