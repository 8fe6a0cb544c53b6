/** `dnsweir explain` and /api/explain: the road of one question, told by the program that would walk it. */
import { strict as assert } from 'node:assert'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExplainReport } from '../../src/app/explain.ts'
import { atEnd } from '../support/cleanup.ts'
import { ask, maybeAsk } from '../support/client.ts'
import { reply } from '../support/message.ts'
import { freePort } from '../support/ports.ts'
import { type Program, runCommand, type Settings } from '../support/program.ts'
import { type Scene, startScene } from '../support/scene.ts'
import { after, anyAddress, nxdomain, type Script } from '../support/upstream.ts'

const settings: Settings = {
  clusterDomains: ['cluster.local'],
  searchSuffixes: ['example.org'],
  loop: { interval: '10m' },
  guard: {
    acl: { allow: ['127.0.0.0/8', '10.0.0.0/8'] },
    localAnswers: { records: ['db.lan. 300 IN A 10.0.0.5'] },
    aaaaFilter: { mode: 'observe' },
  },
}

const script: Script = (asked) => {
  if (asked.name.startsWith('slow')) return after(1500, anyAddress(asked) as Buffer)
  if (asked.name.startsWith('bad')) return reply(asked, { rcode: 2 })
  return /nx|example\.org/.test(asked.name) ? nxdomain(asked) : anyAddress(asked)
}

async function explained(program: Program, parameters: Record<string, string>): Promise<ExplainReport> {
  const response = await program.get(`/api/explain?${new URLSearchParams(parameters)}`)
  const body = await response.json()
  assert.equal(response.status, 200, JSON.stringify(body))
  return body as ExplainReport
}

/** The steps that say more than `pass`, those of observers in brackets. */
function road({ steps }: ExplainReport): string {
  return steps
    .filter(({ step, verdict }) => verdict !== 'pass' && step !== 'route')
    .map(({ step, mode, verdict }) => (mode === 'observe' ? `${step}:(${verdict})` : `${step}:${verdict}`))
    .join(' ')
}

for (const args of [
  ['--udp', 'epoll'],
  ['--udp', 'dgram'],
]) {
  test(`${args.join(' ')}: each kind of step, as the program would go it`, async (t) => {
    const { program, upstream } = await startScene(t, script, settings, { args })
    const say = async (name: string, type = 'A', more = {}): Promise<string> =>
      road(await explained(program, { name, type, ...more }))
    assert.equal(await say('www.test', 'A', { client: '192.0.2.1' }), 'acl:reply reply:REFUSED')
    assert.equal(await say('db.lan'), 'localAnswers:reply reply:NOERROR')
    assert.equal(await say('a.svc.cluster.local.example.org'), 'searchSuffix:reply reply:NXDOMAIN')
    assert.equal(
      await say('a.svc.cluster.local.example.org', 'A', { do: '1' }),
      'cache:miss upstream:ask reply:unknown',
    )
    assert.equal(await say('x.com.example.org'), 'cut:probe cache:miss upstream:ask reply:unknown')
    assert.equal(await say('www.test', 'AAAA'), 'aaaaFilter:(ask) cache:miss upstream:ask reply:unknown')
    assert.equal(await say('www.test', 'ANY'), 'question:error reply:NOERROR')
    assert.equal(await say('.', 'NS'), 'probe:exempt cache:miss upstream:ask reply:unknown')
    const isJunk = ({ name }: { name: string }): boolean => !/^([0-9a-f]{16}\.|\.$)/.test(name)
    assert.deepEqual(upstream.asked.filter(isJunk), [], 'nobody was asked')

    for (const name of ['www.test', 'nx.test', 'bad.test']) await ask(program, name)
    for (const label of ['a', 'b', 'c', 'd']) await ask(program, `${label}.com.example.org`)
    assert.equal(await say('www.test'), 'cache:hit reply:NOERROR')
    assert.equal(await say('nx.test', 'MX'), 'cache:negative reply:NXDOMAIN')
    assert.equal(await say('bad.test'), 'cache:failure reply:SERVFAIL')
    assert.equal(await say('x.com.example.org'), 'cut:reply reply:NXDOMAIN')
    const slow = maybeAsk(program, 'slow.test')
    await sleep(300)
    assert.equal(await say('slow.test'), 'cache:miss upstream:join reply:unknown')
    await slow
  })
}

test('the reply is the one that the client then gets, and says by whom', async (t) => {
  const { program } = await startScene(t, script, settings)
  await ask(program, 'www.test')
  await ask(program, 'nx.test')
  for (const name of ['db.lan', 'a.svc.cluster.local.example.org', 'www.test', 'nx.test', 'x.onion']) {
    const { reply: told, decidedBy } = await explained(program, { name })
    const got = await ask(program, name, 'A', { edns: {} })
    assert.equal(told.rcode, got.rcode === 3 ? 'NXDOMAIN' : 'NOERROR', name)
    assert.deepEqual([told.answer?.length, told.authority?.length], [got.answers.length, got.authority.length], name)
    assert.equal(told.size, got.bytes.length, name)
    const option = got.edns?.options.find(({ code }) => code === 15)
    assert.equal(told.ede?.text, option?.data.toString('latin1', 2), name)
    if (told.source === 'rule' && told.ede !== null) assert.ok(told.ede?.text.startsWith(`${decidedBy}: `), name)
  }
  const { reply: told } = await explained(program, { name: 'DB.lan', tcp: '1' })
  assert.deepEqual(told.answer, ['DB.lan. 300 IN A 10.0.0.5'])
  assert.deepEqual([told.ttl, told.source, told.flags?.join(' ')], [300, 'rule', 'qr aa rd ra'])
})

test('1,000 explanations change no number of /metrics, and no upstream hears of them', async (t) => {
  const { program, upstream } = await startScene(t, script, settings)
  for (const name of ['www.test', 'nx.test', 'a.com.example.org']) await ask(program, name)
  // Probes of wildcards and loops are over by then.
  await sleep(1500)
  const numbers = async (): Promise<string> => {
    const { samples } = await program.metrics()
    return samples
      .filter(({ name }) => name.startsWith('dnsweir_'))
      .map(({ name, labels, value }) => `${name} ${JSON.stringify(labels)} ${value}`)
      .join('\n')
  }
  const before = await numbers()
  const asked = upstream.asked.length + upstream.probes.length
  const names = ['www.test', 'nx.test', 'new.test', 'a.svc.cluster.local.example.org', 'y.net.example.org', 'db.lan']
  for (let round = 0; round < 100; round++) {
    await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        explained(program, { name: names[(round + i) % names.length] as string, type: i % 2 === 0 ? 'A' : 'AAAA' }),
      ),
    )
  }
  assert.equal(upstream.asked.length + upstream.probes.length, asked)
  assert.equal(await numbers(), before)
})

test('parameters are checked: 400 and a sentence', async (t) => {
  const { program } = await startScene(t, script, settings)
  const bad: Record<string, RegExp> = {
    '': /^name is missing/,
    'name=': /^name is missing/,
    'name=a..b': /^"a\.\.b" is no domain name$/,
    [`name=${'x'.repeat(64)}.test`]: /is no domain name$/,
    'name=%00': /^"\\000" is no domain name$/,
    'name=a\\999': /is no domain name$/,
    'name=a.test&type=AAA': /^"AAA" is no record type; did you mean AAAA\?$/,
    'name=a.test&type=TYPE99999': /is no record type/,
    'name=a.test&client=10.0.0': /^"10\.0\.0" is no IP address/,
    'name=a.test&client=fe80::1%25eth0': /is no IP address/,
    'name=a.test&do=yes': /^do is 1 or 0$/,
    'name=a.test&name=b.test': /^name is there more than once$/,
    'name=a.test&port=53': /"port" is none of them$/,
  }
  for (const [parameters, sentence] of Object.entries(bad)) {
    const response = await program.get(`/api/explain?${parameters}`)
    const { error } = (await response.json()) as { error: string }
    assert.equal(response.status, 400, parameters)
    assert.match(error, sentence, parameters)
  }
  const long = await program.get(`/api/explain?name=${'a'.repeat(9000)}`)
  assert.ok(long.status >= 400 && long.status < 500)
  const odd = await explained(program, {
    name: 'A\\.b\\255.xn--bcher-kva.test.',
    type: 'type65',
    client: '2001:db8::1',
  })
  assert.deepEqual(
    [odd.question.name, odd.question.type, odd.client],
    ['A\\.b\\255.xn--bcher-kva.test.', 'HTTPS', '2001:db8::1'],
  )
  assert.equal((await explained(program, { name: 'bücher.test' })).question.name, 'xn--bcher-kva.test.')
})

test('with several shards it says whose cache it is', async (t) => {
  const { program } = await startScene(t, script, { ...settings, threads: 2 }, { args: ['--udp', 'epoll'] })
  const { shard, shards } = await explained(program, { name: 'www.test' })
  assert.deepEqual([shard, shards], [0, 2])
  const { stdout } = await runCommand(['explain', 'www.test', '--admin', `127.0.0.1:${program.adminPort}`])
  assert.match(stdout, /^dnsweir .*as shard 0 of 2 knows them$/m)
})

test('the command prints a line a step, then the reply as dig does', async (t) => {
  const { program } = await startScene(t, script, settings)
  const junk = 'a.svc.cluster.local.example.org'
  const run = async (...args: string[]) => runCommand(['explain', ...args, '--config', program.configFile])
  const { code, stdout, stderr } = await run(junk, 'aaaa', '--client', '10.0.0.5')
  assert.deepEqual([code, stderr], [0, ''])
  assert.match(stdout, /^a\.svc\.cluster\.local\.example\.org\. AAAA, asked by 10\.0\.0\.5$/m)
  assert.match(stdout, /^acl {11}pass {6}10\.0\.0\.5 is in allow \(10\.0\.0\.0\/8\)$/m)
  assert.match(stdout, /^searchSuffix {2}reply {5}cluster\.local stands before example\.org\./m)
  assert.match(stdout, /^;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN$/m)
  assert.match(stdout, /^; EDE: 15 \(blocked\): \(searchSuffix: /m)
  assert.match(stdout, /^;; AUTHORITY SECTION:\ncluster\.local\.example\.org\. 30 IN SOA /m)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  assert.doesNotMatch(stdout, /\x1b/, 'no colour where nobody looks')
  const json = JSON.parse((await run('--json', junk, 'MX', '--do', '--cd', '--tcp')).stdout) as ExplainReport
  assert.deepEqual(json.question, { name: `${junk}.`, type: 'MX', do: true, cd: true })
  assert.deepEqual([json.transport, json.program], ['tcp', 'running'])
  assert.match((await run('\\065\\.b.test.')).stdout, /^A\\\.b\.test\. A, asked by 127\.0\.0\.1$/m)
})

test('what can not be explained is said in one sentence: 2 for what is asked, 1 for nobody there', async (t) => {
  const { program } = await startScene(t, script, settings)
  const admin = ['--admin', `127.0.0.1:${program.adminPort}`]
  const nowhere = ['--admin', `127.0.0.1:${await freePort()}`]
  const stranger = ['--admin', `127.0.0.1:${await strangerPort(t)}`]
  const table: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['a..b', ...admin], 2, /^dnsweir: "a\.\.b" is no domain name\n$/],
    [['a.test', 'AAA', ...admin], 2, /^dnsweir: "AAA" is no record type; did you mean AAAA\?\n$/],
    [
      ['a.test', '--client', 'localhost', ...admin],
      2,
      /^dnsweir: "localhost" is no IP address, and a client has one\n$/,
    ],
    [['a.test', '--admin', 'localhost'], 2, /^dnsweir: --admin "localhost": `localhost` is not an IP address\n$/],
    [
      ['a.test', '--config', join(program.folder, 'none.yaml')],
      2,
      /^dnsweir: .*none\.yaml can't be read: there is no such file\n$/,
    ],
    [[], 2, /missing required argument 'name'/],
    [
      ['a.test', ...nowhere],
      1,
      /^dnsweir: no dnsweir answers at 127\.0\.0\.1:\d+ \(nothing listens there\): .* use --offline\n$/,
    ],
    [
      ['a.test', ...stranger],
      1,
      /^dnsweir: what answers at 127\.0\.0\.1:\d+ is no dnsweir that can explain \(status 200\)\n$/,
    ],
  ]
  for (const [args, exit, sentence] of table) {
    const { code, stdout, stderr } = await runCommand(['explain', ...args])
    assert.equal(code, exit, args.join(' '))
    assert.match(stderr, sentence)
    assert.equal(stdout, '')
  }
})

test('--offline walks the plan of a configuration, and nobody is asked', async (t) => {
  const { program, upstream }: Scene = await startScene(t, script, settings)
  const run = async (...args: string[]) => runCommand(['explain', ...args, '--offline', '--config', program.configFile])
  const junk = await run('a.svc.cluster.local.example.org')
  assert.match(junk.stdout, /^dnsweir \S+, no program asked: /m)
  assert.match(junk.stdout, /status: NXDOMAIN/)
  const miss = await run('www.test', 'AAAA')
  assert.match(miss.stdout, /^cache +unknown +no program was asked/m)
  assert.match(miss.stdout, /^aaaaFilter +\(ask\) +only observes, so without effect: /m)
  assert.match(miss.stdout, new RegExp(`^upstream +ask +policy fastest: ${upstream.target}$`, 'm'))
  assert.equal(upstream.count('www.test'), 0)
  const bad = await run('a..b')
  assert.deepEqual([bad.code, bad.stderr], [2, 'dnsweir: "a..b" is no domain name\n'])
})

/** Somebody else's HTTP server. */
async function strangerPort(t: TestContext): Promise<number> {
  const server = createServer((_request, response) => response.end('hello'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  atEnd(t, () => server.close())
  return (server.address() as AddressInfo).port
}
