/** Loops: found by our own probes, said plainly, restrained, healed (issue: "Loop detection"; FIELD 3.1, 3.2). */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, type Endpoint, maybeAsk, UdpClient } from '../support/client.ts'
import { query, RCODES, reply, typeNumber } from '../support/message.ts'
import { freePort } from '../support/ports.ts'
import { type Program, startProgram } from '../support/program.ts'
import { openUpstream } from '../support/scene.ts'
import { type Answer, type Asked, anyAddress, nxdomain } from '../support/upstream.ts'

const rootNs = (asked: Asked): Buffer => reply(asked, { answers: ['. 3600 NS a.root-servers.net.'] })
const answering = (asked: Asked): Buffer =>
  asked.name === '.'
    ? rootNs(asked)
    : asked.type === typeNumber('HINFO')
      ? nxdomain(asked, '.')
      : (anyAddress(asked) as Buffer)

/** A forwarder that sends all back to where it came from, until told to answer. */
async function openMirror(t: Parameters<typeof openUpstream>[0], to: Endpoint) {
  const state = { looping: true }
  const mirror = await openUpstream(
    t,
    async (asked): Promise<Answer> => {
      if (!state.looping) return answering(asked)
      const client = await UdpClient.open(to)
      client.send(asked.bytes)
      const back = await client.next(1500)
      client.close()
      return back
    },
    { scriptProbes: true },
  )
  return { mirror, state, seen: () => mirror.asked.length + mirror.probes.length }
}

/** The sentence names the upstream; lines of the start may speak of loops as well. */
const sentence = (target: string): RegExp => new RegExp(`^.*\\bloop.*${target.replaceAll('.', '\\.')}.*$`, 'im')

async function askSteadily(program: Program, perSecond: number, seconds: number, tag: string): Promise<number[]> {
  const client = await UdpClient.open(program)
  const total = perSecond * seconds
  for (let i = 0; i < total; i++) {
    client.send(query(`${tag}${i}.test`, 'A', { id: i }))
    await sleep(1000 / perSecond)
  }
  const replies = await client.collect(total, 2000)
  client.close()
  return replies.map((bytes) => bytes.readUInt8(3) & 15)
}

for (const engine of ['epoll', 'dgram']) {
  test(`${engine}: a looping upstream is found in 2 s, said, restrained, and heals`, async (t) => {
    const port = await freePort()
    const { mirror, state, seen } = await openMirror(t, { address: '127.0.0.1', port })
    const start = Date.now()
    const program = await startProgram(t, { upstreams: [mirror.target] }, { port, args: ['--udp', engine] })
    const [line] = await program.says(sentence(mirror.target), 3000)
    assert.ok(Date.now() - start < 3500, `said after ${Date.now() - start} ms, start included`)
    assert.ok(program.stdout().includes(line), 'on stdout')
    const path = program
      .stdout()
      .split('\n')
      .filter((text) => sentence(mirror.target).test(text))
    assert.equal(path.length, 1, `one sentence that names the path:\n${program.stdout()}`)
    assert.equal((await program.get('/health')).status, 200)
    assert.equal((await program.get('/ready')).status, 200)
    const metrics = await program.metrics()
    const marked = metrics.samples.filter(({ name, value }) => name.includes('loop') && value >= 1)
    assert.ok(marked.length > 0, 'metrics show it')

    const before = seen()
    const rcodes = await askSteadily(program, 60, 3, 'looping')
    assert.equal(rcodes.length, 180, 'every question is answered')
    assert.ok(
      rcodes.every((rcode) => rcode === RCODES.SERVFAIL),
      `rcodes ${[...new Set(rcodes)]}`,
    )
    assert.ok(seen() - before <= 20 * 5 + 5, `${seen() - before} messages upstream in some 5 s`)
    assert.equal((await program.get('/health')).status, 200)

    state.looping = false
    const healing = Date.now()
    for (;;) {
      const answer = await ask(program, `healed${Date.now()}.test`)
      if (answer.rcode === RCODES.NOERROR) {
        const burst = await askSteadily(program, 100, 1, 'healed')
        if (burst.every((rcode) => rcode === RCODES.NOERROR)) break
      }
      assert.ok(Date.now() - healing < 8000, 'not healed 8 s after the loop was gone')
      await sleep(100)
    }
    assert.equal(program.child.exitCode, null)
  })
}

test('an upstream that is the program itself', async (t) => {
  const port = await freePort()
  const program = await startProgram(t, { upstreams: [`127.0.0.1:${port}`] }, { port })
  await program.says(sentence(`127.0.0.1:${port}`), 3000)
  const rcodes = await askSteadily(program, 50, 1, 'self')
  assert.equal(rcodes.length, 50)
  assert.ok(rcodes.every((rcode) => rcode === RCODES.SERVFAIL))
  const metrics = await program.metrics()
  assert.ok(
    metrics.sum('dnsweir_queries_total') < 1000,
    `${metrics.sum('dnsweir_queries_total')} queries seen for 50 asked`,
  )
})

test('a loop over tcp:// is found at start as well', async (t) => {
  const port = await freePort()
  const { mirror } = await openMirror(t, { address: '127.0.0.1', port })
  const program = await startProgram(t, { upstreams: [`tcp://${mirror.target}`] }, { port })
  await program.says(sentence(mirror.target), 4000)
  assert.equal((await ask(program, 'stream.test')).rcode, RCODES.SERVFAIL)
})

test('two programs that forward to each other: both say so, and the traffic between them stays bounded', async (t) => {
  // The first starts while nobody listens at the other: only a later probe can see the loop.
  const loop = { interval: '1s' }
  const [portA, portB] = [await freePort(), await freePort()]
  const a = await startProgram(t, { upstreams: [`127.0.0.1:${portB}`], loop }, { port: portA })
  const b = await startProgram(t, { upstreams: [`127.0.0.1:${portA}`], loop }, { port: portB })
  await Promise.all([a.says(sentence(`127.0.0.1:${portB}`), 3000), b.says(sentence(`127.0.0.1:${portA}`), 3000)])
  const queries = async (): Promise<number> =>
    (await a.metrics()).sum('dnsweir_queries_total') + (await b.metrics()).sum('dnsweir_queries_total')
  const before = await queries()
  const rcodes = await askSteadily(a, 50, 1, 'pair')
  assert.deepEqual(new Set(rcodes), new Set([RCODES.SERVFAIL]))
  assert.ok((await queries()) - before < 400, `${(await queries()) - before} queries seen for 50 asked`)
})

test('a looping upstream gets no questions while another of the route works', async (t) => {
  const port = await freePort()
  const good = await openUpstream(t, answering)
  const { mirror } = await openMirror(t, { address: '127.0.0.1', port })
  const program = await startProgram(
    t,
    { upstreams: [mirror.target, good.target], forward: { policy: 'sequential' } },
    { port },
  )
  await program.says(sentence(mirror.target), 3000)
  await sleep(200)
  const before = mirror.asked.length
  const rcodes = await askSteadily(program, 100, 1, 'two')
  assert.deepEqual(
    rcodes.filter((rcode) => rcode !== 0),
    [],
  )
  assert.equal(mirror.asked.length - before, 0, 'questions at the looping upstream')
})

test('a loop that starts later is found by the probe of the interval', async (t) => {
  const port = await freePort()
  const { mirror, state } = await openMirror(t, { address: '127.0.0.1', port })
  state.looping = false
  const program = await startProgram(t, { upstreams: [mirror.target], loop: { interval: '1s' } }, { port })
  assert.equal((await ask(program, 'first.test')).rcode, RCODES.NOERROR)
  const before = program.stdout().length
  state.looping = true
  const deadline = Date.now() + 6000
  while (!sentence(mirror.target).test(program.stdout().slice(before))) {
    assert.ok(Date.now() < deadline, `not said in 6 s:\n${program.stdout()}`)
    await sleep(50)
  }
})

test('our probes are HINFO of two random 64-bit labels, another each time', async (t) => {
  const upstream = await openUpstream(t, answering)
  const program = await startProgram(t, { upstreams: [upstream.target], loop: { interval: '1s' } })
  await sleep(2300)
  const names = upstream.probes.map((one) => one.name)
  assert.ok(names.length >= 2, `${names.length} probes`)
  assert.equal(new Set(names).size, names.length)
  // Of the root, and of zones that somebody may send back to us alone.
  for (const name of names) assert.match(name, /^[0-9a-f]{16}\.[0-9a-f]{16}\.([a-z0-9.-]+\.)?$/)
  assert.ok(names.some((name) => name.length === 34) && names.some((name) => name.endsWith('.10.in-addr.arpa.')))
  // A guess, and a probe that is over, mark nothing.
  for (const name of ['0123456789abcdef.0123456789abcdef', names[0] as string]) {
    await maybeAsk(program, name, 'HINFO', { timeoutMs: 500 })
    await maybeAsk(program, name, 'HINFO', { timeoutMs: 500 })
  }
  assert.equal((await ask(program, 'still.test')).rcode, RCODES.NOERROR)
})

test('probes of CoreDNS, dnsmasq and another dnsweir pass once each: no retry, no cache, no coalescing', async (t) => {
  const first = await openUpstream(t, () => undefined)
  const second = await openUpstream(t, () => undefined)
  const program = await startProgram(t, { upstreams: [first.target, second.target] })
  const probes = [
    ['5577006791947779410.8674665223082153551', 'HINFO'],
    ['1a2b3c4d.test', 'TXT'],
    ['00112233445566ff.0123456789abcdef', 'HINFO'],
  ] as const
  const count = (name: string): number =>
    [first, second].flatMap((one) => [...one.asked, ...one.probes]).filter((one) => one.name === `${name}.`).length
  await Promise.all(probes.map(([name, type]) => maybeAsk(program, name, type, { timeoutMs: 2200 })))
  for (const [name] of probes) assert.equal(count(name), 1, name)
  first.script = (asked) => nxdomain(asked, '.')
  second.script = first.script
  for (let i = 0; i < 2; i++) {
    assert.equal((await ask(program, 'deadbeef.test', 'TXT')).rcode, RCODES.NXDOMAIN)
    assert.equal((await ask(program, '1.2', 'HINFO')).rcode, RCODES.NXDOMAIN)
  }
  assert.deepEqual([count('deadbeef.test'), count('1.2')], [2, 2], 'each sighting passes')
})

test('. NS is answered from the cache while some root upstream works, and not when none does', async (t) => {
  const upstream = await openUpstream(t, answering)
  const program = await startProgram(t, {
    upstreams: [upstream.target],
    guard: { rateLimit: { rate: '1/s', burst: 1, charge: 'all' } },
  })
  for (let i = 0; i < 20; i++) {
    const answer = await ask(program, '.', 'NS', { timeoutMs: 900 })
    assert.deepEqual([answer.rcode, answer.answers[0]?.data], [0, 'a.root-servers.net.'], 'exempt from limits')
  }
  assert.ok(upstream.count('.') <= 2, `${upstream.count('.')} of 20 went upstream`)
  const dead = await startProgram(t, { upstreams: [`127.0.0.1:${await freePort()}`] })
  await maybeAsk(dead, 'x.test', 'A', { timeoutMs: 2500 })
  assert.equal(await maybeAsk(dead, '.', 'NS', { timeoutMs: 2500 }), undefined)
})
