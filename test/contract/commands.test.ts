/** Commands, exit codes and what the program says at its start (DESIGN 6). */
import { strict as assert } from 'node:assert'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, TcpClient } from '../support/client.ts'
import { RCODES } from '../support/message.ts'
import { freePort } from '../support/ports.ts'
import { runCommand, startProgram, temporaryFolder, yaml } from '../support/program.ts'
import { startScene } from '../support/scene.ts'
import { after, anyAddress } from '../support/upstream.ts'

function configFile(t: TestContext, text: string): string {
  const file = join(temporaryFolder(t), 'dnsweir.yaml')
  writeFileSync(file, text)
  return file
}

const BAD = `listen: [127.0.0.1:1053]
upstream: [192.0.2.1]
cache:
  maxSize: lots
  minTtl: 2h
guard:
  searchSuffix: { mode: sometimes }
forward: { attempts: 1000 }
`

for (const command of ['serve', 'check']) {
  test(`${command}: a bad configuration is exit 2, with every problem at its place`, async (t) => {
    const file = configFile(t, BAD)
    const { code, stdout, stderr } = await runCommand([command, '--config', file])
    const said = stdout + stderr
    assert.equal(code, 2, said)
    for (const place of ['2:1', '4:12', '7:25', '8:22'])
      assert.ok(said.includes(`${file}:${place}:`), `${place}\n${said}`)
    assert.match(said, /\bupstreams\b/, 'the nearest known key is suggested')
    assert.match(said, /upstream: \[192\.0\.2\.1\]\n *(\S+ +\| *)?\^/, 'the line, and a caret below it')
    assert.doesNotMatch(said, /^\s+at /m, 'no stack trace')
  })
}

test('serve: a file that is not there, or not YAML, is exit 2 and one clear message', async (t) => {
  const missing = await runCommand(['serve', '--config', '/nonexistent/dnsweir.yaml'])
  assert.equal(missing.code, 2, missing.stderr)
  assert.match(missing.stdout + missing.stderr, /\/nonexistent\/dnsweir\.yaml/)
  assert.doesNotMatch(missing.stdout + missing.stderr, /^\s+at /m)
  const file = configFile(t, 'listen: [127.0.0.1:1053\ncache: {\n')
  const broken = await runCommand(['serve', '--config', file])
  assert.equal(broken.code, 2)
  assert.match(broken.stdout + broken.stderr, /dnsweir\.yaml:\d+:\d+:/)
})

test('check: a good configuration is exit 0', async (t) => {
  const { code, stdout, stderr } = await runCommand(['check', '--config', configFile(t, 'listen: [127.0.0.1:1053]\n')])
  assert.equal(code, 0, stdout + stderr)
  assert.match(stdout, /\bok\b/i)
})

test('schema: prints a JSON schema that knows the settings', async () => {
  const { code, stdout } = await runCommand(['schema'])
  assert.equal(code, 0)
  const schema = JSON.parse(stdout)
  assert.match(schema.$schema, /draft-07/)
  for (const key of ['listen', 'upstreams', 'routes', 'cache', 'guard', 'loop', 'admin']) {
    assert.ok(key in schema.properties, key)
  }
})

test('an unknown command or flag is an error, not a server', async () => {
  for (const args of [['sevre'], ['serve', '--confg', 'x'], ['serve', '--udp', 'carrier-pigeon']]) {
    const { code } = await runCommand(args)
    assert.ok(typeof code === 'number' && code !== 0, `${args} → ${code}`)
  }
  const bad = await runCommand(['serve', '--listen', '127.0.0.1:99999'])
  assert.equal(bad.code, 2)
  assert.match(bad.stdout + bad.stderr, /--listen/)
})

test('a port in use is exit 2 and one sentence that names the address', async (t) => {
  const port = await freePort()
  const adminPort = await freePort()
  const settings = {
    listen: [`127.0.0.1:${port}`],
    admin: { listen: `127.0.0.1:${adminPort}` },
    upstreams: ['127.0.0.9'],
  }
  const file = configFile(t, yaml(settings))
  const refused = async (how: string, at = port): Promise<void> => {
    const { code, stdout, stderr } = await runCommand(['serve', '--config', file])
    assert.equal(code, 2, `${how}: ${stdout}${stderr}`)
    assert.ok((stdout + stderr).includes(`127.0.0.1:${at}`), `${how}: ${stdout}${stderr}`)
    assert.doesNotMatch(stdout + stderr, /^\s+at /m, how)
  }
  const udp = createSocket('udp4').bind(port, '127.0.0.1')
  await once(udp, 'listening')
  await refused('UDP taken')
  udp.close()
  const reused = createSocket({ type: 'udp4', reuseAddr: true }).bind(port, '127.0.0.1')
  await once(reused, 'listening')
  await refused('UDP taken with SO_REUSEADDR')
  reused.close()
  const tcp = createServer().listen(port, '127.0.0.1')
  await once(tcp, 'listening')
  await refused('TCP taken')
  tcp.close()
  const admin = createServer().listen(adminPort, '127.0.0.1')
  await once(admin, 'listening')
  await refused('admin taken', adminPort)
  admin.close()
  await startProgram(t, { upstreams: settings.upstreams }, { port })
  const otherAdmin = configFile(t, yaml({ ...settings, admin: { listen: `127.0.0.1:${await freePort()}` } }))
  const second = await runCommand(['serve', '--config', otherAdmin])
  assert.equal(second.code, 2, `another dnsweir: ${second.stdout}${second.stderr}`)
  assert.ok((second.stdout + second.stderr).includes(`127.0.0.1:${port}`))
})

test('an address that does not exist is exit 2 and one sentence', async (t) => {
  const port = await freePort()
  for (const listen of [`203.0.113.99:${port}`, `[2001:db8::99]:${port}`]) {
    const file = configFile(t, yaml({ listen: [listen], admin: { listen: `127.0.0.1:${await freePort()}` } }))
    const { code, stdout, stderr } = await runCommand(['serve', '--config', file])
    assert.equal(code, 2, stdout + stderr)
    assert.ok((stdout + stderr).includes(listen), stdout + stderr)
    assert.doesNotMatch(stdout + stderr, /^\s+at /m)
  }
})

test('without a reachable upstream it starts, answers what it can alone, and SERVFAIL with EDE 22 or 23', async (t) => {
  const program = await startProgram(t, {
    upstreams: [`127.0.0.1:${await freePort()}`],
    searchSuffixes: ['example.org'],
    guard: { localAnswers: { records: ['here.test. 60 IN A 192.0.2.5'] } },
  })
  assert.equal((await ask(program, 'here.test')).answers[0]?.data, '192.0.2.5')
  assert.equal((await ask(program, 'a.svc.cluster.local.example.org')).rcode, RCODES.NXDOMAIN)
  for (const transport of ['udp', 'tcp'] as const) {
    const failed = await ask(program, `far-${transport}.test`, 'A', { transport, edns: {} })
    assert.equal(failed.rcode, RCODES.SERVFAIL)
    assert.ok(
      failed.edns?.ede.some((code) => code === 22 || code === 23),
      `EDE ${failed.edns?.ede}`,
    )
  }
  const plain = await ask(program, 'plain.test')
  assert.deepEqual([plain.rcode, plain.edns], [RCODES.SERVFAIL, undefined], 'no OPT where none was asked')
})

for (const engine of ['epoll', 'dgram']) {
  test(`--udp ${engine}: the first lines name listeners, upstreams, rules and the engine`, async (t) => {
    const { program, upstream } = await startScene(t, anyAddress, {}, { args: ['--udp', engine] })
    await program.says(new RegExp(`127\\.0\\.0\\.1:${program.port}\\b`))
    await program.says(new RegExp(`127\\.0\\.0\\.1:${upstream.port}\\b`))
    for (const rule of ['acl', 'rateLimit', 'localAnswers', 'searchSuffix']) await program.says(new RegExp(rule))
    await program.says(new RegExp(`\\b${engine}\\b`))
    assert.equal((await ask(program, 'a.test')).answers.length, 1)
    assert.equal((await ask(program, 'a.test', 'A', { transport: 'tcp' })).answers.length, 1)
  })
}

test('flags stand in for the file', async (t) => {
  const { program, upstream } = await startScene(t)
  const port = await freePort()
  const second = await startProgram(
    t,
    { upstreams: ['127.0.0.1:9'] },
    { port, args: ['--upstream', upstream.target, '--listen', `127.0.0.1:${port}`] },
  )
  assert.equal((await ask(second, 'flag.test')).rcode, RCODES.NOERROR)
  assert.notEqual(second.port, program.port)
})

test('SIGTERM drains: what waits is answered, /ready says 503 meanwhile, exit 0', async (t) => {
  const { program } = await startScene(t, (asked) => after(700, anyAddress(asked) as Buffer), {}, { careless: true })
  const waiting = ask(program, 'slow.test')
  const waitingTcp = ask(program, 'slower.test', 'A', { transport: 'tcp' })
  await sleep(150)
  program.signal('SIGTERM')
  await sleep(100)
  assert.equal((await program.get('/ready')).status, 503)
  assert.equal((await waiting).answers.length, 1)
  assert.equal((await waitingTcp).answers.length, 1)
  assert.equal(await program.ended(), 0)
})

test('SIGTERM with nothing under way ends it at once, SIGINT too', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { program } = await startScene(t, anyAddress, {}, { careless: true })
    const start = Date.now()
    program.signal(signal)
    assert.equal(await program.ended(), 0, signal)
    assert.ok(Date.now() - start < 2000, `${signal} took ${Date.now() - start} ms`)
  }
})

test('SIGTERM with a silent upstream and an idle stream: the waiting one is answered, and it ends within its deadline', async (t) => {
  const { program } = await startScene(t, () => undefined, {}, { careless: true })
  const idle = await TcpClient.open(program)
  const waiting = ask(program, 'silent.test')
  await sleep(100)
  const start = Date.now()
  program.signal('SIGTERM')
  assert.equal((await waiting).rcode, RCODES.SERVFAIL)
  assert.equal(await program.ended(), 0)
  assert.ok(Date.now() - start < 4000, `took ${Date.now() - start} ms`)
  idle.close()
})

test('nobody reads its output: it serves on', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress, {}, { careless: true })
  program.child.stdout?.destroy()
  program.child.stderr?.destroy()
  for (let round = 0; round < 3; round++) {
    program.rewrite({ upstreams: [upstream.target] })
    program.signal('SIGHUP')
    await sleep(300)
    assert.equal((await ask(program, `deaf${round}.test`)).rcode, RCODES.NOERROR)
  }
  assert.equal(program.child.exitCode, null)
})
