import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Bill } from '../metrics/bill.ts'
import { BILL_PACKETS, BILL_QUERIES, billRow } from '../metrics/bill-table.ts'
import {
  outcomes,
  queries,
  RULE_REPLIED,
  rule,
  summedLength,
  UP_ANSWERS,
  UP_RTT_SUM,
  upstream,
} from '../metrics/catalog.ts'
import { looseCounters } from '../metrics/counters.ts'
import type { AdminProvider, Readiness } from './provider.ts'
import { type Admin, startAdmin } from './server.ts'

const counters = looseCounters()
counters.add(queries.udp, 3)
counters.add(outcomes.hit, 3)
counters.add(rule.at(0, RULE_REPLIED), 2)
counters.add(upstream.at(0, UP_ANSWERS), 4)
counters.add(upstream.at(0, UP_RTT_SUM), 0.01)

const told = { rule: 'rateLimit', subject: 'a.test from 10.0.0.1', sentence: 'over the limit', figures: { limited: 3 } }
const bill = new Bill(
  { lanes: () => [counters.lane], rules: ['cut'], suffixes: () => ['other', 'lan'] },
  1_700_000_000_000,
)
counters.add(summedLength + billRow(0, 1) + BILL_QUERIES, 5)
counters.add(summedLength + billRow(0, 1) + BILL_PACKETS, 4)

function provider(ready: Readiness = { ready: true, reasons: [] }): AdminProvider {
  return {
    lanes: () => [counters.lane],
    names: () => ({ rules: ['acl'], upstreams: ['192.0.2.1:53', '192.0.2.2:53'], zones: [] }),
    loops: () => [{ route: '.', upstream: '192.0.2.2:53', marked: true, zones: [], since: 1_700_000_000_000 }],
    bill: () => bill.report(),
    info: () => ({ version: '1.2.3', engine: 'epoll', generation: 2, startedAt: Date.now() - 5000 }),
    ready: () => ready,
    events: () => [{ ...told, at: 1_700_000_000_000, state: 'begin' }],
    episodes: () => [{ ...told, since: 1_700_000_000_000 }],
    explain: async (asked) => ({ status: 200, body: { asked } }),
  }
}

async function start(t: TestContext, from = provider(), address = '127.0.0.1'): Promise<Admin & { url: string }> {
  const admin = await startAdmin({ listen: [{ address, port: 0 }], provider: from })
  t.after(() => admin.close())
  const port = admin.addresses[0]?.port
  return { ...admin, url: `http://${address.includes(':') ? `[${address}]` : address}:${port}` }
}

/** One raw request, everything that comes back until the connection ends or falls silent. */
async function raw(admin: Admin, request: string): Promise<string> {
  const socket = connect(admin.addresses[0]?.port ?? 0, '127.0.0.1')
  let received = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    received += chunk
  })
  socket.setTimeout(300, () => socket.destroy())
  socket.write(request)
  await once(socket, 'close')
  return received
}

test('health, ready and metrics', async (t) => {
  const { url } = await start(t)
  assert.equal(await (await fetch(`${url}/health`)).text(), 'ok\n')
  assert.equal((await fetch(`${url}/ready`)).status, 200)
  const metrics = await fetch(`${url}/metrics`)
  assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  assert.match(await metrics.text(), /^dnsweir_queries_total\{proto="udp"\} 3$/m)
})

test('not ready: 503 and why', async (t) => {
  const { url } = await start(t, provider({ ready: false, reasons: ['draining'] }))
  const response = await fetch(`${url}/ready`)
  assert.equal(response.status, 503)
  assert.equal(await response.text(), 'not ready\ndraining\n')
  assert.equal((await fetch(`${url}/health`)).status, 200)
})

test('statistics are the numbers of /metrics by name', async (t) => {
  const { url } = await start(t)
  const response = await fetch(`${url}/api/stats`)
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
  // biome-ignore lint/suspicious/noExplicitAny: a stranger's JSON
  const stats = (await response.json()) as any
  assert.deepEqual(stats.queries, { udp: 3, tcp: 0 })
  assert.equal(stats.outcomes.hit, 3)
  assert.equal(stats.unaccounted, 0)
  const now = { waiting: 0, flights: 0, cacheEntries: 0, cacheBytes: 0, connections: 0, searchSuffixWildcards: 0 }
  assert.deepEqual(stats.now, now)
  assert.equal(stats.flights.answered, 0)
  assert.equal(stats.rules.acl.replied, 2)
  assert.deepEqual(Object.keys(stats.upstreams), ['192.0.2.1:53', '192.0.2.2:53'])
  assert.equal(stats.upstreams['192.0.2.1:53'].meanRttMs, 2.5)
  assert.equal(stats.upstreams['192.0.2.2:53'].meanRttMs, null)
  assert.equal(stats.upstreams['192.0.2.2:53'].looping, true)
  assert.equal(stats.loops[0].since, '2023-11-14T22:13:20.000Z')
  const time = '2023-11-14T22:13:20.000Z'
  assert.deepEqual(
    [stats.episodes, stats.events],
    [[{ ...told, since: time }], [{ ...told, at: time, state: 'begin' }]],
  )
  assert.equal(stats.version, '1.2.3')
  assert.equal(stats.uptimeSeconds, 5)
  const saved = { queries: 5, packets: 4, bytes: 0 }
  const nothing = { queries: 0, packets: 0, bytes: 0 }
  assert.deepEqual(stats.saved, {
    since: '2023-11-14T22:13:20.000Z',
    total: saved,
    lastMinute: nothing,
    lastHour: { minutes: 0, ...nothing },
    bySuffix: [{ rule: 'cut', suffix: 'lan', ...saved, lastMinute: nothing }],
  })
  assert.ok(stats.memory.rss > 1e6)
})

test('explain hands on what is asked, and what became of it', async (t) => {
  const { url } = await start(t)
  const response = await fetch(`${url}/api/explain?name=a%2eb?c&client=::1&do=1&tcp=0`)
  assert.deepEqual(await response.json(), {
    asked: { name: 'a.b?c', client: '::1', dnssecOk: true, checkingDisabled: false, tcp: false },
  })
  const late = await start(t, { ...provider(), explain: async () => ({ status: 504, body: { error: 'too late' } }) })
  const refused = await fetch(`${late.url}/api/explain?name=a`)
  assert.deepEqual([refused.status, await refused.json()], [504, { error: 'too late' }])
  for (const parameters of ['', '?name=', '?name=a&name=b', '?name=a&do=2', '?name=a&x=1', '?type=A']) {
    assert.equal((await fetch(`${url}/api/explain${parameters}`)).status, 400, parameters)
  }
})

test('what is refused', async (t) => {
  const admin = await start(t)
  const cases: [string, number][] = [
    ['GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n', 404],
    ['GET /constructor HTTP/1.1\r\nHost: localhost\r\n\r\n', 404],
    ['POST /health HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
    ['DELETE /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n', 405],
    ['OPTIONS /metrics HTTP/1.1\r\nHost: localhost\r\nOrigin: http://a.example\r\n\r\n', 405],
    ['POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n', 413],
    ['GET /health HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n', 413],
    ['GET /health HTTP/1.1\r\nHost: attacker.example\r\n\r\n', 403],
    ['GET /health HTTP/1.1\r\nHost: attacker.example:9453\r\n\r\n', 403],
    ['GET /health HTTP/1.1\r\n\r\n', 400],
    [`GET /health HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`, 431],
    ['rubbish\r\n\r\n', 400],
    ['GET /health?x=1 HTTP/1.1\r\nHost: 127.0.0.1:9453\r\n\r\n', 200],
    ['GET /health HTTP/1.1\r\nHost: [::1]:9453\r\n\r\n', 200],
    ['GET /health HTTP/1.1\r\nHost: dnsweir:9453\r\n\r\n', 200],
    ['GET /health HTTP/1.0\r\n\r\n', 200],
  ]
  for (const [request, status] of cases) {
    const received = await raw(admin, request)
    assert.ok(received.startsWith(`HTTP/1.1 ${status} `), `${request.slice(0, 80)} → ${received.slice(0, 40)}`)
    assert.doesNotMatch(received, /access-control/i)
  }
})

test('HEAD has the headers of GET and no body', async (t) => {
  const { url } = await start(t)
  const response = await fetch(`${url}/health`, { method: 'HEAD' })
  assert.equal(response.headers.get('content-length'), '3')
  assert.equal(await response.text(), '')
})

test('IPv6', async (t) => {
  const { url } = await start(t, provider(), '::1')
  assert.equal((await fetch(`${url}/health`)).status, 200)
})

test('a port in use is one sentence, and what was opened before is closed', async (t) => {
  const other = createServer()
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const address = other.address()
  assert.ok(address !== null && typeof address === 'object')
  const listen = [
    { address: '::1', port: address.port },
    { address: '127.0.0.1', port: address.port },
  ]
  const sentence = `admin: cannot listen on 127.0.0.1:${address.port}: the port is in use by another program`
  await assert.rejects(startAdmin({ listen, provider: provider() }), { message: sentence })
  const again = await startAdmin({ listen: listen.slice(0, 1), provider: provider() })
  await again.close()
})

test('an address that this machine does not have is one sentence', async () => {
  const listen = [{ address: '192.0.2.55', port: 9453 }]
  await assert.rejects(startAdmin({ listen, provider: provider() }), {
    message: 'admin: cannot listen on 192.0.2.55:9453: this machine has no such address',
  })
})

test('close ends open connections too', async () => {
  const admin = await startAdmin({ listen: [{ address: '127.0.0.1', port: 0 }], provider: provider() })
  const socket = connect(admin.addresses[0]?.port ?? 0, '127.0.0.1')
  await once(socket, 'connect')
  const gone = once(socket, 'close')
  socket.on('error', () => {})
  await admin.close()
  await gone
})
