/** localAnswers: the operator's own records, hosts files, and the load-test role. */
import { strict as assert } from 'node:assert'
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, maybeAsk } from '../support/client.ts'
import { RCODES, reply, TYPES } from '../support/message.ts'
import { runTool, skipWithout } from '../support/peers.ts'
import { assertBooksBalance, startProgram, temporaryFolder } from '../support/program.ts'
import { startScene } from '../support/scene.ts'
import { type Asked, anyAddress } from '../support/upstream.ts'

test('records in zone-file syntax answer for their name, in any letter case', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress, {
    guard: {
      localAnswers: {
        records: [
          'db.lan. 300 IN A 10.0.0.5',
          'db.lan. 300 IN A 10.0.0.6',
          'db.lan. 300 IN AAAA fd00::5',
          'www.lan. 60 IN CNAME db.lan.',
          'mail.lan. 60 IN MX 10 db.lan.',
          '_http._tcp.lan. 60 IN SRV 1 2 80 db.lan.',
          'txt.lan. 60 IN TXT "hello world"',
          'only4.lan. 60 IN A 10.0.0.7',
          '*.wild.lan. 60 IN A 10.0.0.8',
        ],
      },
    },
  })
  const data = async (name: string, type = 'A'): Promise<string[]> => {
    const answer = await ask(program, name, type)
    assert.equal(answer.rcode, RCODES.NOERROR, name)
    return answer.answers.map((rr) => rr.data).sort()
  }
  assert.deepEqual(await data('DB.lan'), ['10.0.0.5', '10.0.0.6'])
  assert.deepEqual(await data('db.lan', 'AAAA'), ['fd00::5'])
  assert.deepEqual(await data('mail.lan', 'MX'), ['10 db.lan.'])
  assert.deepEqual(await data('_http._tcp.lan', 'SRV'), ['1 2 80 db.lan.'])
  assert.deepEqual(await data('txt.lan', 'TXT'), ['0b68656c6c6f20776f726c64'])
  assert.deepEqual(await data('a.wild.lan'), ['10.0.0.8'])
  assert.ok((await data('www.lan')).includes('db.lan.'), 'the alias is told')
  const nodata = await ask(program, 'only4.lan', 'AAAA')
  assert.deepEqual([nodata.rcode, nodata.answers.length], [RCODES.NOERROR, 0])
  assert.equal(nodata.authority[0]?.type, TYPES['SOA'])
  assert.equal(upstream.asked.length, 0, 'no question went upstream')
  await ask(program, 'other.lan')
  assert.equal(upstream.count('other.lan'), 1, 'names without a record are forwarded')
})

test('local answers hold with DO and CD, and never set AD (FIELD 3.6)', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress, {
    guard: { localAnswers: { records: ['db.lan. 300 IN A 10.0.0.5'] } },
  })
  for (const parts of [{ cd: true }, { edns: { dnssecOk: true } }, { ad: true }]) {
    const answer = await ask(program, 'db.lan', 'A', parts)
    assert.deepEqual([answer.answers[0]?.data, answer.ad], ['10.0.0.5', false])
  }
  assert.equal(upstream.asked.length, 0)
})

test('hosts files', async (t) => {
  const file = join(temporaryFolder(t), 'hosts')
  writeFileSync(file, '# comment\n10.1.1.1 printer.lan printer\nfd00::1\tprinter.lan # v6\nnot an address\n')
  const { program, upstream } = await startScene(t, anyAddress, { guard: { localAnswers: { hosts: [file] } } })
  assert.equal((await ask(program, 'printer.lan')).answers[0]?.data, '10.1.1.1')
  assert.equal((await ask(program, 'PRINTER')).answers[0]?.data, '10.1.1.1')
  assert.equal((await ask(program, 'printer.lan', 'AAAA')).answers[0]?.data, 'fd00::1')
  assert.equal(upstream.asked.length, 0)
})

test('a change of a hosts file alone is a reload: written in place, renamed, and behind a link that is swapped', async (t) => {
  const folder = temporaryFolder(t)
  const plain = join(folder, 'hosts')
  const linked = join(folder, 'linked')
  const write = (version: string, address: string): string => {
    mkdirSync(join(folder, version))
    writeFileSync(join(folder, version, 'hosts'), `${address} linked.lan\n`)
    return version
  }
  writeFileSync(plain, '10.1.1.1 printer.lan\n')
  symlinkSync(write('..v1', '10.2.1.1'), join(folder, '..data'))
  symlinkSync('..data/hosts', linked)
  const { program, upstream } = await startScene(t, anyAddress, { guard: { localAnswers: { hosts: [plain, linked] } } })
  const until = async (name: string, address: string): Promise<void> => {
    const end = performance.now() + 10_000
    while ((await ask(program, name)).answers[0]?.data !== address) {
      assert.ok(performance.now() < end, `${name} became ${address}`)
      await sleep(50)
    }
  }
  await until('printer.lan', '10.1.1.1')
  writeFileSync(plain, '10.1.1.2 printer.lan\n')
  await until('printer.lan', '10.1.1.2')
  writeFileSync(join(folder, 'new'), '10.1.1.3 printer.lan\n')
  renameSync(join(folder, 'new'), plain)
  await until('printer.lan', '10.1.1.3')
  await until('linked.lan', '10.2.1.1')
  symlinkSync(write('..v2', '10.2.1.2'), join(folder, '..data_tmp'))
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  await until('linked.lan', '10.2.1.2')
  assert.equal(upstream.asked.length, 0)
})

test('an alias that leads away, asked by dig', { skip: skipWithout('dig') }, async (t) => {
  const script = (asked: Asked): Buffer =>
    asked.name.startsWith('gone')
      ? reply(asked, {
          rcode: RCODES.NXDOMAIN ?? 3,
          authority: ['example.org 60 SOA ns.example.org root.example.org 1 2 3 4 60'],
        })
      : reply(asked, { answers: asked.type === TYPES['A'] ? [`${asked.name} 30 A 192.0.2.7`] : [] })
  const records = [
    'www.lan. 60 CNAME Example.org.',
    'web.lan. 60 CNAME www.lan.',
    'gone.lan. 60 CNAME gone.example.org.',
    '*.wild.lan. 60 CNAME x.example.org.',
    'raw.lan. 60 TYPE65280 \\# 3 abcdef',
  ]
  const { program, upstream } = await startScene(t, script, { guard: { localAnswers: { records } } })
  const dig = async (...args: string[]): Promise<string> =>
    (await runTool('dig', ['@127.0.0.1', '-p', String(program.port), '+tries=1', '+time=3', ...args])).stdout
  for (const transport of ['+notcp', '+tcp']) {
    const full = await dig(transport, 'web.lan')
    assert.match(full, /status: NOERROR[\s\S]*flags: qr aa rd ra;[\s\S]*ANSWER: 3/)
    assert.equal(await dig(transport, '+short', 'web.lan'), 'www.lan.\nExample.org.\n192.0.2.7\n')
    assert.equal(await dig(transport, '+short', 'a.b.wild.lan'), 'x.example.org.\n192.0.2.7\n')
    assert.match(
      await dig(transport, 'gone.lan'),
      /status: NXDOMAIN[\s\S]*gone\.lan\.\s+60\s+IN\s+CNAME\s+gone\.example\.org\./,
    )
    assert.match(await dig(transport, 'raw.lan', 'TYPE65280'), /TYPE65280\s+\\# 3 ABCDEF/)
  }
  assert.deepEqual(
    ['example.org', 'x.example.org', 'gone.example.org'].map((name) => upstream.count(name)),
    [1, 1, 1],
    'each target is asked for once, then cached',
  )
})

test('everything: a text, a delay and a loss', async (t) => {
  const program = await startProgram(t, {
    upstreams: ['127.0.0.1:9'],
    guard: { localAnswers: { everything: { txt: 'hello', delay: '300ms' } } },
  })
  for (const transport of ['udp', 'tcp'] as const) {
    const from = performance.now()
    assert.equal((await ask(program, 'any.test', 'TXT', { transport })).answers[0]?.data, '0568656c6c6f')
    assert.ok(performance.now() - from >= 290, 'it was held back')
  }
  program.rewrite({ upstreams: ['127.0.0.1:9'], guard: { localAnswers: { everything: { loss: 1 } } } })
  const end = performance.now() + 10_000
  while ((await maybeAsk(program, 'any.test', 'A', { timeoutMs: 500 })) !== undefined)
    assert.ok(performance.now() < end)
  await assertBooksBalance(program)
})

test('everything: any name, no upstream', async (t) => {
  const program = await startProgram(t, {
    upstreams: ['127.0.0.1:9'],
    guard: { localAnswers: { everything: { a: '192.0.2.44', aaaa: '2001:db8::44', ttl: '7s' } } },
  })
  for (const transport of ['udp', 'tcp'] as const) {
    const four = await ask(program, `any.${transport}.example.com`, 'A', { transport })
    assert.deepEqual([four.answers[0]?.data, four.answers[0]?.ttl], ['192.0.2.44', 7])
    assert.equal((await ask(program, 'any.example.com', 'AAAA', { transport })).answers[0]?.data, '2001:db8::44')
    const text = await ask(program, 'any.example.com', 'TXT', { transport })
    assert.deepEqual([text.rcode, text.answers.length], [RCODES.NOERROR, 0])
  }
})

test('special names: localhost, invalid, onion, alt, resolver.arpa are answered here (RFC 6761, 7686, 9476, 9462)', async (t) => {
  const { program, upstream } = await startScene(t)
  assert.equal((await ask(program, 'localhost')).answers[0]?.data, '127.0.0.1')
  assert.equal((await ask(program, 'x.localhost', 'AAAA')).answers[0]?.data, '::1')
  for (const name of ['x.invalid', 'x.onion', 'x.alt']) {
    assert.equal((await ask(program, name)).rcode, RCODES.NXDOMAIN, name)
  }
  const designated = await ask(program, '_dns.resolver.arpa', 'SVCB')
  assert.deepEqual([designated.rcode, designated.answers.length], [RCODES.NOERROR, 0])
  assert.equal(upstream.asked.length, 0)
  for (const name of ['x.local', 'x.internal', 'x.home.arpa', 'x.test', '1.0.168.192.in-addr.arpa']) {
    await ask(program, name)
    assert.equal(upstream.count(name), 1, `${name} is forwarded`)
  }
})
