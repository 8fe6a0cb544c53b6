/** Reload: by SIGHUP, by a changed file, by a swapped ConfigMap; a bad file keeps the old plan. */
import { strict as assert } from 'node:assert'
import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, maybeAsk, TcpClient, UdpClient } from '../support/client.ts'
import { parse, query } from '../support/message.ts'
import { freePort } from '../support/ports.ts'
import { type Program, startProgram } from '../support/program.ts'
import { openUpstream, startScene } from '../support/scene.ts'
import { after, anyAddress } from '../support/upstream.ts'

const withRecord = (address: string): { guard: unknown } => ({
  guard: { localAnswers: { records: [`plan.test. 1 IN A ${address}`] } },
})

async function untilPlan(program: Program, address: string, timeoutMs = 5000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const answer = await maybeAsk(program, 'plan.test')
    assert.ok(answer, `no reply while the plan changes\n${program.stdout()}${program.stderr()}`)
    const plan = answer.answers[0]?.data
    if (plan === address) return
    assert.ok(Date.now() < deadline, `still ${plan} after ${timeoutMs} ms\n${program.stdout()}${program.stderr()}`)
    await sleep(30)
  }
}

for (const engine of ['epoll', 'dgram']) {
  test(`${engine}: SIGHUP swaps the plan and keeps sockets, connections and cache`, async (t) => {
    const upstream = await openUpstream(t, anyAddress)
    const upstreams = [upstream.target]
    const program = await startProgram(t, { upstreams, ...withRecord('192.0.2.1') }, { args: ['--udp', engine] })
    const tcp = await TcpClient.open(program)
    tcp.send(query('cached.test'))
    assert.ok(await tcp.next())
    await untilPlan(program, '192.0.2.1')
    for (const address of ['192.0.2.2', '192.0.2.3']) {
      program.rewrite({ upstreams, ...withRecord(address) })
      program.signal('SIGHUP')
      await untilPlan(program, address)
    }
    tcp.send(query('plan.test'))
    assert.equal(parse((await tcp.next()) as Buffer).answers[0]?.data, '192.0.2.3', 'the same connection, the new plan')
    tcp.close()
    await ask(program, 'cached.test')
    assert.equal(upstream.count('cached.test'), 1, 'the cache is kept')
  })
}

test('no query is lost while the plan is swapped again and again', async (t) => {
  const { program, upstream } = await startScene(t)
  const upstreams = [upstream.target]
  const client = await UdpClient.open(program)
  for (let round = 0; round < 15; round++) {
    program.rewrite({ upstreams, ...withRecord(`192.0.2.${round + 1}`) })
    program.signal('SIGHUP')
    for (let i = 0; i < 40; i++) {
      client.send(query(`r${round}-${i}.test`, 'A', { id: round * 40 + i }))
      if (i % 10 === 0) await sleep(5)
    }
  }
  const ids = new Set((await client.collect(600, 1500)).map((bytes) => bytes.readUInt16BE(0)))
  client.close()
  assert.equal(ids.size, 600)
  await untilPlan(program, '192.0.2.15')
})

test('a changed file is noticed without a signal, renamed or written in place', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress, withRecord('192.0.2.1'))
  const upstreams = [upstream.target]
  await untilPlan(program, '192.0.2.1')
  program.rewrite({ upstreams, ...withRecord('192.0.2.2') })
  await untilPlan(program, '192.0.2.2', 8000)
  writeFileSync(program.configFile, program.text({ upstreams, ...withRecord('192.0.2.3') }))
  await untilPlan(program, '192.0.2.3', 8000)
})

test('a file that is written slowly is taken when it is whole: empty and half it is nobody’s plan', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress, withRecord('192.0.2.1'))
  const start = program.stdout().length
  for (let round = 2; round <= 11; round++) {
    const whole = (plan: string): string => program.text({ upstreams: [upstream.target], ...withRecord(plan) })
    writeFileSync(program.configFile, whole(`192.0.2.${round + 100}`))
    program.signal('SIGHUP')
    // The reload of the first may be anywhere when the second begins.
    await sleep(25 * (round - 2))
    writeFileSync(program.configFile, '')
    await sleep(20)
    // In YAML's eyes a file may end at any line.
    writeFileSync(program.configFile, 'threads: 1\n')
    await sleep(20)
    writeFileSync(program.configFile, whole(`192.0.2.${round}`))
    await untilPlan(program, `192.0.2.${round}`, 8000)
  }
  // A plan of defaults would name the servers of the machine's own resolv.conf.
  const elsewhere = program
    .stdout()
    .slice(start)
    .split('\n')
    .filter((line) => /forwards to/.test(line) && !line.includes(upstream.target))
  assert.deepEqual(elsewhere, [])
})

test('a ConfigMap’s symlink swap is noticed', async (t) => {
  const upstream = await openUpstream(t, anyAddress)
  const upstreams = [upstream.target]
  const place = (folder: string, text: string): string => {
    mkdirSync(join(folder, '..v1'))
    writeFileSync(join(folder, '..v1', 'dnsweir.yaml'), text)
    symlinkSync('..v1', join(folder, '..data'))
    symlinkSync('..data/dnsweir.yaml', join(folder, 'dnsweir.yaml'))
    return join(folder, 'dnsweir.yaml')
  }
  const program = await startProgram(t, { upstreams, ...withRecord('192.0.2.1') }, { place })
  await untilPlan(program, '192.0.2.1')
  for (const [version, address] of [
    ['..v2', '192.0.2.2'],
    ['..v3', '192.0.2.3'],
  ] as const) {
    mkdirSync(join(program.folder, version))
    writeFileSync(join(program.folder, version, 'dnsweir.yaml'), program.text({ upstreams, ...withRecord(address) }))
    symlinkSync(version, join(program.folder, '..data_tmp'))
    renameSync(join(program.folder, '..data_tmp'), join(program.folder, '..data'))
    await untilPlan(program, address, 8000)
  }
})

test('a bad new file keeps the old plan and says why, and a good one is taken after it', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress, withRecord('192.0.2.1'))
  await untilPlan(program, '192.0.2.1')
  for (const bad of ['upstreems: [192.0.2.9]\n', 'cache: { maxSize: lots }\n', 'listen: [\n', '- a\n- list\n']) {
    const said = program.stdout().length + program.stderr().length
    writeFileSync(program.configFile, bad)
    program.signal('SIGHUP')
    const deadline = Date.now() + 5000
    while (
      program.stdout().length + program.stderr().length === said ||
      !/dnsweir\.yaml:\d+:\d+/.test(program.stdout() + program.stderr())
    ) {
      assert.ok(Date.now() < deadline, `said nothing of ${bad}\n${program.stdout()}${program.stderr()}`)
      await sleep(20)
    }
    await sleep(150)
    await untilPlan(program, '192.0.2.1', 100)
    assert.equal((await ask(program, 'still.test')).rcode, 0)
  }
  program.rewrite({ upstreams: [upstream.target], ...withRecord('192.0.2.2') })
  program.signal('SIGHUP')
  await untilPlan(program, '192.0.2.2')
})

test('new listen addresses open before old ones close', async (t) => {
  const { program, upstream } = await startScene(t)
  const second = { address: '127.0.0.1', port: await freePort() }
  const both = [`127.0.0.1:${program.port}`, `127.0.0.1:${second.port}`]
  const untilAnswered = async (at: typeof second): Promise<void> => {
    const deadline = Date.now() + 5000
    while (!(await maybeAsk(at, 'moved.test', 'A', { timeoutMs: 200 }))) {
      assert.ok(Date.now() < deadline, `nothing on the new port\n${program.stdout()}${program.stderr()}`)
    }
  }
  program.rewrite({ upstreams: [upstream.target], listen: both })
  program.signal('SIGHUP')
  await untilAnswered(second)
  assert.equal((await ask(second, 'moved.test', 'A', { transport: 'tcp' })).rcode, 0)
  assert.equal((await ask(program, 'moved.test')).rcode, 0)
  program.rewrite({ upstreams: [upstream.target], listen: [both[1]] })
  program.signal('SIGHUP')
  const deadline = Date.now() + 5000
  while (await maybeAsk(program, 'moved.test', 'A', { timeoutMs: 100 })) {
    assert.ok(Date.now() < deadline, 'the old port still answers')
  }
  await untilAnswered(second)
})

test('threads change by reload', async (t) => {
  const { program, upstream } = await startScene(t)
  for (const threads of [2, 1]) {
    program.rewrite({ upstreams: [upstream.target], threads, ...withRecord(`192.0.2.${threads}`) })
    program.signal('SIGHUP')
    await untilPlan(program, `192.0.2.${threads}`)
    for (let i = 0; i < 10; i++) assert.equal((await ask(program, `t${threads}-${i}.test`)).rcode, 0)
  }
})

test('a question in the air survives the reload that takes its upstream away', async (t) => {
  const slow = await openUpstream(t, (asked) => after(600, anyAddress(asked) as Buffer))
  const next = await openUpstream(t, anyAddress)
  const program = await startProgram(t, { upstreams: [slow.target] })
  const waiting = ask(program, 'air.test')
  const waitingTcp = ask(program, 'air2.test', 'A', { transport: 'tcp' })
  await sleep(100)
  program.rewrite({ upstreams: [next.target] })
  program.signal('SIGHUP')
  assert.equal((await waiting).answers.length, 1)
  assert.equal((await waitingTcp).answers.length, 1)
  await ask(program, 'next.test')
  assert.equal(next.count('next.test'), 1)
})

test('a reload to a port in use keeps the old plan and says why', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress, withRecord('192.0.2.1'))
  const taken = `127.0.0.1:${upstream.port}`
  program.rewrite({ upstreams: [upstream.target], listen: [taken], ...withRecord('192.0.2.2') })
  program.signal('SIGHUP')
  await program.says(new RegExp(`${taken.replaceAll('.', '\\.')}.*in use|in use.*${taken.replaceAll('.', '\\.')}`, 'i'))
  await sleep(200)
  assert.equal((await ask(program, 'plan.test')).answers[0]?.data, '192.0.2.1')
  program.rewrite({ upstreams: [upstream.target], ...withRecord('192.0.2.3') })
  program.signal('SIGHUP')
  await untilPlan(program, '192.0.2.3')
})

test('hosts files are read again', async (t) => {
  const place = (folder: string, text: string): string => {
    writeFileSync(join(folder, 'hosts'), '192.0.2.1 plan.test\n')
    writeFileSync(join(folder, 'dnsweir.yaml'), text.replace('HOSTS', join(folder, 'hosts')))
    return join(folder, 'dnsweir.yaml')
  }
  const settings = { upstreams: ['127.0.0.1:9'], guard: { localAnswers: { hosts: ['HOSTS'] } } }
  const program = await startProgram(t, settings, { place })
  await untilPlan(program, '192.0.2.1')
  writeFileSync(join(program.folder, 'hosts'), '192.0.2.2 plan.test\n')
  program.signal('SIGHUP')
  await untilPlan(program, '192.0.2.2')
})

test('thirty reloads leak no file', async (t) => {
  const { program, upstream } = await startScene(t)
  const openFiles = (): number => readdirSync(`/proc/${program.pid}/fd`).length
  const reload = async (round: number): Promise<void> => {
    program.rewrite({ upstreams: [upstream.target], ...withRecord(`192.0.2.${round}`) })
    program.signal('SIGHUP')
    await untilPlan(program, `192.0.2.${round}`)
  }
  await reload(1)
  const before = openFiles()
  for (let round = 2; round <= 31; round++) await reload(round)
  // Ports towards the upstream come and go with the load; one file left by each reload would be thirty.
  assert.ok(openFiles() <= before + 10, `${before} open files, then ${openFiles()}`)
})
