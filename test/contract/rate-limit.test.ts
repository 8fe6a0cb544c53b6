/** rateLimit, fair: what a flood takes away from whom, what is said of it, and what who is over the limit hears (FIELD 3.7). */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, type Endpoint, TcpClient, UdpClient } from '../support/client.ts'
import { type Message, parse, query, RCODES, reply } from '../support/message.ts'
import type { Program } from '../support/program.ts'
import { assertBooksBalance } from '../support/program.ts'
import { startScene } from '../support/scene.ts'
import { anyAddress, nxdomain } from '../support/upstream.ts'

/** So many questions at once; the replies that came. */
async function flood(to: Endpoint, names: readonly string[], from?: string): Promise<Message[]> {
  const client = await UdpClient.open(to, from)
  const replies: Message[] = []
  // In parts that any receive buffer holds.
  for (let at = 0; at < names.length; at += 250) {
    const part = names.slice(at, at + 250)
    for (const [id, name] of part.entries()) client.send(query(name, 'A', { id, edns: {} }))
    replies.push(...(await client.collect(part.length, 300)).map(parse))
  }
  client.close()
  return replies
}

const good = (replies: readonly Message[]): number => replies.filter(({ answers }) => answers.length > 0).length
const below = (domain: string, count: number, tag = 'u'): string[] =>
  Array.from({ length: count }, (_, i) => `${tag}${i}.${domain}`)

interface Told {
  readonly rule: string
  readonly state: string
  readonly subject: string
  readonly sentence: string
  readonly since?: string
  readonly at?: string
  readonly figures: Readonly<Record<string, number>>
}

async function told(program: Program): Promise<{ events: Told[]; episodes: Told[] }> {
  return (await program.stats()) as { events: Told[]; episodes: Told[] }
}

const lines = (program: Program): { level: string; msg: string; limited?: number }[] =>
  program
    .stdout()
    .split('\n')
    .filter((line) => line.includes('rateLimit: '))
    .map((line) => JSON.parse(line))

async function until(what: string, ok: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await ok())) {
    assert.ok(Date.now() < deadline, `${what}: not in ${timeoutMs} ms`)
    await sleep(100)
  }
}

for (const engine of ['epoll', 'dgram']) {
  test(`${engine}: a flood below one domain, from its first line to its last`, async (t) => {
    const { program, upstream } = await startScene(
      t,
      (asked) => {
        if (asked.name.startsWith('nx')) return nxdomain(asked, 'flood.test')
        if (asked.name.startsWith('fail')) return reply(asked, { rcode: RCODES.SERVFAIL })
        return anyAddress(asked)
      },
      {
        ...(engine === 'epoll' && { threads: 2 }),
        cache: { failureTtl: '60s' },
        guard: {
          rateLimit: { rate: '1/s', burst: 20 },
          localAnswers: { records: ['here.flood.test. 60 IN A 192.0.2.5'] },
        },
      },
      { args: ['--udp', engine] },
    )
    assert.equal((await ask(program, 'hit.flood.test')).rcode, RCODES.NOERROR)
    assert.equal((await ask(program, 'nx.flood.test')).rcode, RCODES.NXDOMAIN)
    assert.equal((await ask(program, 'fail.flood.test')).rcode, RCODES.SERVFAIL)

    const names = below('flood.test', 2000)
    const replies = await flood(program, names)
    assert.equal(replies.length, names.length, 'each is answered')
    assert.ok(good(replies) >= 17 && good(replies) <= 22, `${good(replies)} of 2,000 went upstream`)
    assert.ok(replies.every(({ answers, rcode }) => answers.length > 0 || rcode === RCODES.REFUSED))
    assert.ok(upstream.asked.length <= 26, `${upstream.asked.length} questions upstream`)

    // Cache-only: all kinds of hits, and what is answered here.
    assert.equal(good(await flood(program, new Array<string>(200).fill('hit.flood.test'))), 200)
    assert.equal((await ask(program, 'here.flood.test')).answers[0]?.data, '192.0.2.5')
    assert.equal((await ask(program, 'nx.flood.test')).rcode, RCODES.NXDOMAIN)
    const failure = await ask(program, 'fail.flood.test', 'A', { edns: {} })
    assert.deepEqual([failure.rcode, failure.edns?.ede], [RCODES.SERVFAIL, [13]])
    // Others: names of the same client, the same domain for another client.
    assert.equal(good(await flood(program, below('good.test', 15))), 15)
    assert.equal(good(await flood(program, below('flood.test', 15, 'other'), '127.0.0.2')), 15)

    const subject = 'flood.test from 127.0.0.1'
    await program.says(/rateLimit: flood\.test from 127\.0\.0\.1: over the limit of 1\/s/)
    const during = await told(program)
    assert.deepEqual(
      during.episodes.map((one) => [one.rule, one.subject, Number.isNaN(Date.parse(one.since ?? ''))]),
      [['rateLimit', subject, false]],
    )
    await until('its end', async () => (await told(program)).episodes.length === 0, 14_000)
    const { events } = await told(program)
    assert.deepEqual(
      events.map(({ state, subject }) => [state, subject]),
      [
        ['end', subject],
        ['begin', subject],
      ],
    )
    const limited = names.length - good(replies)
    assert.deepEqual([events[0]?.figures['limited'], events[0]?.figures['refused']], [limited, limited])
    await program.says(/within the limit again/)
    assert.deepEqual(
      lines(program).map(({ level, limited }) => [level, limited]),
      [
        ['warn', undefined],
        ['info', limited],
      ],
    )
    await assertBooksBalance(program)
    assert.equal((await program.metrics()).value('dnsweir_rule_limited_total', { rule: 'rateLimit' }), limited)
  })
}

test('a flood over thousands of domains is bounded by what its client may ask in all', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress, { guard: { rateLimit: { rate: '1/s', burst: 10 } } })
  const replies = await flood(
    program,
    Array.from({ length: 5000 }, (_, i) => `x.d${i}.test`),
  )
  assert.ok(good(replies) >= 40 && good(replies) <= 80, `${good(replies)} answered`)
  assert.equal(upstream.asked.length, good(replies))
  assert.equal(good(await flood(program, below('good.test', 8), '127.0.0.2')), 8, 'another client')
  await program.says(/rateLimit: all names from 127\.0\.0\.1: over the limit of 4\/s/)
})

test('shared: by domain for all clients', async (t) => {
  const { program } = await startScene(t, anyAddress, {
    guard: { rateLimit: { rate: '1/s', burst: 10, shared: true } },
  })
  let answered = 0
  for (let host = 1; host <= 30; host++) {
    answered += good(await flood(program, [`u${host}.flood.test`], `127.0.0.${host}`))
  }
  assert.ok(answered >= 10 && answered <= 14, `${answered} of 30 clients`)
  assert.equal(good(await flood(program, below('good.test', 8))), 8)
  await program.says(/rateLimit: flood\.test from all clients: over the limit/)
})

const PROHIBITED = 18
for (const [over, udp, tcp] of [
  ['refuse', 'REFUSED', 'REFUSED'],
  ['servfail', 'SERVFAIL', 'SERVFAIL'],
  ['drop', undefined, undefined],
  ['truncate', 'TC', 'REFUSED'],
] as const) {
  test(`over: ${over} is ${udp ?? 'silence'} over UDP and ${tcp ?? 'silence'} over TCP`, async (t) => {
    const rateLimit = { rate: '1/s', burst: 1, over }
    const { program } = await startScene(t, anyAddress, { guard: { rateLimit } })
    for (const [transport, expected] of [
      ['udp', udp],
      ['tcp', tcp],
    ] as const) {
      const client = await (transport === 'udp' ? UdpClient : TcpClient).open(program)
      for (let id = 0; id < 20; id++) client.send(query(`${transport}${id}.flood.test`, 'A', { id, edns: {} }))
      const replies = (await client.collect(20, 300)).map(parse)
      client.close()
      const held = replies.filter(({ answers }) => answers.length === 0)
      assert.ok(good(replies) <= 3, `${good(replies)} over ${transport} are answered`)
      assert.equal(held.length, expected === undefined ? 0 : 20 - good(replies))
      for (const { rcode, tc, edns } of held) {
        if (expected === 'TC') assert.deepEqual([rcode, tc, edns?.ede], [0, true, []])
        else {
          assert.deepEqual([rcode, tc, edns?.ede], [RCODES[expected as 'REFUSED'], false, [PROHIBITED]], transport)
          assert.match(edns?.options[0]?.data.toString('latin1') ?? '', /rateLimit/)
        }
      }
    }
    await assertBooksBalance(program)
  })
}

test('slip: each second one over the limit gets an empty TC, and TCP has buckets of its own', async (t) => {
  const rateLimit = { rate: '1/s', burst: 10, over: 'drop', slipPrivate: 2 }
  const { program } = await startScene(t, anyAddress, { guard: { rateLimit } })
  const replies = await flood(program, below('flood.test', 110))
  const cut = replies.filter(({ tc }) => tc)
  assert.ok(good(replies) >= 10 && good(replies) <= 14, `${good(replies)} answered`)
  assert.ok(cut.length >= 46 && cut.length <= 50, `${cut.length} of 100 slipped`)
  assert.equal(replies.length, good(replies) + cut.length, 'the rest was dropped')
  for (const { rcode, answers, edns } of cut) assert.deepEqual([rcode, answers.length, edns?.ede], [0, 0, []])
  const again = await ask(program, 'u109.flood.test', 'A', { transport: 'tcp' })
  assert.equal(again.answers.length, 1, 'who comes back over TCP is served')
  await assertBooksBalance(program)
})

test('observe lets all pass and says what it would have done', async (t) => {
  const rateLimit = { mode: 'observe', rate: '1/s', burst: 10 }
  const { program } = await startScene(t, anyAddress, { guard: { rateLimit } })
  assert.equal(good(await flood(program, below('flood.test', 200))), 200)
  await program.says(/over the limit of 1\/s; it only observes/)
  assert.equal((await told(program)).episodes.length, 1)
})

test('a reload that changes the limit ends the episode, one that does not touch it does not', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress, { guard: { rateLimit: { rate: '1/s', burst: 5 } } })
  const rewrite = async (rateLimit: object, generation: number): Promise<void> => {
    program.rewrite({ upstreams: [upstream.target], guard: { rateLimit } })
    program.signal('SIGHUP')
    const live = async () => ((await program.stats()) as { generation: number }).generation >= generation
    await until(`plan ${generation}`, live, 5000)
  }
  await flood(program, below('flood.test', 50))
  await until('its beginning', async () => (await told(program)).episodes.length === 1, 3000)
  await rewrite({ rate: '1/s', burst: 5, exempt: ['127.0.0.9/32'] }, 2)
  await sleep(300)
  assert.equal((await told(program)).episodes.length, 1, 'the same buckets')
  await rewrite({ mode: 'disabled' }, 3)
  await until('its end', async () => (await told(program)).episodes.length === 0, 2000)
  assert.deepEqual(
    (await told(program)).events.map(({ state }) => state),
    ['end', 'begin'],
  )
})
