/** Real forwarders that send one zone back to us, and answer all else: that zone is found and cut, and nothing else is. */
import { strict as assert } from 'node:assert'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, maybeAsk } from '../support/client.ts'
import { startCoreFile } from '../support/coredns.ts'
import { RCODES } from '../support/message.ts'
import { skipWithout, startDnsmasq, startUnbound } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { type Program, startProgram } from '../support/program.ts'

interface Forwarder {
  readonly target: string
  stop(): Promise<void>
}

/** Answers 192.0.2.10 for www.good.test; sends `zone`, where there is one, to 127.0.0.1 at the port `to`, and else knows www in it. */
type Start = (t: TestContext, port: number, zone: string, to: number | undefined) => Promise<Forwarder>

const forwarders: Record<string, Start> = {
  dnsmasq: (t, port, zone, to) =>
    startDnsmasq(
      t,
      [
        'host-record=www.good.test,192.0.2.10',
        to === undefined ? `host-record=www.${zone},192.0.2.10` : `server=/${zone}/127.0.0.1#${to}`,
        'local=/good.test/',
        'address=/#/',
      ],
      port,
    ),
  unbound(t, port, zone, to) {
    const own = ['local-zone: "good.test." static', 'local-data: "www.good.test. 300 A 192.0.2.10"']
    const other = [
      'local-zone: "." static',
      ...(to === undefined ? [`local-data: "www.${zone}. 300 A 192.0.2.10"`] : []),
    ]
    const away = to === undefined ? [] : [`local-zone: "${zone}." transparent`, `domain-insecure: "${zone}"`]
    const clause = to === undefined ? '' : `forward-zone:\n  name: "${zone}."\n  forward-addr: 127.0.0.1@${to}\n`
    return startUnbound(t, [...own, ...other, ...away], clause, port)
  },
  coredns: (t, port, zone, to) =>
    startCoreFile(t, port, () => {
      const block = (of: string, plugin: string) => `${of}:${port} {\n  bind 127.0.0.1\n  ${plugin}\n}\n`
      const hosts = (host: string) => `hosts {\n    192.0.2.10 ${host}\n  }`
      const known = to === undefined ? hosts(`www.${zone}`) : `forward . 127.0.0.1:${to}`
      const rest = 'template ANY ANY {\n    rcode NXDOMAIN\n  }'
      return block('.', rest) + block('good.test', hosts('www.good.test')) + block(zone, known)
    }),
}

const loopOf = (zone: string): RegExp => new RegExp(`loop: questions for zone ${zone.replaceAll('.', '\\.')} sent to `)

async function answers(program: Program, name: string, withinMs: number): Promise<void> {
  for (const until = Date.now() + withinMs; ; await sleep(100)) {
    const got = await maybeAsk(program, name, 'A', { timeoutMs: 2500 })
    if (got?.rcode === RCODES.NOERROR && got.answers[0]?.data === '192.0.2.10') return
    assert.ok(Date.now() < until, `${name}: ${got?.rcode}, ${program.stdout()}`)
  }
}

for (const [name, start] of Object.entries(forwarders)) {
  test(`${name}: a zone of the search list comes back to us, and heals`, { skip: skipWithout(name) }, async (t) => {
    const [port, peerPort] = [await freePort(), await freePort()]
    const looping = await start(t, peerPort, 'lan.test', port)
    const settings = { upstreams: [looping.target], searchSuffixes: ['lan.test'], loop: { interval: '1s' } }
    const program = await startProgram(t, settings, { port })
    await program.says(loopOf('lan.test'), 5000)
    await answers(program, 'www.good.test', 1000)
    assert.equal((await ask(program, 'www.lan.test')).rcode, RCODES.SERVFAIL)
    const stats = (await program.stats()) as { loops: readonly { marked: boolean; zones: readonly string[] }[] }
    assert.deepEqual(
      stats.loops.map(({ marked, zones }) => [marked, zones]),
      [[true, ['lan.test.']]],
    )
    await looping.stop()
    await start(t, peerPort, 'lan.test', undefined)
    await answers(program, 'www.lan.test', 15_000)
    assert.equal(program.stdout().match(/loop: questions/g)?.length, 1, program.stdout())
  })

  test(`${name}: a zone that nobody told us of is found by its traffic`, { skip: skipWithout(name) }, async (t) => {
    const [port, peerPort] = [await freePort(), await freePort()]
    const looping = await start(t, peerPort, 'corp.test', port)
    const program = await startProgram(t, { upstreams: [looping.target] }, { port })
    await answers(program, 'www.good.test', 1000)
    await sleep(300)
    assert.doesNotMatch(program.stdout(), /loop: questions/)
    await maybeAsk(program, 'db.sales.corp.test', 'A', { timeoutMs: 2500 })
    // A hint about another name may have had its turn just before.
    await program.says(loopOf('corp.test'), 9000)
    await answers(program, 'www.good.test', 1000)
  })
}

test('dnsmasq: a reverse zone that it sends back to us', { skip: skipWithout('dnsmasq') }, async (t) => {
  const [port, peerPort] = [await freePort(), await freePort()]
  const looping = await startDnsmasq(
    t,
    [`rev-server=10.0.0.0/8,127.0.0.1#${port}`, 'host-record=www.good.test,192.0.2.10', 'address=/#/'],
    peerPort,
  )
  const program = await startProgram(t, { upstreams: [looping.target] }, { port })
  await program.says(loopOf('10.in-addr.arpa'), 5000)
  await answers(program, 'www.good.test', 1000)
  assert.equal((await ask(program, '7.0.0.10.in-addr.arpa', 'PTR')).rcode, RCODES.SERVFAIL)
})
