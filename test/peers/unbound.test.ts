/** A real unbound behind dnsweir, and in front of it. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { ask } from '../support/client.ts'
import { RCODES, reply } from '../support/message.ts'
import { runTool, skipWithout, startUnbound } from '../support/peers.ts'
import { startProgram } from '../support/program.ts'
import { startScene } from '../support/scene.ts'
import { anyAddress } from '../support/upstream.ts'

const skip = skipWithout('unbound')
const ZONE = [
  'local-zone: "example.net." static',
  'local-data: "example.net. 3600 SOA ns.example.net. root.example.net. 1 7200 3600 86400 20"',
  'local-data: "box.example.net. 300 A 192.0.2.10"',
  ...Array.from({ length: 100 }, (_, i) => `local-data: "big.example.net. 300 A 192.0.2.${i + 1}"`),
]

for (const scheme of ['', 'tcp://']) {
  test(`unbound as upstream${scheme && ` over ${scheme}`}`, { skip }, async (t) => {
    const unbound = await startUnbound(t, ZONE)
    const program = await startProgram(t, { upstreams: [`${scheme}${unbound.target}`] })
    for (let turn = 0; turn < 2; turn++) {
      const box = await ask(program, 'BOX.example.net')
      assert.deepEqual([box.rcode, box.answers[0]?.data, box.answers[0]?.ttl], [0, '192.0.2.10', 300])
      const none = await ask(program, 'none.example.net')
      assert.deepEqual([none.rcode, none.authority[0]?.name], [RCODES.NXDOMAIN, 'example.net.'])
      assert.ok((none.authority[0]?.ttl ?? 99) <= 20, 'min(SOA TTL, MINIMUM)')
      const nodata = await ask(program, 'box.example.net', 'AAAA')
      assert.deepEqual([nodata.rcode, nodata.answers.length], [0, 0])
      const big = await ask(program, 'big.example.net', 'A', { transport: 'tcp' })
      assert.deepEqual([big.tc, big.answers.length], [false, 100])
    }
    const asked = unbound
      .log()
      .split('\n')
      .filter((line) => / info: \S+ none\.example\.net\. A IN/.test(line))
    assert.equal(asked.length, 1)
  })
}

test('unbound in front keeps our synthesised negatives; it asks with DO, so it is told to believe them', {
  skip,
}, async (t) => {
  const { program } = await startScene(
    t,
    (asked) => {
      if (asked.name.startsWith('nx')) return reply(asked, { rcode: RCODES.NXDOMAIN })
      if (asked.name.startsWith('nodata')) return reply(asked)
      return anyAddress(asked)
    },
    {
      searchSuffixes: ['example.org'],
      guard: { searchSuffix: { whenDnssec: 'answer' }, aaaaFilter: { mode: 'enforce', whenDnssec: 'answer' } },
    },
  )
  const clause = `forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@${program.port}\n`
  const front = await startUnbound(t, ['qname-minimisation: no', 'local-zone: "cluster.local." nodefault'], clause)
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
    assert.equal((await program.metrics()).sum('dnsweir_queries_total'), before, `${name} was asked again by unbound`)
  }
  assert.equal((await ask(front, 'nas.example.org')).answers[0]?.data, '192.0.2.1')
})

test('kdig keeps a connection open and pipelines', { skip: skip || skipWithout('kdig') }, async (t) => {
  const unbound = await startUnbound(t, ZONE)
  const program = await startProgram(t, { upstreams: [unbound.target] })
  const to = ['@127.0.0.1', '-p', String(program.port), '+tcp', '+keepopen', '+short', '+retry=0']
  const { stdout, code } = await runTool('kdig', [
    ...to,
    'box.example.net',
    'A',
    'box.example.net',
    'A',
    'box.example.net',
    'A',
  ])
  assert.equal(code, 0, stdout)
  assert.equal(stdout.match(/192\.0\.2\.10/g)?.length, 3)
})
