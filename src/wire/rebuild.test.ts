import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ReplyParts } from '../../test/support/message.ts'
import { query as message, parse, reply } from '../../test/support/message.ts'
import { Draft } from '../query/draft.ts'
import { openQuery } from '../query/open.ts'
import { Query } from '../query/query.ts'
import { Reply } from '../query/reply.ts'
import { sealReply, writeReply } from '../query/write-reply.ts'
import { ANSWER_OK, checkAnswer } from './incoming.ts'
import * as kind from './kind.ts'
import { Rebuilt } from './rebuild.ts'

const soa = 'test 300 SOA ns.test. admin.test. 1 2 3 4 60'

/** What a client gets of an upstream's answer, through the whole of check, rebuild and write. */
function through(name: string, type: string, parts: ReplyParts) {
  const asked = message(name, type, { edns: { size: 4096 } })
  const answer = reply(parse(asked), parts)
  const query = new Query()
  query.bytes = asked
  query.length = asked.length
  openQuery(query, 1)
  const id = answer.readUInt16BE(0)
  assert.equal(checkAnswer(answer, 0, answer.length, id, query.name, query.nameLength, query.type), ANSWER_OK)
  const work = new Rebuilt()
  work.read(answer, 0, answer.length, query.name, query.nameLength, query.type)
  const draft = new Draft()
  draft.rcode = work.rcode
  draft.bytes = work.writer.body
  draft.length = work.writer.length
  draft.answers = work.answers
  draft.authorities = work.authorities
  draft.additionals = work.additionals
  const out = new Reply()
  out.bytes = new Uint8Array(70000)
  out.limit = 65535
  writeReply(query, draft, 0, out)
  sealReply(query, draft, out)
  return { work, got: parse(Buffer.from(out.bytes.subarray(0, out.length))) }
}

const text = (records: readonly { name: string; type: number; data: string }[]) =>
  records.map(({ name, type, data }) => `${name} ${type} ${data}`)

describe('Rebuilt', () => {
  it('keeps a plain answer, compressed', () => {
    const { work, got } = through('www.a.test', 'A', {
      answers: ['www.a.test 60 A 192.0.2.1', 'www.a.test 30 A 192.0.2.2'],
    })
    assert.equal(work.kind, kind.KIND_POSITIVE)
    assert.deepEqual(
      got.answers.map(({ data, ttl }) => [data, ttl]),
      [
        ['192.0.2.1', 30],
        ['192.0.2.2', 30],
      ],
    )
    assert.equal(work.writer.length, 2 * 16)
    assert.deepEqual([work.rotateAt, work.rotateStride, work.rotateCount], [0, 16, 2])
  })

  it('keeps the chain and drops what does not belong to it', () => {
    const { work, got } = through('www.a.test', 'A', {
      answers: [
        'bank.test 60 A 203.0.113.6',
        'www.a.test 60 CNAME x.b.test',
        'x.b.test 50 A 192.0.2.1',
        'y.b.test 50 A 203.0.113.9',
      ],
      authority: ['bank.test 60 NS evil.test', 'b.test 60 NS ns.b.test', 'sub.x.b.test 60 NS ns.b.test'],
      additional: ['bank.test 60 A 203.0.113.6'],
    })
    assert.equal(work.kind, kind.KIND_POSITIVE)
    assert.equal(work.answerTtl, 50)
    assert.equal(got.answers.length, 2)
    assert.deepEqual(
      got.answers.map(({ name }) => name.replace(/\.$/, '')),
      ['www.a.test', 'x.b.test'],
    )
    assert.equal(got.authority.length, 1)
    assert.equal(got.additional.length, 0)
  })

  it('sorts a chain that comes in the wrong order', () => {
    const { got } = through('www.a.test', 'A', {
      answers: ['y.test 60 A 192.0.2.1', 'x.test 60 CNAME y.test', 'www.a.test 60 CNAME x.test'],
    })
    assert.deepEqual(
      got.answers.map(({ type }) => type),
      [5, 5, 1],
    )
  })

  it('ends CNAME loops and chains without an end', () => {
    const loop = through('a.test', 'A', { answers: ['a.test 60 CNAME b.test', 'b.test 60 CNAME a.test'] })
    assert.equal(loop.work.kind, kind.KIND_PARTIAL)
    const chain = Array.from({ length: 40 }, (_, i) => `n${i}.test 60 CNAME n${i + 1}.test`)
    assert.equal(
      through('n0.test', 'A', { answers: [...chain, 'n40.test 60 A 192.0.2.1'] }).work.kind,
      kind.KIND_PARTIAL,
    )
  })

  const kinds: [string, string, ReplyParts, number, number][] = [
    ['NXDOMAIN with SOA', 'x.test', { rcode: 3, authority: [soa] }, kind.KIND_NXDOMAIN, 60],
    ['NXDOMAIN without SOA', 'x.test', { rcode: 3 }, kind.KIND_NXDOMAIN, -1],
    ['NODATA with SOA', 'x.test', { authority: [soa] }, kind.KIND_NODATA, 60],
    ['NODATA without SOA', 'x.test', {}, kind.KIND_NODATA, -1],
    [
      'an SOA of another zone',
      'x.test',
      { rcode: 3, authority: ['other 300 SOA ns.test. admin.test. 1 2 3 4 60'] },
      kind.KIND_NXDOMAIN,
      -1,
    ],
    ['a referral', 'x.test', { authority: ['test 60 NS ns.test'] }, kind.KIND_REFERRAL, -1],
    ['a chain to nowhere', 'x.test', { answers: ['x.test 60 CNAME y.test'] }, kind.KIND_PARTIAL, -1],
    ['a chain to NODATA', 'x.test', { answers: ['x.test 60 CNAME y.test'], authority: [soa] }, kind.KIND_NODATA, 60],
    [
      'a chain to NXDOMAIN',
      'x.test',
      { rcode: 3, answers: ['x.test 60 CNAME y.test'], authority: [soa] },
      kind.KIND_NXDOMAIN,
      60,
    ],
    ['SERVFAIL', 'x.test', { rcode: 2 }, kind.KIND_FAILURE, -1],
    ['REFUSED', 'x.test', { rcode: 5 }, kind.KIND_FAILURE, -1],
  ]
  for (const [what, name, parts, wanted, soaTtl] of kinds) {
    it(what, () => {
      const { work } = through(name, 'A', parts)
      assert.deepEqual([work.kind, work.soaTtl], [wanted, soaTtl])
    })
  }

  it('keeps additional addresses of targets only', () => {
    const { got } = through('_s._tcp.test', 'SRV', {
      answers: ['_s._tcp.test 60 SRV 1 2 53 host.test'],
      additional: ['host.test 60 A 192.0.2.1', 'other.test 60 A 192.0.2.2'],
    })
    assert.deepEqual(
      text(got.additional).map((line) => line.replace('test.', 'test')),
      ['host.test 1 192.0.2.1'],
    )
  })

  it('never passes the OPT of the other hop', () => {
    const { got } = through('a.test', 'A', {
      answers: ['a.test 60 A 192.0.2.1'],
      edns: { size: 4000, options: [{ code: 65001, data: Buffer.from('secret') }] },
    })
    assert.deepEqual([got.edns?.size, got.edns?.options], [1232, []])
  })

  it('gives back the records of any answer, as sets', () => {
    const label = fc.stringMatching(/^[a-z0-9]{1,12}$/)
    const owner = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
    fc.assert(
      fc.property(owner, fc.array(fc.tuple(owner, owner), { minLength: 1, maxLength: 12 }), (name, hosts) => {
        const answers = hosts.map(([mx], i) => `${name} 60 MX ${i} ${mx}`)
        const { got } = through(name, 'MX', { answers })
        const wanted = parse(reply(parse(message(name, 'MX')), { answers }))
        assert.deepEqual(text(got.answers).sort(), text(wanted.answers).sort())
      }),
      { numRuns: 300 },
    )
  })
})

describe('checkAnswer', () => {
  it('answers every cut of an answer with a number', () => {
    const answer = reply(parse(message('www.a.test')), {
      answers: ['www.a.test 60 CNAME b.test', 'b.test 60 A 192.0.2.1'],
      authority: [soa],
    })
    const name = Uint8Array.from(message('www.a.test').subarray(12, 24))
    const id = answer.readUInt16BE(0)
    for (let length = 0; length < answer.length; length++) {
      assert.notEqual(
        checkAnswer(Uint8Array.from(answer.subarray(0, length)), 0, length, id, name, name.length, 1),
        ANSWER_OK,
        `cut at ${length}`,
      )
    }
    assert.equal(checkAnswer(answer, 0, answer.length, id, name, name.length, 1), ANSWER_OK)
  })
})
