/** A real dnsmasq behind dnsweir, and in front of it. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { ask, UdpClient } from '../support/client.ts'
import { parse, query, RCODES, reply } from '../support/message.ts'
import { runTool, skipWithout, startDnsmasq } from '../support/peers.ts'
import { startProgram } from '../support/program.ts'
import { startScene } from '../support/scene.ts'
import { anyAddress } from '../support/upstream.ts'

const skip = skipWithout('dnsmasq')
const LINES = [
  'address=/deny.example.net/',
  'host-record=box.example.net,192.0.2.10,2001:db8::10',
  'host-record=four.example.net,192.0.2.11',
  'cname=alias.example.net,box.example.net',
  'txt-record=text.example.net,"a word"',
]
const timesAsked = (log: string, name: string): number =>
  log.split('\n').filter((line) => line.includes('query[') && line.includes(` ${name} from`)).length

test('1,000 questions for one name that dnsmasq denies by configuration reach it once', { skip }, async (t) => {
  const dnsmasq = await startDnsmasq(t, LINES)
  const program = await startProgram(t, { upstreams: [dnsmasq.target] })
  const client = await UdpClient.open(program)
  for (let burst = 0; burst < 2; burst++) {
    for (let id = 0; id < 1000; id++) client.send(query('gone.deny.example.net', 'A', { id }))
    const replies = (await client.collect(1000)).map(parse)
    assert.equal(replies.length, 1000)
    assert.ok(replies.every((one) => one.rcode === RCODES.NXDOMAIN && one.authority.length === 1))
  }
  client.close()
  assert.equal(timesAsked(dnsmasq.log(), 'gone.deny.example.net'), 1)
})

test('dig over UDP and TCP, through dnsweir to dnsmasq', { skip: skip || skipWithout('dig') }, async (t) => {
  const dnsmasq = await startDnsmasq(t, LINES)
  const program = await startProgram(t, { upstreams: [dnsmasq.target], searchSuffixes: ['example.org'] })
  const dig = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await runTool('dig', [
      '@127.0.0.1',
      '-p',
      String(program.port),
      '+tries=1',
      '+time=3',
      ...args,
    ])
    assert.doesNotMatch(stdout + stderr, /Warning|WARNING|malformed|mismatch|unexpected/i, args.join(' '))
    return stdout
  }
  for (const transport of ['+notcp', '+tcp']) {
    for (const edns of ['+noedns', '+edns=0', '+bufsize=512', '+dnssec', '+cookie', '+nocookie', '+nsid', '+cdflag']) {
      const full = await dig(transport, edns, 'box.example.net')
      assert.match(full, /status: NOERROR/)
      assert.match(full, /box\.example\.net\.\s+\d+\s+IN\s+A\s+192\.0\.2\.10/)
    }
    assert.equal(await dig(transport, '+short', 'box.example.net', 'AAAA'), '2001:db8::10\n')
    assert.equal(await dig(transport, '+short', 'alias.example.net'), 'box.example.net.\n192.0.2.10\n')
    assert.equal(await dig(transport, '+short', 'text.example.net', 'TXT'), '"a word"\n')
    assert.match(await dig(transport, 'gone.deny.example.net'), /status: NXDOMAIN[\s\S]*SOA\s+dnsweir\.invalid\./)
    assert.match(
      await dig(transport, 'web.default.svc.cluster.local.example.org'),
      /status: NXDOMAIN[\s\S]*SOA\s+dnsweir\.invalid\./,
    )
    assert.match(await dig(transport, 'version.bind', 'TXT', 'CH'), /status: REFUSED/)
  }
})

test('the AAAA filter in front of dnsmasq', { skip }, async (t) => {
  const dnsmasq = await startDnsmasq(t, LINES)
  const program = await startProgram(t, { upstreams: [dnsmasq.target], guard: { aaaaFilter: { mode: 'enforce' } } })
  const box = await ask(program, 'box.example.net', 'AAAA')
  assert.deepEqual([box.rcode, box.answers.length], [0, 0])
  const alias = await ask(program, 'alias.example.net', 'AAAA')
  assert.deepEqual([alias.rcode, alias.answers.map((rr) => rr.data)], [0, ['box.example.net.']])
  assert.equal((await ask(program, 'gone.deny.example.net', 'AAAA')).rcode, RCODES.NXDOMAIN)
  assert.doesNotMatch(dnsmasq.log(), /query\[AAAA\]/)
})

test('dnsmasq in front keeps our synthesised negatives, and keeps their code (FIELD 3.5)', { skip }, async (t) => {
  const { program } = await startScene(
    t,
    (asked) => {
      if (asked.name.startsWith('nx')) return reply(asked, { rcode: RCODES.NXDOMAIN })
      if (asked.name.startsWith('nodata')) return reply(asked)
      if (asked.name.startsWith('chain')) {
        return reply(asked, { answers: [`${asked.name} 60 CNAME end.example.net.`, 'end.example.net 60 A 192.0.2.1'] })
      }
      return anyAddress(asked)
    },
    { searchSuffixes: ['example.org'], guard: { aaaaFilter: { mode: 'enforce' } } },
  )
  const front = await startDnsmasq(t, [`server=127.0.0.1#${program.port}`, 'cache-size=1000'])
  const table: [string, string, number][] = [
    ['nx.a.example.net', 'A', RCODES.NXDOMAIN],
    ['nodata.a.example.net', 'A', RCODES.NOERROR],
    ['web.default.svc.cluster.local.example.org', 'A', RCODES.NXDOMAIN],
    ['four.example.net', 'AAAA', RCODES.NOERROR],
  ]
  for (const [name, type, rcode] of table) {
    const first = await ask(front, name, type)
    assert.deepEqual([first.rcode, first.answers.length], [rcode, 0], name)
    const before = (await program.metrics()).sum('dnsweir_queries_total')
    for (let turn = 0; turn < 3; turn++) {
      const again = await ask(front, name, type)
      assert.deepEqual([again.rcode, again.answers.length], [rcode, 0], `${name} again`)
    }
    assert.equal((await program.metrics()).sum('dnsweir_queries_total'), before, `${name} was asked again by dnsmasq`)
  }
  assert.equal((await ask(front, 'example.org')).answers[0]?.data, '192.0.2.1', 'the suffix itself is not denied')
  assert.equal((await ask(front, 'nas.example.org')).answers[0]?.data, '192.0.2.1')
})
