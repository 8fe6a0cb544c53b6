/** dnsweirs that forward to each other: each says so, and what goes over the wires between them stays small. */
import { strict as assert } from 'node:assert'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../support/client.ts'
import { RCODES } from '../support/message.ts'
import { freePort } from '../support/ports.ts'
import { type Program, type Settings, startProgram } from '../support/program.ts'
import { type Relay, startRelay } from '../support/relay.ts'

interface Ring {
  readonly programs: readonly Program[]
  readonly wires: readonly Relay[]
}

/** Programs of which each forwards to the next, and the last to the first; all at once, or one after the other. */
async function startRing(t: TestContext, count: number, settings: Settings, pauseMs: number): Promise<Ring> {
  const ports: number[] = []
  for (let i = 0; i < count; i++) ports.push(await freePort())
  const wires: Relay[] = []
  for (const port of ports) wires.push(await startRelay(t, { address: '127.0.0.1', port }))
  const starts: Promise<Program>[] = []
  for (const [i, port] of ports.entries()) {
    const next = wires[(i + 1) % count] as Relay
    starts.push(startProgram(t, { upstreams: [next.target], ...settings }, { port }))
    if (i < count - 1) await sleep(pauseMs)
  }
  return { programs: await Promise.all(starts), wires }
}

const sentence = /^.*loop: questions for zone .*$/gm
const sentences = (program: Program): number => program.stdout().match(sentence)?.length ?? 0

/** Each says so within 2 s of the start of the last one, by the times in the log. */
async function allSay({ programs }: Ring): Promise<void> {
  const until = Date.now() + 3000
  const output = (): string => programs.map((program) => program.stdout()).join('\n----\n')
  while (programs.some((program) => sentences(program) === 0)) {
    assert.ok(Date.now() < until, output())
    await sleep(20)
  }
  const started = Math.max(...programs.map((program) => timeOf(program, / listens on /)))
  for (const program of programs) assert.ok(timeOf(program, /loop: /) - started <= 2000, output())
}

function timeOf(program: Program, line: RegExp): number {
  const found = program
    .stdout()
    .split('\n')
    .find((one) => line.test(one))
  return Date.parse(JSON.parse(found ?? '{}').time)
}

async function perQuestion(t: TestContext, { programs, wires }: Ring, client: Program): Promise<void> {
  const passed = (): number => wires.reduce((sum, wire) => sum + wire.packets(), 0)
  const before = passed()
  assert.equal((await ask(client, `ring.of${client.port}.test`)).rcode, RCODES.SERVFAIL)
  await sleep(700)
  t.diagnostic(`${passed() - before} packets between ${programs.length} for one question`)
  // And the client's own two.
  assert.ok(passed() - before + 2 <= 20, `${passed() - before} packets between ${programs.length} for one question`)
  assert.ok(passed() - before >= 2, 'the wires are what they talk over')
}

for (const [count, threads, pauseMs] of [
  [2, 1, 0],
  [2, 1, 2500],
  [2, 2, 0],
  [3, 1, 0],
] as const) {
  const when = pauseMs === 0 ? 'started together' : `started ${pauseMs} ms apart`
  test(`${count} in a ring, ${threads} shards each, ${when}: all mark within 2 s, at most 20 packets a question`, async (t) => {
    const ring = await startRing(t, count, { threads }, pauseMs)
    await allSay(ring)
    for (const program of ring.programs) await perQuestion(t, ring, program)
    const probes = (): number => ring.wires.reduce((sum, wire) => sum + wire.probes(), 0)
    const before = probes()
    await sleep(3000)
    // A probe a second of each goes once around, and so does its answer.
    const most = 4 * count * count * 2
    assert.ok(probes() - before <= most, `${probes() - before} packets of probes in 3 s`)
    for (const program of ring.programs) {
      assert.equal(sentences(program), 1, program.stdout())
      assert.equal((await program.get('/health')).status, 200)
    }
  })
}

test('the probe of somebody who stands outside goes around once', async (t) => {
  const ring = await startRing(t, 2, {}, 0)
  await allSay(ring)
  const [first] = ring.programs as [Program]
  const probes = (): number => ring.wires.reduce((sum, wire) => sum + wire.probes(), 0)
  const before = probes()
  for (const name of ['00112233445566ff.0123456789abcdef', '5577006791947779410.8674665223082153551']) {
    assert.equal((await ask(first, name, 'HINFO')).rcode, RCODES.SERVFAIL)
  }
  await sleep(500)
  assert.ok(
    probes() - before <= 4 + 2 * 8,
    `${probes() - before} packets for two probes, those of the two themselves among them`,
  )
})
