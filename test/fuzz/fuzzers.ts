import assert from 'node:assert/strict'
import { parseSettings } from '../../src/app/settings.ts'
import type { Random } from '../../src/base/random.ts'
import { Draft } from '../../src/query/draft.ts'
import { openQuery } from '../../src/query/open.ts'
import { Query } from '../../src/query/query.ts'
import { Reply } from '../../src/query/reply.ts'
import { replyLimit, sealReply, writeReply } from '../../src/query/write-reply.ts'
import { hostsFromText } from '../../src/wire/hosts-text.ts'
import { ANSWER_OK, checkAnswer } from '../../src/wire/incoming.ts'
import { Rebuilt } from '../../src/wire/rebuild.ts'
import { nameFromText, nameToText } from '../../src/wire/text.ts'
import { recordFromText, recordToText } from '../../src/wire/zone-text.ts'
import { parse, query, reply } from '../support/message.ts'
import { SimShard, upstreamAt } from '../support/shard-sim.ts'
import { corpus, mutated, randomBytes, randomText } from './inputs.ts'

/** One fuzzer: `run` makes one input from `random`, feeds it, and throws when a promise was broken. */
export interface Fuzzer {
  readonly name: string
  run(random: Random): void
}

const shapes = [
  query('www.example.org', 'AAAA', { edns: { size: 1232, options: [{ code: 10, data: Buffer.alloc(8) }] } }),
  query('a.svc.cluster.local.example.org'),
]
const answers = [
  {
    answers: ['www.example.org 60 CNAME x.example.net', 'x.example.net 30 A 192.0.2.1', 'x.example.net 30 A 192.0.2.2'],
  },
  { rcode: 3, authority: ['example.org 60 SOA ns.example.org a.example.org 1 2 3 4 60'] },
  { answers: ['www.example.org 60 MX 10 mx.example.org'], additional: ['mx.example.org 60 A 192.0.2.3'] },
  {},
]

/** THE list. The last one is the canary: it must fail, or the runner itself is broken. */
export const fuzzers: readonly Fuzzer[] = [
  {
    name: 'openQuery: a number for any bytes, the same whatever stands behind them',
    run(random) {
      const bytes = someMessage(random)
      const results = [0, 0xff].map((fill) => {
        const memory = new Uint8Array(bytes.length + 300).fill(fill)
        memory.set(bytes)
        const opened = new Query()
        opened.bytes = memory
        opened.length = bytes.length
        return [openQuery(opened, 1), opened.nameLength, opened.type, opened.hash]
      })
      assert.deepEqual(results[0], results[1])
    },
  },
  {
    name: 'answers: whatever passes the check is rebuilt to a message that a strict parser takes',
    run: rebuildAny,
  },
  {
    name: 'names: text and wire are inverse',
    run(random) {
      const name = nameFromText(randomText(random, 40))
      if (name !== undefined) assert.deepEqual(nameFromText(nameToText(name, 0)), name)
    },
  },
  {
    name: 'zone text: a record or a sentence, and records survive the way out and in',
    run(random) {
      const types = ['A', 'AAAA', 'TXT', 'MX', 'SRV', 'SVCB', 'SOA', 'CAA', 'TYPE999']
      const record = recordFromText(`x.test. 60 IN ${types[random.u32() % types.length]} ${randomText(random, 60)}`)
      if (!('error' in record)) assert.deepEqual(recordFromText(recordToText(record)), record)
    },
  },
  {
    name: 'hosts: never throws',
    run: (random) => void hostsFromText(randomText(random, 200)),
  },
  {
    name: 'config: settings or problems, never an exception',
    run(random) {
      const { settings, problems } = parseSettings(configText(random), 'fuzz.yaml')
      assert.equal(
        settings === undefined,
        problems.some(({ severity }) => severity === 'error'),
      )
    },
  },
  {
    name: 'a shard: alive, books balanced, under any packets from clients and upstreams',
    run: floodShard,
  },
  {
    name: 'canary',
    run() {
      throw new Error('the canary sings')
    },
  },
]

function someMessage(random: Random): Uint8Array {
  const pick = random.u32() % 3
  if (pick === 0) return randomBytes(random, 100)
  if (pick === 1 && corpus.length > 0) return mutated(random, corpus[random.u32() % corpus.length] as Uint8Array)
  return mutated(random, shapes[random.u32() % shapes.length] as Uint8Array)
}

function rebuildAny(random: Random): void {
  const asked = shapes[0] as Buffer
  const opened = new Query()
  opened.bytes = asked
  opened.length = asked.length
  openQuery(opened, 1)
  const bytes = mutated(random, reply(parse(asked), answers[random.u32() % answers.length]))
  const id = (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0)
  const verdict = checkAnswer(bytes, 0, bytes.length, id, opened.name, opened.nameLength, opened.type)
  if (verdict !== ANSWER_OK) return
  const rebuilt = new Rebuilt()
  rebuilt.read(bytes, 0, bytes.length, opened.name, opened.nameLength, opened.type)
  if (rebuilt.kind === 1 || rebuilt.kind === 2) rebuilt.sealNegative(30)
  const draft = new Draft()
  draft.rcode = rebuilt.rcode
  draft.bytes = rebuilt.writer.body
  draft.length = rebuilt.writer.length
  draft.answers = rebuilt.answers
  draft.authorities = rebuilt.authorities
  draft.additionals = rebuilt.additionals
  const out = new Reply()
  out.bytes = new Uint8Array(66_000).fill(0xee)
  out.limit = replyLimit(opened)
  writeReply(opened, draft, random.u32() % 7, out)
  sealReply(opened, draft, out)
  assert.ok(out.length <= out.limit)
  const got = parse(Buffer.from(out.bytes.subarray(0, out.length)))
  assert.equal(got.questions.length, 1)
}

function configText(random: Random): string {
  const keys = [
    'listen',
    'upstreams',
    'routes',
    'cache',
    'guard',
    'forward',
    'zones',
    'mode',
    'maxSize',
    'acl',
    'allow',
    '__proto__',
    'x',
  ]
  const values = [
    '1',
    '30s',
    '[a, b]',
    '{a: 1}',
    '&a [*a]',
    '*x',
    '"',
    '|',
    '16MiB',
    '127.0.0.1:53',
    '!!js x',
    '- a',
    randomText(random, 20),
  ]
  let text = ''
  for (let i = random.u32() % 8; i >= 0; i--) {
    text += `${' '.repeat(random.u32() % 5)}${keys[random.u32() % keys.length]}: ${values[random.u32() % values.length]}\n`
  }
  return text
}

function floodShard(random: Random): void {
  const shard = new SimShard(random.u32())
  shard.world.host(upstreamAt(0), (bytes, _from, send) => {
    const count = 1 + (random.u32() % 3)
    for (let i = 0; i < count; i++)
      send(mutated(random, reply(parse(Buffer.from(bytes)), answers[random.u32() % answers.length])))
  })
  for (let i = 0; i < 60; i++) {
    const bytes =
      random.u32() % 2
        ? someMessage(random)
        : query(`n${random.u32() % 9}.example.org`, random.u32() % 2 ? 'A' : 'AAAA')
    const isReply = ((bytes[2] ?? 0) & 0x80) !== 0
    const before = shard.replies.length
    shard.send(bytes, 1 + (i % 7))
    if (i % 5 === 0) shard.world.advance(10)
    if (isReply || bytes.length < 12) assert.ok(shard.replies.length - before <= 60)
    assert.equal(shard.unaccounted, 0)
  }
  shard.world.advance(20_000)
  assert.deepEqual([shard.unaccounted, shard.engine.waiting], [0, 0])
}
