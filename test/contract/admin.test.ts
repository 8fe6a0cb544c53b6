/** The admin port, and books that balance. */
import { strict as assert } from 'node:assert'
import { get as httpGet, request } from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, maybeAsk, TcpClient, UdpClient } from '../support/client.ts'
import { query, RCODES, reply } from '../support/message.ts'
import { assertBooksBalance, type Program } from '../support/program.ts'
import { startScene } from '../support/scene.ts'
import { after, anyAddress, nxdomain } from '../support/upstream.ts'

test('/health, /ready, /metrics, /api/stats', async (t) => {
  const { program } = await startScene(t)
  assert.equal((await program.get('/health')).status, 200)
  assert.equal((await program.get('/ready')).status, 200)
  for (let i = 0; i < 5; i++) await ask(program, 'counted.test')
  const metrics = await program.metrics()
  assert.ok(metrics.sum('dnsweir_queries_total') >= 5)
  for (const name of metrics.types.keys()) assert.match(name, /^(dnsweir|process|nodejs)_/, name)
  const stats = await program.stats()
  assert.ok(typeof stats === 'object' && stats !== null)
  assert.equal((await program.get('/no-such-page')).status, 404)
})

test('no state changes by GET, no CORS, and a foreign Host is refused', async (t) => {
  const { program } = await startScene(t)
  const flush = await program.get('/api/cache/flush')
  assert.ok(flush.status >= 400, `GET /api/cache/flush is ${flush.status}`)
  for (const path of ['/metrics', '/api/stats']) {
    const response = await program.get(path)
    assert.equal(response.headers.get('access-control-allow-origin'), null)
    await response.arrayBuffer()
  }
  const status = await new Promise<number>((resolve, reject) => {
    const options = {
      port: program.adminPort,
      host: '127.0.0.1',
      path: '/api/stats',
      headers: { host: 'evil.example' },
    }
    httpGet(options, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    }).on('error', reject)
  })
  assert.ok(status >= 400 && status < 500, `status ${status} for Host: evil.example (DNS rebinding)`)
  const posted = await new Promise<number>((resolve, reject) => {
    const call = request(
      { port: program.adminPort, host: '127.0.0.1', path: '/metrics', method: 'POST' },
      (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      },
    )
    call.on('error', reject)
    call.end('x'.repeat(10_000))
  })
  assert.ok(posted >= 400 && posted < 500, `POST /metrics is ${posted}`)
  assert.equal((await program.get('/health')).status, 200)
})

/** A bit of everything: hits, misses, junk, refusals, silence, failures, TCP, bad packets. */
async function mixedRun(program: Program): Promise<void> {
  const client = await UdpClient.open(program)
  const tcp = await TcpClient.open(program)
  for (let id = 0; id < 300; id++) {
    const name = `${['hit', `miss${id}`, 'nx', 'servfail', 'slow', `j${id}.cluster.local.example.org`][id % 6]}.test`
    const bytes = query(name.replace(/org\.test$/, 'org'), id % 7 ? 'A' : 'AAAA', {
      id,
      ...(id % 5 === 0 && { edns: {} }),
    })
    client.send(bytes)
    if (id % 3 === 0) tcp.send(bytes)
    if (id % 20 === 0)
      for (const odd of [bytes.subarray(0, 20), bytes.subarray(0, 5), query('q.test', 'A', { qr: true })])
        client.send(odd)
    if (id % 30 === 0) client.send(query('x.test', 'A', { opcode: 5 }))
  }
  await client.collect(1000, 400)
  await tcp.collect(100, 400)
  tcp.close()
  client.close()
}

for (const args of [
  ['--udp', 'epoll'],
  ['--udp', 'dgram'],
]) {
  test(`${args.join(' ')}: at rest, outcomes are queries; unaccounted is 0 all along`, async (t) => {
    const { program } = await startScene(
      t,
      (asked) => {
        if (asked.name.startsWith('nx')) return nxdomain(asked)
        if (asked.name.startsWith('servfail')) return reply(asked, { rcode: RCODES.SERVFAIL })
        if (asked.name.startsWith('slow')) return after(300, anyAddress(asked) as Buffer)
        if (asked.name.startsWith('silent')) return undefined
        return anyAddress(asked)
      },
      { searchSuffixes: ['example.org'], guard: { rateLimit: { rate: '50/s', burst: 40 } } },
      { args },
    )
    let watching = true
    const watch = (async () => {
      while (watching) {
        assert.equal((await program.metrics()).value('dnsweir_unaccounted'), 0)
        await sleep(20)
      }
    })()
    const unanswered = maybeAsk(program, 'silent.test', 'A', { timeoutMs: 3000 })
    await mixedRun(program)
    await unanswered
    watching = false
    await watch
    await assertBooksBalance(program)
    const metrics = await program.metrics()
    assert.ok(metrics.sum('dnsweir_queries_total') >= 400, `${metrics.sum('dnsweir_queries_total')} queries counted`)
  })
}

test('the number of series does not grow with names or clients', async (t) => {
  const { program } = await startScene(t, anyAddress, { searchSuffixes: ['example.org'] })
  await mixedRun(program)
  const before = (await program.metrics()).samples.length
  for (let i = 0; i < 40; i++) {
    await maybeAsk(program, `"}\\010evil${i}.test`, 'A', { from: `127.0.1.${i + 1}` })
    await maybeAsk(program, `n${i}.test`, 1000 + i)
  }
  await mixedRun(program)
  const after = (await program.metrics()).samples.length
  assert.ok(after <= before + 5, `${before} series before, ${after} after`)
})
