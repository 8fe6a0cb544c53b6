/** The tests' own tools, tested against themselves and the real peers: a blind tool would make every test pass. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { atEnd } from './cleanup.ts'
import { ask, maybeAsk, TcpClient, UdpClient } from './client.ts'
import { nameBytes, parse, query, recordBytes, reply } from './message.ts'
import { parseMetrics } from './metrics.ts'
import { runTool, skipWithout, startDnsmasq, startUnbound } from './peers.ts'
import { anyAddress, startUpstream } from './upstream.ts'

test('a built message reads back as built', () => {
  const asked = parse(
    query('Www.Example.\\046odd.test', 'AAAA', { id: 7, cd: true, edns: { size: 4096, dnssecOk: true } }),
  )
  assert.equal(asked.questions[0]?.name, 'Www.Example.\\.odd.test.')
  assert.deepEqual([asked.id, asked.cd, asked.rd, asked.edns?.size, asked.edns?.dnssecOk], [7, true, true, 4096, true])
  const records = [
    'a.test. 5 A 192.0.2.1',
    'a.test. 5 AAAA 2001:db8::1',
    'a.test. 5 CNAME b.test.',
    'a.test. 5 MX 10 b.test.',
    'a.test. 5 SRV 1 2 3 b.test.',
    'a.test. 5 SOA ns.test. root.test. 1 2 3 4 5',
    'a.test. 5 TYPE65280 c0ffee',
  ]
  const answer = parse(reply(asked, { answers: records, rcode: 16, edns: {} }))
  assert.equal(answer.rcode, 16)
  assert.deepEqual(
    answer.answers.map((rr) => rr.data),
    records.map((text) => text.split(' ').slice(3).join(' ')),
  )
  assert.ok(answer.questionBytes.equals(asked.questionBytes))
})

test('the parser refuses what is malformed', () => {
  const good = reply(parse(query('a.test')), { answers: ['a.test. 5 A 192.0.2.1'] })
  for (let end = 0; end < good.length; end++) assert.throws(() => parse(good.subarray(0, end)), `cut at ${end}`)
  assert.throws(() => parse(Buffer.concat([good, Buffer.from([0])])), /after the last record/)
  const loop = Buffer.concat([query('a.test').subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])])
  assert.throws(() => parse(loop), /backwards/)
  assert.equal(recordBytes('. 0 TXT abc').length, nameBytes('.').length + 10 + 4)
})

test('metrics that a scraper would refuse are refused', () => {
  const head = '# HELP a_total x\n# TYPE a_total counter\n'
  assert.equal(parseMetrics(`${head}a_total{b="c\\"d"} 2\na_total 1\n`).sum('a_total'), 3)
  for (const bad of [
    'a_total 1',
    `${head}a_total -1\n`,
    `${head}a_total 1\na_total 1\n`,
    'b_total 1\n',
    `${head}a_total{b=c} 1\n`,
  ]) {
    assert.throws(() => parseMetrics(bad), bad)
  }
})

test('a scripted upstream answers over UDP and TCP and counts', async (t) => {
  const upstream = await startUpstream(anyAddress)
  atEnd(t, () => upstream.close())
  assert.equal((await ask(upstream, 'X.test')).answers[0]?.data, '192.0.2.1')
  assert.equal((await ask(upstream, 'x.test', 'AAAA', { transport: 'tcp' })).answers.length, 0)
  assert.equal(upstream.count('x.test'), 2)
  assert.equal(upstream.count('x.test', 'A'), 1)
  upstream.script = () => undefined
  assert.equal(await maybeAsk(upstream, 'silent.test', 'A', { timeoutMs: 50 }), undefined)
  const tcp = await TcpClient.open(upstream)
  const udp = await UdpClient.open(upstream)
  atEnd(t, () => udp.close())
  upstream.script = anyAddress
  const bytes = query('slow.test')
  for (const octet of Buffer.concat([Buffer.from([0, bytes.length]), bytes])) tcp.sendRaw(Buffer.from([octet]))
  assert.equal(parse((await tcp.next()) as Buffer).answers.length, 1)
  tcp.close()
})

test('dnsmasq and unbound start, answer and stop', { skip: skipWithout('dnsmasq', 'unbound', 'dig') }, async (t) => {
  const dnsmasq = await startDnsmasq(t, ['address=/deny.test/', 'host-record=a.test,192.0.2.7'])
  const denied = await ask(dnsmasq, 'x.deny.test')
  assert.deepEqual([denied.rcode, denied.authority.length], [3, 0], 'configured NXDOMAIN has no SOA (FIELD 1)')
  assert.match(dnsmasq.log(), /x\.deny\.test/)
  const unbound = await startUnbound(t, ['local-data: "b.test. 60 IN A 192.0.2.8"'])
  const { stdout } = await runTool('dig', ['+short', '@127.0.0.1', '-p', String(unbound.port), 'b.test'])
  assert.equal(stdout, '192.0.2.8\n')
})
