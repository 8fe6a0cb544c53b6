import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse, query, typeNumber } from '../../test/support/message.ts'
import { workload } from './names.ts'
import { stubAnswer } from './stub-answer.ts'

function ask(packet: Uint8Array): Buffer {
  const to = new Uint8Array(1024)
  // Not at offset 0, as in a batch.
  const from = new Uint8Array(packet.length + 7)
  from.set(packet, 7)
  return Buffer.from(to.subarray(100, 100 + stubAnswer(from, 7, packet.length, to, 100)))
}

const soa = (owner: string): string => `${owner} SOA`
const cases: readonly (readonly [string, string, number, readonly string[]])[] = [
  ['h1.bench.example', 'A', 0, ['h1.bench.example. A']],
  ['H1.Bench.Example', 'A', 0, ['H1.Bench.Example. A']],
  ['h1.bench.example', 'AAAA', 0, [soa('bench.example.')]],
  ['h1.example.org', 'A', 3, [soa('example.org.')]],
  ['a.b.c.d.example.ORG', 'AAAA', 3, [soa('example.ORG.')]],
  ['org', 'A', 3, [soa('org.')]],
  ['.', 'NS', 0, [soa('.')]],
  ['organic', 'A', 0, ['organic. A']],
]
for (const [name, type, rcode, records] of cases) {
  for (const withOpt of [false, true]) {
    test(`${name} ${type}${withOpt ? ' with OPT' : ''}`, () => {
      const asked = query(name, type, withOpt ? { edns: { size: 4096 } } : {})
      const answer = parse(ask(asked))
      assert.equal(answer.id, asked.readUInt16BE(0))
      assert.ok(answer.qr && answer.rd && answer.ra && !answer.tc)
      assert.equal(answer.rcode, rcode)
      assert.deepEqual(answer.questionBytes, asked.subarray(12, 12 + answer.questionBytes.length))
      const said = [...answer.answers, ...answer.authority]
      const names = said.map((record) => `${record.name} ${record.type === typeNumber('SOA') ? 'SOA' : 'A'}`)
      assert.deepEqual(names, records)
      assert.ok(said.every((record) => record.ttl === 3600))
      assert.equal(answer.edns !== undefined, withOpt)
    })
  }
}

test('silence: below .silent, for replies, for what is cut short', () => {
  const whole = query('h1.bench.example')
  const silent = [query('x.bench.silent'), query('h1.bench.example', 'A', { qr: true })]
  for (let length = 0; length < whole.length; length++) silent.push(whole.subarray(0, length))
  for (const packet of silent) assert.equal(ask(packet).length, 0)
})

test('workloads are well-formed queries, answered as they are meant', () => {
  const rcodes = (name: 'hits' | 'junk' | 'misses'): number[] => {
    const questions = workload(name)
    const to = new Uint8Array(512)
    return Array.from({ length: 1000 }, (_, i) => {
      const length = questions.write(to, 3, i)
      return parse(ask(to.slice(3, 3 + length))).rcode
    })
  }
  assert.equal(rcodes('hits').filter((rcode) => rcode === 3).length, 400)
  assert.ok(rcodes('junk').every((rcode) => rcode === 3))
  assert.ok(rcodes('misses').every((rcode) => rcode === 0))
})

test('misses never repeat a name, within a run or between two', () => {
  const names = new Set<string>()
  const to = new Uint8Array(512)
  for (const run of [workload('misses'), workload('misses')]) {
    for (const index of [0, 1, 15, 16, 255, 65_535, 1_000_000, 2 ** 31]) {
      names.add(Buffer.from(to.subarray(0, run.write(to, 0, index))).toString('latin1'))
    }
  }
  assert.equal(names.size, 16)
})
