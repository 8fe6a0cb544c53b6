import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardOf } from '../../../test/support/guard.ts'
import { type Message, query as message, parse, type ReplyParts, reply, TYPES } from '../../../test/support/message.ts'
import { queryOf } from '../../../test/support/query.ts'
import { RULE_EXEMPT, RULE_FINISHED, RULE_OBSERVED } from '../../metrics/catalog.ts'
import { Draft } from '../../query/draft.ts'
import type { Query } from '../../query/query.ts'
import { Reply } from '../../query/reply.ts'
import { PASS } from '../../query/verdict.ts'
import { sealReply, writeReply } from '../../query/write-reply.ts'
import { AD } from '../../wire/header.ts'
import { ANSWER_OK, checkAnswer } from '../../wire/incoming.ts'
import { Rebuilt } from '../../wire/rebuild.ts'
import { recordFromText } from '../../wire/zone-text.ts'
import type { Guard } from '../guard.ts'

const enforced = { rules: { aaaaFilter: { mode: 'enforce', whenDnssec: 'answer' } } }

/** Rdata of an SVCB or HTTPS record, as hex. */
function service(text: string): string {
  const record = recordFromText(`x. SVCB ${text}`)
  assert.ok('rdata' in record, text)
  return Buffer.from(record.rdata).toString('hex')
}

/** An RRSIG's rdata: what it covers, the fixed rest, the signer, a signature. */
const signature = (covered: string): string =>
  `${(TYPES[covered] as number).toString(16).padStart(4, '0')}${'01'.repeat(16)}047465737400${'ab'.repeat(8)}`

/** What the client gets of an upstream's answer: rebuilt, written, finished and sealed as on the road. */
function answered(guard: Guard, name: string, type: string, parts: ReplyParts, query = queryOf(name, type)): Message {
  assert.equal(guard.check(query), PASS)
  assert.equal(query.askType, query.type)
  const answer = reply(parse(message(name, type)), parts)
  const { nameLength } = query
  assert.equal(
    checkAnswer(answer, 0, answer.length, answer.readUInt16BE(0), query.name, nameLength, query.type),
    ANSWER_OK,
  )
  const work = new Rebuilt()
  work.read(answer, 0, answer.length, query.name, nameLength, query.type)
  const draft = new Draft()
  draft.reset(work.rcode)
  draft.flags = parts.ad ? AD : 0
  draft.bytes = work.writer.body
  draft.length = work.writer.length
  draft.answers = work.answers
  draft.authorities = work.authorities
  draft.additionals = work.additionals
  return sent(guard, query, draft)
}

function sent(guard: Guard, query: Query, draft: Draft, limit = 65_535): Message {
  query.flags |= AD
  // A query that waited has its name as asked alone.
  query.name.fill(0xff)
  const out = new Reply()
  out.bytes = new Uint8Array(70_000).fill(0xc0)
  out.at = 100
  out.limit = limit
  writeReply(query, draft, 0, out)
  if (query.marks !== 0) guard.finish(query, out)
  sealReply(query, draft, out)
  assert.ok(
    out.bytes.subarray(0, 100).every((byte) => byte === 0xc0),
    'nothing before its slot is written',
  )
  return parse(Buffer.from(out.bytes.subarray(out.at, out.at + out.length)))
}

const shown = ({ answers, authority, additional }: Message) =>
  [answers, authority, additional].map((records) => records.map((rr) => `${rr.name} ${rr.ttl} ${rr.type} ${rr.data}`))

test('ipv6hint goes from SVCB and HTTPS, and from the list of mandatory keys', () => {
  const { guard, counted } = guardOf(enforced)
  const cases: [string, string][] = [
    ['1 . alpn=h2 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1', '1 . alpn=h2 ipv4hint=192.0.2.1'],
    ['1 . ipv6hint=2001:db8::1,2001:db8::2', '1 .'],
    ['1 svc.zone.test. port=8443 ipv6hint=2001:db8::1 key7=/q', '1 svc.zone.test. port=8443 key7=/q'],
    ['1 . mandatory=ipv6hint ipv6hint=2001:db8::1', '1 .'],
    ['1 . mandatory=alpn,ipv6hint alpn=h3 ipv6hint=::1', '1 . mandatory=alpn alpn=h3'],
    ['1 . mandatory=alpn,ipv6hint,key7 alpn=h3 ipv6hint=::1 key7=a', '1 . mandatory=alpn,key7 alpn=h3 key7=a'],
    ['1 . mandatory=alpn alpn=h3 ipv6hint=::1', '1 . mandatory=alpn alpn=h3'],
    ['1 . key262=a ipv6hint=::1', '1 . key262=a'],
    ['0 other.test.', '0 other.test.'],
    ['1 . alpn=h2 ipv4hint=192.0.2.1', '1 . alpn=h2 ipv4hint=192.0.2.1'],
  ]
  for (const type of ['HTTPS', 'SVCB']) {
    for (const [from, to] of cases) {
      const got = answered(guard, 'www.zone.test', type, { answers: [`www.zone.test 60 ${type} ${service(from)}`] })
      assert.deepEqual(shown(got), [[`www.zone.test. 60 ${TYPES[type]} ${service(to)}`], [], []], from)
    }
  }
  assert.equal(counted('aaaaFilter', RULE_FINISHED), 2 * cases.length)
})

test('AD and the signatures of what changed go; the rest keeps its own', () => {
  const { guard } = guardOf(enforced)
  const parts = (hint: string): ReplyParts => ({
    ad: true,
    answers: [
      'www.zone.test 60 CNAME svc.cdn.test',
      `www.zone.test 60 TYPE46 ${signature('CNAME')}`,
      `svc.cdn.test 60 HTTPS ${service(`1 . alpn=h2 ${hint}`)}`,
      `svc.cdn.test 60 HTTPS ${service('2 b.cdn.test.')}`,
      `svc.cdn.test 60 TYPE46 ${signature('HTTPS')}`,
    ],
    authority: ['cdn.test 60 NS ns.cdn.test'],
  })
  const query = () => queryOf('www.zone.test', 'HTTPS', { dnssecOk: true })
  const whole = answered(guard, 'www.zone.test', 'HTTPS', parts('port=8443'), query())
  assert.deepEqual([whole.ad, whole.answers.map((rr) => rr.type)], [true, [5, 46, 65, 65, 46]])
  const got = answered(guard, 'www.zone.test', 'HTTPS', parts('ipv6hint=2001:db8::1'), query())
  assert.deepEqual(
    [got.ad, shown(got)],
    [
      false,
      [
        [
          'www.zone.test. 60 5 svc.cdn.test.',
          `www.zone.test. 60 46 ${signature('CNAME')}`,
          `svc.cdn.test. 60 65 ${service('1 . alpn=h2')}`,
          `svc.cdn.test. 60 65 ${service('2 b.cdn.test.')}`,
        ],
        ['cdn.test. 60 2 ns.cdn.test.'],
        [],
      ],
    ],
  )
})

test('AAAA goes from the additional section, and names that pointed into it stay whole', () => {
  const { guard } = guardOf(enforced)
  const answers: Record<string, string> = {
    SRV: '1 2 443 host.cdn.test',
    MX: '10 host.cdn.test',
    NS: 'host.cdn.test',
    HTTPS: service('1 host.cdn.test.'),
    SVCB: service('1 host.cdn.test. ipv6hint=::1'),
  }
  const additional = [
    'host.cdn.test 60 AAAA 2001:db8::1',
    'host.cdn.test 50 A 192.0.2.1',
    'HOST.cdn.test 50 A 192.0.2.2',
  ]
  const authority = ['zone.test 60 NS ns.cdn.test']
  for (const [type, data] of Object.entries(answers)) {
    const parts = { ad: true, answers: [`www.zone.test 60 ${type} ${data}`], authority, additional }
    const got = answered(guard, 'www.zone.test', type, parts)
    const addresses = ['host.cdn.test. 50 1 192.0.2.1', 'host.cdn.test. 50 1 192.0.2.2']
    assert.deepEqual(
      shown(got)
        .map((records) => records.map((text) => text.replace('HOST', 'host')))
        .slice(1),
      [['zone.test. 60 2 ns.cdn.test.'], addresses],
      type,
    )
    assert.deepEqual([got.answers.length, got.ad], [1, type !== 'SVCB'], `${type}: AD speaks of answer and authority`)
  }
})

test('many names and hints, with the limit of a datagram', () => {
  const { guard } = guardOf(enforced)
  const hosts = Array.from({ length: 20 }, (_, i) => `h${i}.pool${i % 3}.test`)
  const got = answered(guard, 'www.zone.test', 'HTTPS', {
    answers: hosts.map((host, i) => `www.zone.test 60 HTTPS ${service(`${i + 1} ${host}. ipv6hint=2001:db8::${i}`)}`),
    additional: hosts.flatMap((host, i) => [`${host} 60 AAAA 2001:db8::1`, `${host} 60 A 192.0.2.${i}`]),
  })
  assert.deepEqual(shown(got), [
    hosts.map((host, i) => `www.zone.test. 60 65 ${service(`${i + 1} ${host}.`)}`),
    [],
    hosts.map((host, i) => `${host}. 60 1 192.0.2.${i}`),
  ])
})

test('rdata that is malformed stays as it is, beside records that are not', () => {
  const { guard } = guardOf(enforced)
  const hint = `00060010${'20'.repeat(16)}`
  const broken = [
    '',
    '00',
    '0001',
    '000103',
    '000140',
    `0001${'3f'.repeat(300)}`,
    '00010000',
    `000100${hint}00`,
    `000100${hint}000700`,
    `000100${hint}00070001`,
    `000100${hint.slice(0, -2)}`,
    `00010000000001${'06'}${hint}`,
    `000100000000030006ff${hint}`,
  ]
  for (const rdata of broken) {
    const answers = [`www.zone.test 60 TYPE65 ${rdata}`, `www.zone.test 60 HTTPS ${service('1 . ipv6hint=::1')}`]
    const got = answered(guard, 'www.zone.test', 'HTTPS', { answers })
    assert.deepEqual(
      got.answers.map((rr) => rr.data),
      [rdata, service('1 .')],
    )
  }
})

test('a reply that does not parse stays as it is', () => {
  const { guard } = guardOf(enforced)
  const query = queryOf('a.test', 'HTTPS')
  assert.equal(guard.check(query), PASS)
  const record = Buffer.from(`c00c004100010000003c0017000100${`00060010${'20'.repeat(16)}`}`, 'hex')
  for (const cut of [1, 2, 11, 20, record.length - 1]) {
    const bytes = new Uint8Array(200).fill(0xc0)
    const reply = new Reply()
    reply.bytes = bytes
    reply.limit = 200
    reply.length = query.length + cut
    bytes.set(query.bytes)
    bytes.set([0x81, 0xa0, 0, 1, 0, 1, 0, 0, 0, 0], 2)
    bytes.set(record, query.length)
    const before = Buffer.from(bytes)
    guard.finish(query, reply)
    assert.deepEqual([Buffer.from(bytes), reply.length], [before, query.length + cut])
  }
})

test('the client sees TC as it was, and the other flags', () => {
  const { guard } = guardOf(enforced)
  const query = queryOf('www.zone.test', 'HTTPS', { hasOpt: true })
  assert.equal(guard.check(query), PASS)
  const draft = new Draft()
  draft.reset(0)
  const record = Buffer.from(`c00c004100010000003c0017000100${`00060010${'20'.repeat(16)}`}`, 'hex')
  draft.bytes = new Uint8Array(Buffer.concat(Array.from({ length: 20 }, () => record)))
  draft.length = draft.bytes.length
  draft.answers = 20
  const got = sent(guard, query, draft, 512)
  const fitting = Math.floor((512 - query.length - 11) / record.length)
  assert.deepEqual([got.tc, got.answers.length, got.edns?.ede], [true, fitting, []])
  assert.ok(got.answers.every((rr) => rr.data === '000100'))
})

test('what passes: except, ipv4only.arpa, DO and CD, other types', () => {
  const { guard, counted } = guardOf({
    rules: { aaaaFilter: { mode: 'enforce' } },
    clusterDomains: ['cluster.local'],
  })
  const marks = (name: string, type: string, parts = {}) => {
    const query = queryOf(name, type, parts)
    assert.equal(guard.check(query), PASS)
    assert.equal(query.askType, query.type)
    return query.marks
  }
  for (const type of ['HTTPS', 'SVCB', 'SRV', 'MX', 'NS']) {
    assert.notEqual(marks('a.test', type), 0, type)
    assert.equal(marks('a.svc.cluster.local', type), 0, type)
    assert.equal(marks('ipv4only.arpa', type), 0, type)
    assert.equal(marks('a.test', type, { dnssecOk: true }), 0, type)
    assert.equal(marks('a.test', type, { checkingDisabled: true }), 0, type)
  }
  for (const type of ['A', 'TXT', 'CNAME', 'SOA', 'PTR']) {
    assert.equal(marks('a.test', type), 0, type)
    assert.equal(marks('a.test', type, { dnssecOk: true }), 0, type)
  }
  assert.equal(counted('aaaaFilter', RULE_EXEMPT), 10)
})

test('observe counts and leaves the reply alone', () => {
  for (const parts of [{ rules: { aaaaFilter: { mode: 'observe' } } }, { ...enforced, mode: 'observe' }] as const) {
    const { guard, counted } = guardOf(parts)
    const answers = [`www.zone.test 60 HTTPS ${service('1 . ipv6hint=2001:db8::1')}`]
    const got = answered(guard, 'www.zone.test', 'HTTPS', { ad: true, answers })
    assert.deepEqual([got.ad, got.answers[0]?.data], [true, service('1 . ipv6hint=2001:db8::1')])
    assert.deepEqual([counted('aaaaFilter', RULE_OBSERVED), counted('aaaaFilter', RULE_FINISHED)], [1, 0])
    assert.equal(guard.check(queryOf('a.test', 'HTTPS', { dry: true })), PASS)
    assert.equal(counted('aaaaFilter', RULE_OBSERVED), 1, 'explain counts nothing')
  }
})
