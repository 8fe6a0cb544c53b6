/** Who may ask, and how much: acl and rateLimit, the same on every transport. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { type AskOptions, ask, type Endpoint, maybeAsk, UdpClient } from '../support/client.ts'
import { type Message, parse, query, RCODES } from '../support/message.ts'
import { startScene } from '../support/scene.ts'
import { anyAddress } from '../support/upstream.ts'

const TRANSPORTS = ['udp', 'tcp'] as const

/** A stream that is closed before it is open is a refusal too. */
async function quietly(to: Endpoint, name: string, options: AskOptions): Promise<Message | undefined> {
  try {
    return await maybeAsk(to, name, 'A', { timeoutMs: 300, ...options })
  } catch {
    return undefined
  }
}

test('acl: who is not allowed gets REFUSED or nothing, on every transport, whatever the name', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress, {
    searchSuffixes: ['example.org'],
    guard: {
      mode: 'observe',
      acl: { allow: ['127.0.0.1/32', '127.0.0.8/29'], deny: ['127.0.0.10/32'] },
      localAnswers: { records: ['local.test. 60 IN A 192.0.2.5'] },
    },
  })
  await ask(program, 'cached.test')
  for (const transport of TRANSPORTS) {
    for (const from of ['127.0.0.1', '127.0.0.8', '127.0.0.15']) {
      assert.equal((await ask(program, 'cached.test', 'A', { transport, from })).rcode, RCODES.NOERROR, from)
    }
    for (const from of ['127.0.0.2', '127.0.0.16', '127.0.0.10']) {
      for (const name of ['cached.test', 'miss.test', 'local.test', 'x.cluster.local.example.org', 'localhost']) {
        const answer = await quietly(program, name, { transport, from, edns: {} })
        assert.ok(answer === undefined || answer.rcode === RCODES.REFUSED, `${from} ${transport} ${name}`)
        assert.equal(answer?.answers.length ?? 0, 0)
      }
    }
  }
  assert.equal(upstream.count('miss.test'), 0)
})

test('acl: private is the default, deny wins', async (t) => {
  const { program } = await startScene(t, anyAddress, {}, { addresses: ['127.0.0.1', '::1'] })
  assert.equal((await ask(program, 'a.test', 'A', { from: '127.9.9.9' })).rcode, RCODES.NOERROR)
  assert.equal((await ask({ address: '::1', port: program.port }, 'a.test')).rcode, RCODES.NOERROR)
  const second = await startScene(t, anyAddress, { guard: { acl: { allow: ['10.0.0.0/8'] } } })
  const answer = await quietly(second.program, 'a.test', {})
  assert.ok(answer === undefined || answer.rcode === RCODES.REFUSED)
})

/** How many of `count` questions got an answer with an address. */
async function answered(
  to: Endpoint,
  names: readonly string[],
  from?: string,
): Promise<{ good: number; other: Message[] }> {
  const client = await UdpClient.open(to, from)
  for (const [id, name] of names.entries()) client.send(query(name, 'A', { id, edns: {} }))
  const replies = (await client.collect(names.length, 400)).map(parse)
  client.close()
  return {
    good: replies.filter((one) => one.answers.length > 0).length,
    other: replies.filter((one) => one.answers.length === 0),
  }
}
const unique = (count: number, tag: string): string[] =>
  Array.from({ length: count }, (_, i) => `u${i}${tag}.flood.test`)
const limit = { rate: '1/s', burst: 10 }

test('rateLimit: misses are charged, hits are not, and another client has its own bucket', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress, { guard: { rateLimit: limit } })
  const first = await answered(program, unique(40, 'a'))
  assert.ok(first.good >= 10 && first.good <= 12, `${first.good} of 40 answered with burst 10`)
  assert.ok(upstream.asked.length <= 12, `${upstream.asked.length} reached the upstream`)
  for (const one of first.other) assert.equal(one.rcode, RCODES.REFUSED, 'over: refuse is the default')
  assert.equal(first.other.length, 40 - first.good)
  const hits = await answered(program, new Array<string>(200).fill('u0a.flood.test'))
  assert.equal(hits.good, 200, 'hits of a client over its limit')
  const other = await answered(program, unique(8, 'b'), '127.0.0.2')
  assert.equal(other.good, 8, 'another client')
})

test('rateLimit: junk that a rule answers is not charged', async (t) => {
  const { program } = await startScene(t, anyAddress, { searchSuffixes: ['example.org'], guard: { rateLimit: limit } })
  const client = await UdpClient.open(program)
  for (let id = 0; id < 100; id++) client.send(query(`j${id}.cluster.local.example.org`, 'A', { id }))
  const replies = (await client.collect(100)).map(parse)
  client.close()
  assert.equal(replies.filter((one) => one.rcode === RCODES.NXDOMAIN).length, 100)
})

for (const [over, check] of [
  ['drop', (replies: Message[]) => assert.equal(replies.length, 0)],
  [
    'truncate',
    (replies: Message[]) => assert.ok(replies.length > 0 && replies.every((one) => one.tc && one.rcode === 0)),
  ],
] as const) {
  test(`rateLimit: over: ${over}`, async (t) => {
    const { program } = await startScene(t, anyAddress, { guard: { rateLimit: { ...limit, over } } })
    const { good, other } = await answered(program, unique(40, 'd'))
    assert.ok(good >= 10 && good <= 12, `${good} answered`)
    check(other)
  })
}

test('rateLimit: the bucket refills, exempt clients have none, charge: all counts hits', async (t) => {
  const { program } = await startScene(t, anyAddress, {
    guard: { rateLimit: { rate: '20/s', burst: 5, exempt: ['127.0.0.3/32'], charge: 'all' } },
  })
  const exempt = await answered(program, unique(40, 'e'), '127.0.0.3')
  assert.equal(exempt.good, 40)
  const hits = await answered(program, new Array<string>(40).fill('u0e.flood.test'))
  assert.ok(hits.good >= 5 && hits.good <= 8, `${hits.good} hits answered with charge: all`)
  await new Promise((resolve) => setTimeout(resolve, 300))
  const later = await answered(program, unique(3, 'f'))
  assert.equal(later.good, 3, 'refilled')
})

test('rateLimit: one bucket for all shards and for UDP and TCP', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress, { threads: 2, guard: { rateLimit: limit } })
  for (let i = 0; i < 30; i++) await maybeAsk(program, `s${i}.flood.test`, 'A', { transport: i % 2 ? 'tcp' : 'udp' })
  assert.ok(upstream.asked.length <= 12, `${upstream.asked.length} reached the upstream`)
})

for (const guard of [
  { mode: 'observe', rateLimit: limit },
  { rateLimit: { ...limit, mode: 'observe' } },
  { rateLimit: { ...limit, mode: 'disabled' } },
]) {
  test(`rateLimit: ${JSON.stringify(guard)} lets all pass`, async (t) => {
    const { program } = await startScene(t, anyAddress, { guard })
    assert.equal((await answered(program, unique(40, 'g'))).good, 40)
  })
}
