import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GuardParts, guardOf } from '../../../test/support/guard.ts'
import { type Message, nameBytes, parse, RCODES, recordBytes, TYPES } from '../../../test/support/message.ts'
import { type QueryParts, queryOf } from '../../../test/support/query.ts'
import { RULE_EXEMPT, RULE_FINISHED, RULE_OBSERVED } from '../../metrics/catalog.ts'
import type { Query } from '../../query/query.ts'
import { Reply } from '../../query/reply.ts'
import { ASK, PASS } from '../../query/verdict.ts'
import type { Guard } from '../guard.ts'

const enforced: GuardParts = { rules: { aaaaFilter: { mode: 'enforce' } } }

/** Sections of a reply to A, each record as text or as bytes. */
interface Answer {
  readonly rcode?: number
  readonly flags?: number
  readonly answers?: readonly (string | Uint8Array)[]
  readonly authority?: readonly (string | Uint8Array)[]
  readonly additional?: readonly (string | Uint8Array)[]
  readonly limit?: number
}

const bytesOf = (record: string | Uint8Array): Uint8Array => (typeof record === 'string' ? recordBytes(record) : record)

/** Puts the answer into a tx slot behind the client's own question, lets the guard finish it, and reads it back. */
function finish(guard: Guard, query: Query, answer: Answer): Message {
  const sections = [answer.answers ?? [], answer.authority ?? [], answer.additional ?? []]
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0x8180 | (answer.flags ?? 0) | (answer.rcode ?? 0), 2)
  head.writeUInt16BE(1, 4)
  sections.forEach((records, i) => {
    head.writeUInt16BE(records.length, 6 + 2 * i)
  })
  const question = query.bytes.subarray(12, query.length)
  const message = Buffer.concat([head, question, ...sections.flat().map(bytesOf)])
  const reply = new Reply()
  reply.at = 100
  reply.length = message.length
  reply.limit = answer.limit ?? 65_535
  reply.bytes = new Uint8Array(70_000).fill(0xc0)
  reply.bytes.set(message, reply.at)
  guard.finish(query, reply)
  assert.ok(reply.length <= reply.limit, 'within the limit')
  assert.ok(
    reply.bytes.subarray(0, 100).every((byte) => byte === 0xc0),
    'nothing before its slot is written',
  )
  return parse(Buffer.from(reply.bytes.subarray(reply.at, reply.at + reply.length)))
}

function asked(guard: Guard, name: string, parts: QueryParts = {}): Query {
  const query = queryOf(name, 'AAAA', parts)
  assert.equal(guard.check(query), ASK)
  assert.equal(query.askType, TYPES['A'])
  return query
}

const shown = ({ rcode, answers, authority, additional }: Message) => ({
  rcode,
  answers: answers.map((rr) => `${rr.name} ${rr.ttl} ${rr.type} ${rr.data}`),
  soa: authority.map((rr) => `${rr.name} ${rr.ttl} ${rr.type === TYPES['SOA'] ? rr.data.split(' ').at(-1) : rr.type}`),
  additional: additional.length,
})

const soa = (owner: string, ttl: number): string => `${owner} ${ttl} SOA ns.test. mail.test. 1 2 3 4 ${ttl}`
const pointerAt = (offset: number): Uint8Array => Uint8Array.of(0xc0 | (offset >> 8), offset & 0xff)
/** A record in compressed form. */
function packed(owner: Uint8Array, type: number, ttl: number, rdata: Uint8Array): Uint8Array {
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(type)
  fixed.writeUInt16BE(1, 2)
  fixed.writeUInt32BE(ttl, 4)
  fixed.writeUInt16BE(rdata.length, 8)
  return Buffer.concat([owner, fixed, rdata])
}

test('the rcode and the chain follow the A lookup', () => {
  const { guard, counted } = guardOf({ ...enforced, clusterDomains: ['cluster.local'] })
  const cases: [string, string, Answer, ReturnType<typeof shown>][] = [
    [
      'addresses',
      'a.zone.test',
      {
        answers: ['a.zone.test 300 A 192.0.2.1', 'a.zone.test 300 A 192.0.2.2'],
        authority: ['zone.test 300 NS ns.zone.test.'],
        additional: ['ns.zone.test 300 A 192.0.2.3'],
      },
      { rcode: 0, answers: [], soa: ['zone.test. 30 30'], additional: 0 },
    ],
    [
      'a short TTL',
      'a.zone.test',
      { answers: ['a.zone.test 7 A 192.0.2.1'] },
      { rcode: 0, answers: [], soa: ['zone.test. 7 7'], additional: 0 },
    ],
    [
      'a single label',
      'nas',
      { answers: ['nas 0 A 192.0.2.1'] },
      { rcode: 0, answers: [], soa: ['. 0 0'], additional: 0 },
    ],
    [
      'a chain',
      'a.zone.test',
      {
        answers: [
          'a.zone.test 20 CNAME b.other.test.',
          'b.other.test 25 CNAME c.last.test.',
          'c.last.test 300 A 192.0.2.1',
        ],
      },
      {
        rcode: 0,
        answers: ['a.zone.test. 20 5 b.other.test.', 'b.other.test. 25 5 c.last.test.'],
        soa: ['last.test. 20 20'],
        additional: 0,
      },
    ],
    [
      'a chain behind its addresses',
      'a.zone.test',
      {
        answers: [
          'c.last.test 300 A 192.0.2.1',
          'a.zone.test 20 CNAME b.other.test.',
          'c.last.test 12 A 192.0.2.2',
          'b.other.test 25 CNAME c.last.test.',
        ],
      },
      {
        rcode: 0,
        answers: ['a.zone.test. 20 5 b.other.test.', 'b.other.test. 25 5 c.last.test.'],
        soa: ['last.test. 12 12'],
        additional: 0,
      },
    ],
    [
      'NODATA',
      'a.zone.test',
      { authority: [soa('zone.test', 40)] },
      { rcode: 0, answers: [], soa: ['zone.test. 40 40'], additional: 0 },
    ],
    [
      'NODATA of a chain',
      'a.zone.test',
      { answers: ['a.zone.test 20 CNAME b.test.'], authority: [soa('test', 40)] },
      { rcode: 0, answers: ['a.zone.test. 20 5 b.test.'], soa: ['test. 40 40'], additional: 0 },
    ],
    [
      'NXDOMAIN',
      'a.zone.test',
      { rcode: 3, authority: [soa('zone.test', 40)] },
      { rcode: 3, answers: [], soa: ['zone.test. 40 40'], additional: 0 },
    ],
    [
      'NXDOMAIN of a chain',
      'a.zone.test',
      { rcode: 3, answers: ['a.zone.test 20 CNAME gone.test.'], authority: [soa('test', 40)] },
      { rcode: 3, answers: ['a.zone.test. 20 5 gone.test.'], soa: ['test. 40 40'], additional: 0 },
    ],
    ['SERVFAIL', 'a.zone.test', { rcode: 2 }, { rcode: 2, answers: [], soa: [], additional: 0 }],
    ['REFUSED', 'a.zone.test', { rcode: 5 }, { rcode: 5, answers: [], soa: [], additional: 0 }],
  ]
  for (const [what, name, answer, expected] of cases) {
    const message = finish(guard, asked(guard, name), { ...answer, flags: 0x20 })
    assert.deepEqual(shown(message), expected, what)
    assert.deepEqual([message.ad, message.tc, message.questions[0]?.type], [false, false, TYPES['AAAA']], what)
  }
  assert.equal(counted('aaaaFilter', RULE_FINISHED), cases.length)
})

test('a query that waited has only its name as asked, and that is enough', () => {
  const { guard } = guardOf({
    rules: { aaaaFilter: { mode: 'enforce', except: [] } },
    clusterDomains: ['cluster.local'],
  })
  const query = asked(guard, 'Web.Default.svc.Cluster.local')
  query.name.fill(0xff)
  query.labels.fill(0xff)
  query.labelCount = 0
  const message = finish(guard, query, { answers: ['Web.Default.svc.Cluster.local 60 A 10.0.0.1'] })
  assert.deepEqual(shown(message).soa, ['Default.svc.Cluster.local. 5 5'], 'below a cluster domain 5 s')
})

test('names that are compressed stay whole, also where addresses stood between them', () => {
  const { guard } = guardOf(enforced)
  // a.zone.test at 12; records begin at 12 + 13 + 4.
  const start = 29
  const first = packed(pointerAt(12), 5, 60, Buffer.concat([Buffer.from([1, 0x62]), pointerAt(14)]))
  const second = packed(pointerAt(start + 12), 5, 60, Buffer.concat([Buffer.from('\x01c\x03cdn'), pointerAt(19)]))
  const target = start + first.length + 12
  const address = packed(pointerAt(target), 1, 60, Uint8Array.of(192, 0, 2, 1))
  const inOrder = finish(guard, asked(guard, 'a.zone.test'), { answers: [first, second, address, address] })
  const expected = ['a.zone.test. 60 5 b.zone.test.', 'b.zone.test. 60 5 c.cdn.test.']
  assert.deepEqual([shown(inOrder).answers, shown(inOrder).soa], [expected, ['cdn.test. 30 30']])

  // The owner of the address is written in full, and the chain behind points into it.
  const owner = start
  const whole = packed(nameBytes('c.cdn.test'), 1, 60, Uint8Array.of(192, 0, 2, 1))
  const alias = packed(pointerAt(12), 5, 60, pointerAt(owner))
  const mixed = finish(guard, asked(guard, 'a.zone.test'), { answers: [whole, alias, whole] })
  assert.deepEqual([shown(mixed).answers, shown(mixed).soa], [['a.zone.test. 60 5 c.cdn.test.'], ['cdn.test. 30 30']])
})

test('signatures: those of the chain are kept, those of addresses go', () => {
  const { guard } = guardOf({ rules: { aaaaFilter: { mode: 'enforce', whenDnssec: 'answer' } } })
  const signature = (covered: number): Uint8Array =>
    packed(pointerAt(12), 46, 60, Buffer.concat([Uint8Array.of(0, covered), Buffer.alloc(16, 1), nameBytes('test')]))
  const query = asked(guard, 'a.zone.test', { dnssecOk: true })
  const message = finish(guard, query, {
    answers: ['a.zone.test 20 CNAME b.test.', signature(5), 'b.test 60 A 192.0.2.1', signature(1)],
  })
  assert.deepEqual(
    message.answers.map((rr) => rr.type),
    [5, 46],
  )
})

test('a truncated reply is whole once the addresses are gone, unless the chain itself was cut', () => {
  const { guard } = guardOf(enforced)
  const query = () => asked(guard, 'a.zone.test', { hasOpt: true })
  const chain = 'a.zone.test 20 CNAME b.test.'
  const whole = finish(guard, query(), { flags: 0x200, answers: [chain, 'b.test 60 A 192.0.2.1'], limit: 512 })
  assert.deepEqual([whole.tc, shown(whole).soa], [false, ['test. 20 20']])
  const cut = finish(guard, query(), { flags: 0x200, answers: [chain], limit: 512 })
  assert.deepEqual([cut.tc, cut.rcode, cut.answers.length], [true, 0, 0])
})

test('where the SOA has no room beside OPT, the client is sent to TCP', () => {
  const { guard } = guardOf(enforced)
  const long = `${'x'.repeat(60)}.${'y'.repeat(60)}.test`
  const answers = [`a.zone.test 20 CNAME ${long}.`, `${long} 60 A 192.0.2.1`]
  /** The smallest limit at which the reply is whole. */
  const leastRoom = (hasOpt: boolean): number => {
    for (let limit = 100; ; limit++) {
      const message = finish(guard, asked(guard, 'a.zone.test', { hasOpt }), { answers, limit })
      assert.equal(message.tc, message.authority.length === 0, 'whole, or empty with TC')
      if (!message.tc) return limit
    }
  }
  // Header, question; the alias with its owner and target in full; the SOA below the target's parent.
  const parent = 'y'.repeat(60)
  const needed = 12 + 17 + (13 + 10 + long.length + 2) + (parent.length + 7) + 10 + 17 + 16 + 20
  assert.deepEqual([leastRoom(false), leastRoom(true)], [needed, needed + 11])
})

test('an answer section that does not parse becomes SERVFAIL, never NODATA', () => {
  const { guard } = guardOf(enforced)
  const broken: Uint8Array[] = [
    Uint8Array.of(0xc0),
    Uint8Array.of(63, 1, 2),
    packed(pointerAt(12), 1, 60, new Uint8Array(4)).slice(0, -1),
  ]
  for (const record of broken) {
    const message = finish(guard, asked(guard, 'a.zone.test'), { answers: [record] })
    assert.deepEqual([message.rcode, message.answers.length], [RCODES.SERVFAIL, 0])
  }
  const selfOwner = packed(pointerAt(29), 1, 60, new Uint8Array(4))
  assert.equal(finish(guard, asked(guard, 'a.zone.test'), { answers: [selfOwner] }).rcode, RCODES.SERVFAIL)
})

test('what passes', () => {
  const { guard, counted } = guardOf({ ...enforced, clusterDomains: ['cluster.local'] })
  const passing: [string, string, QueryParts][] = [
    ['a.test', 'A', {}],
    ['a.test', 'TXT', {}],
    ['a.svc.cluster.local', 'AAAA', {}],
    ['cluster.local', 'AAAA', {}],
    ['ipv4only.arpa', 'AAAA', {}],
    ['a.test', 'AAAA', { dnssecOk: true }],
    ['a.test', 'AAAA', { checkingDisabled: true }],
  ]
  for (const [name, type, parts] of passing) {
    const query = queryOf(name, type, parts)
    assert.equal(guard.check(query), PASS, `${name} ${type}`)
    assert.deepEqual([query.askType, query.marks], [query.type, 0])
  }
  assert.equal(counted('aaaaFilter', RULE_EXEMPT), 2)
  const listed = guardOf({
    rules: { aaaaFilter: { mode: 'enforce', except: ['Open.test'] } },
    clusterDomains: ['cluster.local'],
  })
  for (const [name, verdict] of [
    ['a.open.test', PASS],
    ['a.xopen.test', ASK],
    ['a.cluster.local', ASK],
    ['ipv4only.arpa', PASS],
  ] as const) {
    assert.equal(listed.guard.check(queryOf(name, 'AAAA')), verdict, name)
  }
})

test('observe counts and leaves the question alone', () => {
  const { guard, counted } = guardOf({ ...enforced, mode: 'observe' })
  const query = queryOf('a.test', 'AAAA')
  assert.equal(guard.check(query), PASS)
  assert.deepEqual([query.askType, query.marks, counted('aaaaFilter', RULE_OBSERVED)], [TYPES['AAAA'], 0, 1])
})
