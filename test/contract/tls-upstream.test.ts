/** DNS over TLS to upstreams (RFC 7858, RFC 8310): the strict profile, padding, resumption, and what goes wrong. */
import { strict as assert } from 'node:assert'
import { copyFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, UdpClient } from '../support/client.ts'
import { type Message, parse, query, RCODES, reply } from '../support/message.ts'
import { skipWithout, startUnbound } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { startProgram } from '../support/program.ts'
import { type Authority, type Certificate, makeAuthority, startTlsUpstream, type TlsScript } from '../support/tls.ts'

const skip = skipWithout('openssl')
const names = 'DNS:dns.test,IP:127.0.0.1'

const isProbe = (asked: Message): boolean => /^[0-9a-f]{16}\./.test(asked.questions[0]?.name ?? '')
const answers: TlsScript = (asked, send) => {
  const name = asked.questions[0]?.name
  send(reply(asked, isProbe(asked) ? { rcode: RCODES.NXDOMAIN } : { answers: [`${name} 60 A 192.0.2.1`] }))
}

async function scene(t: TestContext, script: TlsScript = answers, target = '#dns.test', authority = makeAuthority(t)) {
  const upstream = await startTlsUpstream(t, authority.issue(names), script)
  const upstreams = [`tls://127.0.0.1:${upstream.port}${target}`]
  const program = await startProgram(t, { upstreams, forward: { ca: authority.certFile } })
  return { upstream, program, authority, upstreams }
}

for (const [what, target, sni] of [
  ['by its name', '#dns.test', 'dns.test'],
  ['by its address', '', false],
] as const) {
  test(`an upstream over TLS is known ${what}, and asked in padded questions`, { skip }, async (t) => {
    const { upstream, program } = await scene(t, answers, target)
    for (let i = 0; i < 20; i++) {
      const got = await ask(program, `${'x'.repeat(i + 1)}.Test`, 'A', { edns: { size: 1232 } })
      assert.deepEqual([got.rcode, got.answers[0]?.data], [0, '192.0.2.1'])
    }
    assert.equal(upstream.sockets[0]?.servername, sni)
    assert.equal(upstream.sockets[0]?.alpnProtocol, 'dot')
    // Loop probes are sent without EDNS, and their length tells nothing.
    const questions = upstream.messages.filter((message) => !isProbe(parse(message)))
    assert.ok(questions.length >= 20)
    for (const { length } of questions) assert.equal(length % 128, 0, `${length} octets (RFC 8467)`)
    // It is there for the eye of a third party alone.
    const padded = await ask(program, 'x.test', 'A', { edns: { size: 1232 } })
    assert.deepEqual(padded.edns?.options ?? [], [])
  })
}

test('answers come in any order on one connection, and none is taken for another', { skip }, async (t) => {
  const held: (() => void)[] = []
  const { upstream, program } = await scene(t, (asked, send) => {
    if (isProbe(asked)) return answers(asked, send, undefined as never)
    const number = asked.questions[0]?.name.split('.')[0]
    held.push(() => send(reply(asked, { answers: [`${asked.questions[0]?.name} 60 A 192.0.2.${number}`] })))
    if (held.length === 20) for (const one of held.reverse()) one()
  })
  const got = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(program, `${i}.test`, 'A')))
  assert.deepEqual(
    got.map((one) => one.answers[0]?.data),
    got.map((_, i) => `192.0.2.${i}`),
  )
  assert.equal(upstream.sockets.length, 1)
})

test('a connection that dies with 50 questions open: they are asked again, and the session is resumed', {
  skip,
}, async (t) => {
  let deaths = 0
  const { upstream, program } = await scene(t, (asked, send, socket) => {
    const open = asked.questions[0]?.name.startsWith('q') ?? false
    if (!open) return answers(asked, send, socket)
    if (deaths === 0) {
      deaths++
      setTimeout(() => socket.destroy(), 50)
    }
    if (socket === upstream.sockets[0]) return
    answers(asked, send, socket)
  })
  assert.equal((await ask(program, 'first.test')).rcode, 0)
  const client = await UdpClient.open(program)
  t.after(() => client.close())
  for (let i = 0; i < 50; i++) client.send(query(`q${i}.test`, 'A', { id: i }))
  const got = (await client.collect(50, 4000)).map(parse)
  assert.deepEqual(new Set(got.filter(({ rcode }) => rcode === 0).map(({ id }) => id)).size, 50)
  assert.ok(upstream.sockets.length >= 2)
  assert.equal(upstream.sockets[1]?.isSessionReused(), true)
})

const wrongs: readonly [string, (ca: Authority, t: TestContext) => Certificate, RegExp][] = [
  ['for another name', (ca) => ca.issue('DNS:other.test'), /its certificate is not for dns\.test/],
  ['of somebody unknown', (_, t) => makeAuthority(t, 'another').issue(names), /nobody whom we trust vouches for its/],
  ['that has expired', (ca) => ca.issue(names, ['-days', '-1']), /its certificate has expired/],
]
for (const [what, issue, sentence] of wrongs) {
  test(`a certificate ${what}: nothing is asked, one sentence says why, the next upstream answers`, {
    skip,
  }, async (t) => {
    const authority = makeAuthority(t)
    const forward = { ca: authority.certFile, policy: 'sequential' }
    const bad = await startTlsUpstream(t, issue(authority, t), answers)
    const target = `tls://127.0.0.1:${bad.port}#dns.test`
    const program = await startProgram(t, { upstreams: [target], forward })
    for (let i = 0; i < 3; i++) assert.equal((await ask(program, `n${i}.test`)).rcode, RCODES.SERVFAIL)
    await program.says(sentence)
    await sleep(300)
    assert.equal(program.stdout().match(/is asked nothing/g)?.length, 1)
    const good = await startTlsUpstream(t, authority.issue(names), answers)
    program.rewrite({ upstreams: [target, `tls://127.0.0.1:${good.port}#dns.test`], forward })
    await program.says(/forwards to .*, tls/)
    assert.equal((await ask(program, 'good.test')).rcode, 0)
    assert.equal(bad.octets(), 0, 'not an octet, in clear or not')
  })
}

test('a server that speaks no TLS: the sentence says so, and it hears nothing that is DNS', { skip }, async (t) => {
  const heard: Buffer[] = []
  const port = await freePort()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      heard.push(chunk)
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
  }).listen(port, '127.0.0.1')
  t.after(() => server.close())
  const program = await startProgram(t, { upstreams: [`tls://127.0.0.1:${port}#dns.test`] }, { careless: true })
  const secret = 'a-name-that-nobody-shall-see.test'
  assert.equal((await ask(program, secret)).rcode, RCODES.SERVFAIL)
  await program.says(/is asked nothing: TLS fails/)
  assert.ok(heard.length > 0)
  assert.equal(Buffer.concat(heard).includes('a-name-that-nobody-shall-see'), false)
})

test('the file of authorities is read again when it changes, and a broken one keeps the old', { skip }, async (t) => {
  const [old, fresh] = [makeAuthority(t, 'old'), makeAuthority(t, 'fresh')]
  const upstream = await startTlsUpstream(t, fresh.issue(names), answers)
  let ca = ''
  const settings = (): Record<string, unknown> => ({
    upstreams: [`tls://127.0.0.1:${upstream.port}#dns.test`],
    forward: { ca },
    cache: { failureTtl: '1s' },
  })
  const program = await startProgram(t, settings(), {
    careless: true,
    place(folder, text) {
      ca = join(folder, 'ca.pem')
      copyFileSync(old.certFile, ca)
      const file = join(folder, 'dnsweir.yaml')
      writeFileSync(file, text.replace(/"?ca"?: ""/, `ca: "${ca}"`))
      return file
    },
  })
  assert.equal((await ask(program, 'a.test')).rcode, RCODES.SERVFAIL)
  writeFileSync(ca, 'no certificate')
  await program.says(/has no certificate in it/, 10_000)
  copyFileSync(fresh.certFile, ca)
  for (let i = 0; ; i++) {
    if ((await ask(program, `b${i}.test`)).rcode === 0) break
    assert.ok(i < 50, 'the new authority is trusted within 5 s')
    await sleep(100)
  }
})

test('real unbound as upstream over TLS', { skip: skipWithout('openssl', 'unbound') }, async (t) => {
  const authority = makeAuthority(t)
  const { certFile, keyFile } = authority.issue(names)
  const port = await freePort()
  const unbound = await startUnbound(t, [
    `interface: 127.0.0.1@${port}`,
    `tls-port: ${port}`,
    `tls-service-key: "${keyFile}"`,
    `tls-service-pem: "${certFile}"`,
    'local-zone: "test." static',
    'local-data: "test. 60 SOA ns.test. root.test. 1 2 3 4 20"',
    'local-data: "box.test. 300 A 192.0.2.10"',
  ])
  assert.ok(unbound.port !== port)
  const program = await startProgram(t, {
    upstreams: [`tls://127.0.0.1:${port}#dns.test`],
    forward: { ca: authority.certFile },
  })
  assert.equal((await ask(program, 'box.test')).answers[0]?.data, '192.0.2.10')
  assert.equal((await ask(program, 'none.test')).rcode, RCODES.NXDOMAIN)
})
