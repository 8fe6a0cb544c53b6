import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { query as message, nameBytes } from '../../test/support/message.ts'
import * as open from './open.ts'
import { Query } from './query.ts'

function opened(bytes: Uint8Array, into = new Query()): number {
  into.bytes = bytes
  into.at = 0
  into.length = bytes.length
  return open.openQuery(into, 7)
}

function patched(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy.set(values, at)
  return copy
}

const plain = message('WWW.Example.org', 'AAAA')
const opt = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]

describe('openQuery', () => {
  it('fills the question, lower case beside the letters as asked', () => {
    const query = new Query()
    assert.equal(opened(plain, query), open.OPEN_OK)
    assert.deepEqual([query.type, query.class, query.labelCount, query.hasOpt, query.payloadSize], [28, 1, 3, 0, 512])
    assert.deepEqual(Buffer.from(query.name.subarray(0, query.nameLength)), nameBytes('www.example.org'))
    assert.equal(Buffer.from(query.bytes.subarray(12, 12 + query.nameLength)).includes('WWW'), true)
  })

  it('hashes letter cases alike and names apart', () => {
    const [a, b, c] = [new Query(), new Query(), new Query()]
    opened(plain, a)
    opened(message('www.exAMPLE.org'), b)
    opened(message('www.example.net'), c)
    assert.equal(a.hash, b.hash)
    assert.notEqual(a.hash, c.hash)
  })

  it('reads EDNS', () => {
    const query = new Query()
    assert.equal(opened(message('a.test', 'A', { edns: { size: 100, dnssecOk: true } }), query), open.OPEN_OK)
    assert.deepEqual([query.hasOpt, query.payloadSize, query.dnssecOk], [1, 512, 1])
    opened(message('a.test', 'A', { edns: { size: 4096 } }), query)
    assert.deepEqual([query.payloadSize, query.dnssecOk], [4096, 0])
  })

  const cases: [string, Uint8Array, number][] = [
    ['11 bytes', plain.subarray(0, 11), open.OPEN_SHORT],
    ['QR=1', patched(plain, 2, 0x81), open.OPEN_RESPONSE],
    ['NOTIFY', message('a.test', 'SOA', { opcode: 4 }), open.OPEN_NOTIMP],
    ['DSO', message('a.test', 'A', { opcode: 6 }), open.OPEN_NOTIMP],
    ['no question', patched(plain, 5, 0), open.OPEN_FORMERR],
    ['two questions (RFC 9619)', patched(plain, 5, 2), open.OPEN_FORMERR],
    ['question cut short', plain.subarray(0, plain.length - 1), open.OPEN_FORMERR],
    ['header only', plain.subarray(0, 12), open.OPEN_FORMERR],
    ['a pointer as question name', patched(plain, 12, 0xc0, 12), open.OPEN_FORMERR],
    ['a label above 63', patched(plain, 12, 64), open.OPEN_FORMERR],
    ['counts of 65535 (RFC 9267)', patched(plain, 6, 255, 255, 255, 255, 255, 255), open.OPEN_FORMERR_QUESTION],
    ['two OPTs', Buffer.concat([patched(plain, 11, 2), Buffer.from([...opt, ...opt])]), open.OPEN_FORMERR_QUESTION],
    ['OPT in the answer section', Buffer.concat([patched(plain, 7, 1), Buffer.from(opt)]), open.OPEN_FORMERR_QUESTION],
    [
      'OPT not at the root',
      Buffer.concat([patched(plain, 11, 1), Buffer.from([1, 97, ...opt])]),
      open.OPEN_FORMERR_QUESTION,
    ],
    [
      'an option that leaves OPT',
      Buffer.concat([patched(plain, 11, 1), Buffer.from([...opt.slice(0, 9), 0, 4, 0, 3, 0, 1])]),
      open.OPEN_FORMERR_QUESTION,
    ],
    ['EDNS version 1', message('a.test', 'A', { edns: { version: 1 } }), open.OPEN_BADVERS],
    ['CHAOS', message('version.bind', 'TXT', { class: 3 }), open.OPEN_REFUSED],
    ['AXFR', message('a.test', 252), open.OPEN_REFUSED],
    ['IXFR', message('a.test', 251), open.OPEN_REFUSED],
    ['OPT as a type', message('a.test', 41), open.OPEN_FORMERR_QUESTION],
    ['NXNAME (RFC 9824)', message('a.test', 128), open.OPEN_FORMERR_QUESTION],
    ['ANY', message('a.test', 255), open.OPEN_ANY],
    ['an unknown type', message('a.test', 65280), open.OPEN_OK],
    [
      'unknown option, unknown flag',
      message('a.test', 'A', { z: true, edns: { flags: 1, options: [{ code: 65001, data: Buffer.from('x') }] } }),
      open.OPEN_OK,
    ],
    ['the root', message('.', 'NS'), open.OPEN_OK],
  ]
  for (const [what, bytes, wanted] of cases) it(what, () => assert.equal(opened(bytes), wanted))

  it('takes a name of 255 bytes and no longer one', () => {
    const label = (n: number) => 'x'.repeat(n)
    const longest = [label(63), label(63), label(63), label(61)].join('.')
    assert.equal(opened(message(longest)), open.OPEN_OK)
    const raw = Buffer.concat([
      plain.subarray(0, 12),
      ...[63, 63, 63, 62].map((n) => Buffer.from([n, ...Array(n).fill(97)])),
      Buffer.from([0, 0, 1, 0, 1]),
    ])
    assert.equal(opened(raw), open.OPEN_FORMERR)
  })

  it('takes 16,000 options in bounded time', () => {
    const options = Array.from({ length: 16000 }, () => ({ code: 65001, data: Buffer.alloc(0) }))
    const bytes = message('a.test', 'A', { edns: { options } })
    const start = performance.now()
    assert.equal(opened(bytes), open.OPEN_OK)
    assert.ok(performance.now() - start < 20)
  })

  it('never throws and never reads past the end, whatever comes', () => {
    const seeds = [plain, message('a.test', 'A', { edns: { options: [{ code: 10, data: Buffer.alloc(8) }] } })]
    fc.assert(
      fc.property(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 }),
        fc.nat(60),
        (seed, edits, cut) => {
          const bytes = Uint8Array.from(seed)
          for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value
          const guarded = new Uint8Array(bytes.length + 64).fill(0xc1)
          const length = Math.max(0, bytes.length - cut)
          guarded.set(bytes.subarray(0, length))
          const other = new Uint8Array(length + 64)
          other.set(bytes.subarray(0, length))
          // What stands behind the message must make no difference.
          const results = [guarded, other].map((memory) => {
            const query = new Query()
            query.bytes = memory
            query.length = length
            return open.openQuery(query, 7)
          })
          assert.equal(results[0], results[1])
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('takes the corpus without an exception', (t) => {
    const root = new URL('../../../../shared/corpus/', import.meta.url)
    let files: string[]
    try {
      files = ['bind9', 'c-ares'].flatMap((folder) =>
        readdirSync(new URL(folder, root)).map((file) => `${folder}/${file}`),
      )
    } catch {
      return t.skip('the corpus of bad packets is not beside the project')
    }
    for (const file of files) opened(readFileSync(new URL(file, root)))
    return undefined
  })
})
