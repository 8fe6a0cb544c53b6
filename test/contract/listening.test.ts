/** Where it listens, and that each reply leaves from the address that was asked (RFC 2181 4). */
import { strict as assert } from 'node:assert'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { atEnd } from '../support/cleanup.ts'
import { ask, maybeAsk, UdpClient } from '../support/client.ts'
import { parse, query } from '../support/message.ts'
import { runTool, skipWithout } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { MAIN, startProgram, temporaryFolder, yaml } from '../support/program.ts'
import { startScene } from '../support/scene.ts'
import { anyAddress } from '../support/upstream.ts'

const ENGINES = ['epoll', 'dgram'] as const
const everything = { guard: { localAnswers: { everything: {} } } }

for (const engine of ENGINES) {
  test(`${engine}: IPv4 and IPv6, UDP and TCP, on several addresses`, async (t) => {
    const addresses = ['127.0.0.1', '127.0.0.2', '::1']
    const { program } = await startScene(t, anyAddress, {}, { addresses, args: ['--udp', engine] })
    for (const address of addresses) {
      for (const transport of ['udp', 'tcp'] as const) {
        const to = { address, port: program.port }
        const answer = await ask(to, `${transport}.test`, 'A', { transport })
        assert.equal(answer.answers[0]?.data, '192.0.2.1', `${address} ${transport}`)
      }
    }
  })

  test(`${engine}: the reply comes from the address and port that was asked`, async (t) => {
    const addresses = ['127.0.0.1', '127.0.0.2', '::1']
    const { program } = await startScene(t, anyAddress, {}, { addresses, args: ['--udp', engine] })
    for (const address of addresses) {
      const client = await UdpClient.open({ address, port: program.port })
      for (const name of ['hit.test', 'hit.test', 'miss.test']) {
        client.send(query(name))
        assert.ok(await client.next(), `${name} at ${address}`)
      }
      assert.deepEqual(new Set(client.sources), new Set([`${address}:${program.port}`]))
      client.close()
    }
  })

  test(`${engine}: 500 queries at once from 5 clients are all answered, each to its own client`, async (t) => {
    const { program } = await startScene(t, anyAddress, {}, { args: ['--udp', engine] })
    const clients = await Promise.all([1, 2, 3, 4, 5].map(() => UdpClient.open(program)))
    for (const [who, client] of clients.entries()) {
      for (let id = 0; id < 100; id++) client.send(query(`n${id}.c${who}.test`, 'A', { id }))
    }
    for (const [who, client] of clients.entries()) {
      const replies = (await client.collect(100)).map(parse)
      assert.equal(replies.length, 100)
      for (const one of replies) assert.equal(one.questions[0]?.name, `n${one.id}.c${who}.test.`)
      client.close()
    }
  })
}

test('two shards share one address', async (t) => {
  const { program } = await startScene(t, anyAddress, { threads: 2 })
  const clients = await Promise.all(Array.from({ length: 20 }, () => UdpClient.open(program)))
  for (const client of clients) {
    client.send(query('shared.test'))
    assert.ok(await client.next())
    client.close()
  }
  assert.equal(program.stderr(), '')
})

const inNamespace = skipWithout('ip', 'dig') || (process.getuid?.() === 0 ? false : 'network namespaces need root')

for (const engine of ENGINES) {
  test(`${engine}: a wildcard is one socket per local address, also for those that come later`, {
    skip: inNamespace,
  }, async (t) => {
    const ns = await openNamespace(t)
    const port = await freePort()
    const settings = { listen: [`0.0.0.0:${port}`, `[::]:${port}`], admin: { listen: '127.0.0.1:9453' }, ...everything }
    const file = join(temporaryFolder(t), 'dnsweir.yaml')
    writeFileSync(file, yaml(settings))
    const child = spawn('ip', ['netns', 'exec', ns, process.execPath, MAIN, 'serve', '--config', file, '--udp', engine])
    let output = ''
    child.stdout.on('data', (text) => (output += text))
    child.stderr.on('data', (text) => (output += text))
    atEnd(t, () => child.kill('SIGKILL'))
    // dig believes only a reply that comes from the address it asked.
    const answered = async (address: string, ...flags: string[]): Promise<boolean> => {
      const args = [
        'netns',
        'exec',
        ns,
        'dig',
        '+short',
        '+tries=1',
        '+time=1',
        ...flags,
        '-p',
        String(port),
        `@${address}`,
      ]
      return (await runTool('ip', [...args, 'a.test'])).stdout === '192.0.2.1\n'
    }
    const soon = async (address: string, withinMs: number): Promise<void> => {
      const deadline = Date.now() + withinMs
      while (!(await answered(address))) {
        assert.ok(Date.now() < deadline, `${address} did not answer within ${withinMs} ms\n${output}`)
        await sleep(100)
      }
    }
    await soon('127.0.0.1', 8000)
    for (const address of ['127.0.0.1', '127.0.0.2', '::1']) {
      assert.ok(await answered(address), `${address} over UDP\n${output}`)
      assert.ok(await answered(address, '+tcp'), `${address} over TCP\n${output}`)
    }
    await runTool('ip', ['-n', ns, 'address', 'add', '127.0.0.3/8', 'dev', 'lo'])
    await soon('127.0.0.3', 15_000)
    await runTool('ip', ['-n', ns, 'address', 'del', '127.0.0.3/8', 'dev', 'lo'])
    await soon('127.0.0.1', 1000)
    assert.equal(child.exitCode, null, output)
  })
}

async function openNamespace(t: TestContext): Promise<string> {
  const ns = `dnsweir-${process.pid}-${Math.floor(performance.now())}`
  await runTool('ip', ['netns', 'add', ns])
  atEnd(t, () => runTool('ip', ['netns', 'del', ns]))
  await runTool('ip', ['-n', ns, 'link', 'set', 'lo', 'up'])
  await runTool('ip', ['-n', ns, 'address', 'add', '127.0.0.2/8', 'dev', 'lo'])
  return ns
}

test('an own interface that answers nothing else: a port not listened on stays silent', async (t) => {
  const program = await startProgram(t, { upstreams: ['127.0.0.1:9'], ...everything })
  const elsewhere = { address: '127.0.0.2', port: program.port }
  assert.equal(await maybeAsk(elsewhere, 'a.test', 'A', { timeoutMs: 200 }), undefined)
  assert.equal((await ask(program, 'a.test')).answers[0]?.data, '192.0.2.1')
})
