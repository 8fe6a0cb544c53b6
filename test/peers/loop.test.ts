/** The loop of the outage, with real forwarders: dnsweir → peer → dnsweir (FIELD 1). */
import { strict as assert } from 'node:assert'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../support/client.ts'
import { startCoreFile } from '../support/coredns.ts'
import { RCODES } from '../support/message.ts'
import { skipWithout, startDnsmasq, startUnbound } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { type Program, startProgram } from '../support/program.ts'

interface Forwarder {
  readonly target: string
  stop(): Promise<void>
}

const PEERS: Record<string, (t: TestContext, to: number | undefined, port: number) => Promise<Forwarder>> = {
  dnsmasq: (t, to, port) =>
    startDnsmasq(t, to ? [`server=127.0.0.1#${to}`] : ['host-record=box.example.net,192.0.2.10', 'address=/#/'], port),
  unbound: (t, to, port) => {
    const clause = `forward-zone:\n  name: "."\n  forward-addr: 127.0.0.1@${to}\n`
    const own = ['local-zone: "." static', 'local-data: "box.example.net. 300 A 192.0.2.10"']
    return startUnbound(t, to ? [] : own, to ? clause : '', port)
  },
  coredns: (t, to, port) =>
    startCoreFile(t, port, () => {
      const own = 'hosts {\n    192.0.2.10 box.example.net\n  }'
      return `.:${port} {\n  bind 127.0.0.1\n  errors\n  ${to ? `forward . 127.0.0.1:${to}` : own}\n}\n`
    }),
}

for (const [name, start] of Object.entries(PEERS)) {
  for (const scheme of ['', 'tcp://']) {
    test(`${scheme}${name} that forwards back to us`, { skip: skipWithout(name) }, async (t) => {
      // It takes one question of a connection at a time, and a health check of its own, which loops, holds up our probes.
      const slow = name === 'coredns' && scheme !== ''
      const port = await freePort()
      const peerPort = await freePort()
      const looping = await start(t, port, peerPort)
      const program = await startProgram(t, { upstreams: [`${scheme}${looping.target}`] }, { port })
      await program.says(new RegExp(`\\bloop.*${looping.target.replaceAll('.', '\\.')}`, 'i'), slow ? 20_000 : 4000)
      const before = await received(program)
      const asked = await Promise.all(Array.from({ length: 20 }, (_, i) => ask(program, `l${i}.example.net`)))
      assert.deepEqual(new Set(asked.map((one) => one.rcode)), new Set([RCODES.SERVFAIL]))
      // 20 a second leave us, and a peer that waits for its answer asks a few times more each.
      const came = (await received(program)) - before
      assert.ok(came < 500, `${came} queries for 20 asked`)
      assert.equal((await program.get('/health')).status, 200)
      await looping.stop()
      await start(t, undefined, peerPort)
      const deadline = Date.now() + 8000
      while ((await ask(program, 'box.example.net')).rcode !== RCODES.NOERROR) {
        assert.ok(Date.now() < deadline, 'not healed 8 s after the loop was gone')
        await sleep(100)
      }
    })
  }
}

const received = async (program: Program): Promise<number> => (await program.metrics()).sum('dnsweir_queries_total')
