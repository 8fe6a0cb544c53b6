/** Questions upstream and answers back: routes, retries, deadlines, streams, one flight per question. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, UdpClient } from '../support/client.ts'
import { parse, query, RCODES, reply } from '../support/message.ts'
import { freePort } from '../support/ports.ts'
import { startProgram } from '../support/program.ts'
import { openUpstream, startScene } from '../support/scene.ts'
import { after, anyAddress, type Script } from '../support/upstream.ts'

const silent: Script = () => undefined
const sequential = { policy: 'sequential' }

test('id, letter case, RD and CD are those of the client, RA is set', async (t) => {
  const { program } = await startScene(t)
  for (const transport of ['udp', 'tcp'] as const) {
    for (const [rd, cd] of [
      [true, false],
      [false, false],
      [true, true],
    ] as const) {
      const name = `MiXeD-${transport}.TeSt.`
      const answer = await ask(program, name, 'A', { id: 4711, rd, cd, transport })
      assert.deepEqual([answer.id, answer.questions[0]?.name, answer.rd, answer.cd], [4711, name, rd, cd])
      assert.deepEqual([answer.qr, answer.ra, answer.opcode, answer.tc], [true, true, 0, false])
      assert.equal(answer.answers[0]?.data, '192.0.2.1')
    }
  }
})

test('names with odd bytes, long names and unknown types pass unharmed', async (t) => {
  const { program } = await startScene(t, (asked) => reply(asked, { answers: [`${asked.name} 60 TYPE65280 c0ffee00`] }))
  const long = [63, 63, 63, 57].map((n) => 'x'.repeat(n)).join('.')
  for (const name of [
    'a\\.dot.test.',
    'nul\\000.test.',
    'tab\\009\\255.test.',
    '_srv._tcp.test.',
    '*.test.',
    `${long}.te.`,
    '.',
  ]) {
    const answer = await ask(program, name, 65280)
    assert.deepEqual([answer.rcode, answer.answers[0]?.name, answer.answers[0]?.data], [0, name, 'c0ffee00'], name)
  }
})

test('1,000 identical questions at once are one flight, and all are answered', async (t) => {
  const { program, upstream } = await startScene(t, (asked) => after(150, anyAddress(asked) as Buffer))
  const client = await UdpClient.open(program)
  for (let id = 0; id < 1000; id++) client.send(query(id % 2 ? 'Same.test' : 'same.TEST', 'A', { id }))
  const replies = (await client.collect(1000)).map(parse)
  client.close()
  assert.equal(upstream.count('same.test'), 1)
  assert.equal(new Set(replies.map((one) => one.id)).size, 1000)
  for (const one of replies) {
    assert.equal(one.rcode, 0)
    assert.equal(one.questions[0]?.name, one.id % 2 ? 'Same.test.' : 'same.TEST.', 'each its own letter case')
    assert.equal(one.answers.length, 1)
  }
})

test('a flight serves UDP and TCP clients together', async (t) => {
  const { program, upstream } = await startScene(t, (asked) => after(150, anyAddress(asked) as Buffer))
  const both = await Promise.all([ask(program, 'b.test'), ask(program, 'b.test', 'A', { transport: 'tcp' })])
  assert.deepEqual(
    both.map((one) => one.answers.length),
    [1, 1],
  )
  assert.equal(upstream.count('b.test'), 1)
})

test('the longest zone decides the route, by whole labels', async (t) => {
  const named =
    (address: string): Script =>
    (asked) =>
      reply(asked, { answers: [`${asked.name} 60 A ${address}`] })
  const [one, two, three] = await Promise.all(
    ['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((address) => openUpstream(t, named(address))),
  )
  assert.ok(one && two && three)
  const program = await startProgram(t, {
    upstreams: [one.target],
    routes: [
      { zones: ['a.test'], upstreams: [two.target] },
      { zones: ['b.a.test', '10.in-addr.arpa'], upstreams: [three.target] },
    ],
  })
  const table = {
    'test.': '192.0.2.1',
    'a.test.': '192.0.2.2',
    'A.TEST.': '192.0.2.2',
    'x.a.test.': '192.0.2.2',
    'xa.test.': '192.0.2.1',
    'x\\.a.test.': '192.0.2.1',
    'b.a.test.': '192.0.2.3',
    'x.b.a.test.': '192.0.2.3',
    'b.a.test.other.': '192.0.2.1',
    '1.2.10.in-addr.arpa.': '192.0.2.3',
    '1.2.110.in-addr.arpa.': '192.0.2.1',
    '.': '192.0.2.1',
  }
  for (const [name, address] of Object.entries(table)) {
    assert.equal((await ask(program, name)).answers[0]?.data, address, name)
  }
})

test('a silent upstream costs one attempt, a closed port nothing: the next one answers', async (t) => {
  const dead = await openUpstream(t, silent)
  const good = await openUpstream(t, anyAddress)
  for (const first of [dead.target, `127.0.0.1:${await freePort()}`]) {
    const program = await startProgram(t, { upstreams: [first, good.target], forward: sequential })
    const start = Date.now()
    assert.equal((await ask(program, `x${start}.test`)).answers.length, 1, first)
    assert.ok(Date.now() - start < 1500, `${first}: ${Date.now() - start} ms`)
    await program.stop()
  }
})

test('replyWithin is the deadline over all attempts; a late answer is cached and replaces the failure', async (t) => {
  const { program, upstream } = await startScene(t, (asked) => after(2500, anyAddress(asked) as Buffer))
  const start = Date.now()
  const failed = await ask(program, 'late.test', 'A', { edns: {} })
  const took = Date.now() - start
  assert.equal(failed.rcode, RCODES.SERVFAIL)
  assert.ok(took > 1500 && took < 2000, `replied after ${took} ms, replyWithin is 1900 ms`)
  assert.ok(
    failed.edns?.ede.some((code) => code === 22 || code === 23),
    `EDE ${failed.edns?.ede}`,
  )
  await sleep(1300)
  const sent = upstream.count('late.test')
  assert.ok(sent <= 3, `${sent} sends to one server (RFC 9520)`)
  assert.equal((await ask(program, 'late.test')).rcode, RCODES.NOERROR)
  assert.equal(upstream.count('late.test'), sent)
})

test('TC from upstream is asked again over TCP', async (t) => {
  const many = (name: string): string[] => Array.from({ length: 100 }, (_, i) => `${name} 60 A 192.0.2.${i + 1}`)
  const { program, upstream } = await startScene(t, (asked) =>
    asked.transport === 'udp' ? reply(asked, { tc: true }) : reply(asked, { answers: many(asked.name) }),
  )
  const answer = await ask(program, 'big.test', 'A', { transport: 'tcp' })
  assert.deepEqual([answer.tc, answer.answers.length], [false, 100])
  assert.ok(upstream.asked.some((one) => one.transport === 'tcp'))
  const udp = await ask(program, 'big.test')
  assert.ok(udp.tc && udp.bytes.length <= 512, `${udp.bytes.length} bytes, TC ${udp.tc}`)
})

test('TC, and TCP refused: the client hears of it in time', async (t) => {
  const { program } = await startScene(t, (asked) =>
    asked.transport === 'udp' ? reply(asked, { tc: true }) : undefined,
  )
  const answer = await ask(program, 'big.test', 'A', { timeoutMs: 3000 })
  assert.ok(answer.rcode === RCODES.SERVFAIL || answer.tc)
})

test('tcp:// upstreams: pipelined over few connections, answers in any order', async (t) => {
  const upstream = await openUpstream(t, (asked) =>
    after(Number(asked.name.slice(1, 3)) * 5, anyAddress(asked) as Buffer),
  )
  const program = await startProgram(t, { upstreams: [`tcp://${upstream.target}`] })
  const client = await UdpClient.open(program)
  for (let id = 10; id < 90; id++) client.send(query(`n${id}.test`, 'A', { id }))
  const replies = (await client.collect(80, 2000)).map(parse)
  client.close()
  assert.equal(replies.length, 80)
  for (const one of replies) assert.deepEqual([one.questions[0]?.name, one.answers.length], [`n${one.id}.test.`, 1])
  assert.ok(upstream.asked.every((one) => one.transport === 'tcp'))
  assert.ok(upstream.connections() <= 8, `${upstream.connections()} connections for 80 questions`)
  const ids = new Set(upstream.asked.map((one) => `${one.connection} ${one.id}`))
  assert.equal(ids.size, upstream.asked.length, 'no id is reused while pending')
})

test('tcp:// upstreams: a connection that closes loses no question', async (t) => {
  const upstream = await openUpstream(t, anyAddress, { closeAfter: 3 })
  const program = await startProgram(t, { upstreams: [`tcp://${upstream.target}`] })
  for (let i = 0; i < 12; i++) assert.equal((await ask(program, `c${i}.test`)).rcode, RCODES.NOERROR, `question ${i}`)
})

test('tcp:// upstreams: one that accepts and stays silent is left for the next', async (t) => {
  const mute = await openUpstream(t, silent)
  const good = await openUpstream(t, anyAddress)
  const program = await startProgram(t, {
    upstreams: [`tcp://${mute.target}`, `tcp://${good.target}`],
    forward: sequential,
  })
  assert.equal((await ask(program, 'm.test')).rcode, RCODES.NOERROR)
  const unreachable = await startProgram(t, { upstreams: [`tcp://127.0.0.1:${await freePort()}`] })
  const failed = await ask(unreachable, 'u.test', 'A', { edns: {} })
  assert.equal(failed.rcode, RCODES.SERVFAIL)
})

test('an IPv6 upstream', async (t) => {
  const upstream = await openUpstream(t, anyAddress, { address: '::1' })
  const program = await startProgram(t, {
    upstreams: [upstream.target],
    routes: [{ zones: ['t.test'], upstreams: [`tcp://${upstream.target}`] }],
  })
  assert.equal((await ask(program, 'six.test')).answers.length, 1)
  assert.equal((await ask(program, 'six.t.test')).answers.length, 1)
})

test('upstreams may be a resolv.conf, whose own address of ours is left out', async (t) => {
  const { writeFileSync } = await import('node:fs')
  const { join } = await import('node:path')
  const { temporaryFolder } = await import('../support/program.ts')
  const file = join(temporaryFolder(t), 'resolv.conf')
  writeFileSync(file, '# a comment\nsearch lan\nnameserver 127.0.0.77\noptions ndots:5\n')
  const program = await startProgram(t, { upstreams: [file] })
  await program.says(/127\.0\.0\.77/)
  assert.equal((await ask(program, 'x.test', 'A', { edns: {} })).rcode, RCODES.SERVFAIL, 'nothing listens there')
})
