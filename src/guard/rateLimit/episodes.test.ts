import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GuardBench, guardOf } from '../../../test/support/guard.ts'
import { type QueryParts, queryOf, queryOfWire } from '../../../test/support/query.ts'
import { nameFromText } from '../../wire/text.ts'
import { Episodes, episodesBytes, episodesMax } from './episodes.ts'

const begin = 1_000_000
const memoryOf = () => new Map<string, SharedArrayBuffer>()
const shard = (rateLimit: Record<string, unknown> = {}, memory = memoryOf()): GuardBench =>
  guardOf(
    { rules: { rateLimit: { rate: '1/s', burst: 1, ...rateLimit } }, searchSuffixes: ['corp.example.org'] },
    memory,
  )

function misses({ guard }: GuardBench, name: string, count: number, parts: QueryParts = {}): void {
  for (let i = 0; i < count; i++) guard.checkMiss(queryOf(name, 'A', parts))
}

/** A minute of turns. */
function idle(benches: readonly GuardBench[], from: number, ms = 60_000): void {
  for (let at = from; at < from + ms; at += 100) for (const { guard } of benches) guard.idle(at)
}

const told = (benches: readonly GuardBench[]) =>
  benches.flatMap(({ events }) => events.map(({ state, subject }) => `${state} ${subject}`))

test('an episode is told once when it begins and once when nothing was held back for ten seconds', () => {
  const bench = shard({ over: 'drop' })
  misses(bench, 'u.flood.test', 5)
  assert.equal(bench.events.length, 0, 'not on the road of a query')
  bench.guard.idle(begin)
  misses(bench, 'v.flood.test', 3, { receivedAt: begin + 500 })
  idle([bench], begin, 10_400)
  assert.deepEqual(told([bench]), ['begin flood.test from 127.0.0.1'])
  bench.guard.idle(begin + 10_500)
  const subject = 'flood.test from 127.0.0.1'
  assert.deepEqual(bench.events, [
    {
      ...{ kind: 'rule', rule: 'rateLimit', state: 'begin', level: 'warn', subject, figures: {} },
      sentence: `${subject}: over the limit of 1/s; what is cached is answered, all else is dropped`,
    },
    {
      ...{ kind: 'rule', rule: 'rateLimit', state: 'end', level: 'info', subject },
      sentence: `${subject}: within the limit again; 7 queries in 0.5 s were held back (7 dropped)`,
      figures: { limited: 7, refused: 0, failed: 0, dropped: 7, truncated: 0, seconds: 0.5 },
    },
  ])
  idle([bench], begin + 11_000)
  misses(bench, 'u.flood.test', 2, { receivedAt: begin + 80_000 })
  idle([bench], begin + 80_000)
  assert.equal(bench.events.length, 4, 'the next episode')
  assert.equal(bench.events[3]?.figures['limited'], 1, 'begins at nothing')
})

test('who and what: domain and client, network, all names, streams', () => {
  const cases = [
    [{}, 'a.b.corp.example.org', {}, 'corp.example.org from 127.0.0.1'],
    [{}, 'wpad', { client: '192.0.2.7' }, 'names of one label from 192.0.2.7'],
    [{}, 'x.test', { client: '2001:db8:1:2:3::4' }, 'x.test from 2001:db8:1:2::/64'],
    [{ prefixV4: 20 }, 'x.test', { client: '10.1.255.7' }, 'x.test from 10.1.240.0/20'],
    [{ shared: true }, 'x.test', { client: '10.1.2.3' }, 'x.test from all clients'],
    [{}, 'x.test', { client: '192.0.2.7', streamed: true }, 'x.test from 192.0.2.7 over TCP'],
    [{}, 'x.test', { client: '10.1.2.3', streamed: true }, 'x.test from 10.1.2.3'],
  ] as const
  for (const [settings, name, parts, subject] of cases) {
    const bench = shard(settings)
    misses(bench, name, 2, parts)
    bench.guard.idle(begin)
    assert.deepEqual(told([bench]), [`begin ${subject}`])
  }
  for (const [settings, subject] of [
    [{}, 'all names from 127.0.0.1'],
    [{ shared: true }, 'all names from all clients'],
  ] as const) {
    const whole = shard(settings)
    for (let i = 0; i < 6; i++) misses(whole, `x.d${i}.test`, 1)
    whole.guard.idle(begin)
    assert.deepEqual(told([whole]), [`begin ${subject}`])
  }
})

test('what a client wrote comes out escaped, and cut', () => {
  const bench = shard()
  const wild = nameFromText('a\\010\\027\\"b.te\\.st') as Uint8Array
  const long = nameFromText(`${'\\255'.repeat(60)}.${'\\255'.repeat(60)}`) as Uint8Array
  for (let i = 0; i < 2; i++) for (const name of [wild, long]) bench.guard.checkMiss(queryOfWire(name, 1))
  idle([bench], begin, 300)
  const [first, second] = bench.events.map(({ subject }) => subject)
  assert.equal(first, 'a\\010\\027\\"b.te\\.st from 127.0.0.1')
  assert.equal(second, `${'\\255'.repeat(32)}... from 127.0.0.1`)
})

test('two shards tell each episode once, whoever begins it, and one dying leaves it to the other', () => {
  const memory = memoryOf()
  const [one, two] = [shard({}, memory), shard({}, memory)] as const
  misses(one, 'x.test', 4)
  misses(two, 'x.test', 4)
  misses(two, 'y.test', 2)
  idle([two, one], begin, 300)
  assert.deepEqual(told([one, two]).sort(), ['begin x.test from 127.0.0.1', 'begin y.test from 127.0.0.1'])
  idle([two], begin + 300)
  const ends = two.events.filter(({ state }) => state === 'end')
  assert.deepEqual(
    ends.map(({ subject, figures }) => [subject, figures['limited']]),
    [
      ['x.test from 127.0.0.1', 7],
      ['y.test from 127.0.0.1', 1],
    ],
  )
})

test('a flood of clients: some are named, the others are counted as one', () => {
  const bench = shard()
  for (let i = 1; i <= 100; i++) misses(bench, 'x.test', 3, { client: `10.0.0.${i}` })
  idle([bench], begin)
  const ends = bench.events.filter(({ state }) => state === 'end')
  assert.deepEqual([bench.events.length, ends.length], [2 * episodesMax, episodesMax])
  assert.deepEqual(
    ends.map(({ subject, figures }) => [subject.includes('other clients'), figures['limited']]),
    [...new Array(episodesMax - 1).fill([false, 2]), [true, 2 * (100 - episodesMax + 1)]],
  )
})

test('a reload with other limits ends what nobody would end any more, one with the same limits does not', () => {
  const memory = memoryOf()
  for (const [changed, ended] of [
    [{ exempt: ['10.0.0.0/8'] }, 0],
    [{ burst: 2 }, 1],
  ] as const) {
    const before = shard({}, memory)
    misses(before, 'x.test', 3)
    before.guard.idle(begin)
    const next = guardOf({ rules: { rateLimit: { rate: '1/s', burst: 1, ...changed } } }, memory, before.guard)
    before.guard.close()
    assert.equal(before.events.filter(({ state }) => state === 'end').length, ended, JSON.stringify(changed))
    idle([next], begin)
    assert.equal(next.events.length, 1 - ended)
  }
  const last = shard({ burst: 3 }, memory)
  misses(last, 'x.test', 5)
  last.guard.close()
  assert.deepEqual(told([last]), ['begin x.test from 127.0.0.1', 'end x.test from 127.0.0.1'], 'the rule is gone')
})

test('counts go on behind 2³⁰', () => {
  const memory = new SharedArrayBuffer(episodesBytes)
  const episodes = new Episodes(memory, 0)
  const place = episodes.of(3, 0, 0, queryOf('x.test'), -1)
  const words = new Int32Array(memory)
  episodes.book(place, 2)
  const at = words.indexOf(1, 12)
  for (let lap = 0; lap < 5; lap++) {
    Atomics.add(words, at, 2 ** 30 - 3)
    for (let i = 0; i < 3; i++) episodes.book(place, 2)
  }
  const seen: unknown[] = []
  episodes.endAll(({ counts }, isBegin) => seen.push([isBegin, counts]))
  const counts = [0, 0, 5 * 2 ** 30 + 1, 0]
  assert.deepEqual(seen, [
    [true, counts],
    [false, counts],
  ])
})
