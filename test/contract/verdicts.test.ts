/**
 * The verdict table: names × types × settings, and what becomes of each. Its lines stand in test/contract/verdicts and are derived from what is
 * specified, not from what the program did. Each is asked of a whole shard in a simulated network that has seen nothing else, twice, since a reply
 * must not turn into another when it is kept; some groups are asked of the real program over UDP, too.
 */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { build } from '../../src/app/build.ts'
import type { ExplainReport } from '../../src/app/explain.ts'
import { parseSettings } from '../../src/app/settings.ts'
import { writeMapped } from '../../src/base/address.ts'
import type { PlanData } from '../../src/link/plan-data.ts'
import { ask } from '../support/client.ts'
import { type Message, parse, type ReplyParts, reply, TYPES } from '../support/message.ts'
import { type Program, type Settings, startProgram, yaml } from '../support/program.ts'
import { openUpstream } from '../support/scene.ts'
import { clientAt, SimShard } from '../support/shard-sim.ts'
import { VerdictWorld } from '../support/verdict-world.ts'
import { type Group, type Line, questionOf, readGroups, replyOf, verdictOf, withoutDot } from '../support/verdicts.ts'

/** Groups that the real program is asked, too. Its lines share a cache there, so no name stands in two of them for one and the same question. */
const overUdp = ['default', 'strip', 'rebinding']

const world = new VerdictWorld()
const groups = readGroups()
const files: Readonly<Record<string, string>> = {
  '/run/resolv.conf':
    'nameserver 10.0.1.0\nsearch default.svc.cluster.local svc.cluster.local cluster.local example.org\n',
  '/run/hosts': '10.0.0.7 nas.home.lan nas\nfd00::7 nas.home.lan\n',
}

test('the table is as large as it should be, and no line stands there twice', () => {
  const lines = groups.flatMap(({ name, lines }) => lines.map(({ text }) => `${name}: ${text}`))
  assert.ok(lines.length >= 170, `${lines.length} lines`)
  assert.equal(new Set(lines).size, lines.length)
  const real = groups.filter(({ name }) => overUdp.includes(name))
  assert.equal(real.length, overUdp.length)
  assert.ok(real.flatMap(({ lines }) => lines).length >= 30)
})

for (const group of groups) {
  test(`${group.name}: ${group.lines.length} verdicts`, () => {
    const plan = planOf(group)
    assertAll(
      group.lines,
      group.lines.map((line) => simulated(plan, line)),
    )
  })
}

for (const group of groups.filter(({ name }) => overUdp.includes(name))) {
  test(`${group.name}: the same from the real program over UDP`, async (t) => {
    const upstream = await openUpstream(t, (asked) => reply(asked, answerTo(asked)))
    const settings = JSON.parse(yaml(group.settings).replaceAll('UPSTREAM', upstream.target)) as Settings
    const program = await startProgram(t, settings)
    // Explain knows no RD.
    const lines = group.lines.filter(({ parts }) => parts.rd === true)
    const got: string[] = []
    for (const line of lines) {
      upstream.asked.splice(0)
      const first = await ask(program, line.name, line.type, line.parts)
      const asked = upstream.asked.map(questionText)
      got.push(verdictOf({ reply: first, steps: await stepsOf(program, line), asked }))
    }
    assertAll(lines, got)
  })
}

function assertAll(lines: readonly Line[], got: readonly string[]): void {
  const wrong = lines.flatMap(({ text, verdict }, i) => (got[i] === verdict ? [] : [`${text}\n    got: ${got[i]}`]))
  assert.equal(wrong.join('\n'), '')
}

function planOf({ settings }: Group): PlanData {
  const { settings: parsed, problems } = parseSettings(
    yaml(settings).replaceAll('UPSTREAM', '10.0.1.0'),
    'verdicts.yaml',
  )
  assert.ok(parsed, problems.map(({ message }) => message).join('\n'))
  const { plan } = build(parsed, 1, { readText: (path) => files[path], interfaces: () => ({}) })
  // There is a shard for each line.
  return { ...plan, cache: { ...plan.cache, maxBytes: 1 << 20 } }
}

function simulated(plan: PlanData, line: Line): string {
  const shard = new SimShard(7, plan)
  const seen = shard.upstream(0, answerTo)
  const message = questionOf(line)
  const first = shard.ask(message, 100)
  assert.ok(first, `${line.text}: no reply`)
  const asked = seen.filter((one) => !isWildcardProbe(one)).map(questionText)
  const client = new Uint8Array(16)
  writeMapped(Uint8Array.from(clientAt(1).address), client, 0)
  const { steps, reply: told } = shard.engine.explain({ message, client, streamed: false })
  const again = shard.ask(message, 100)
  assert.ok(again, `${line.text}: no second reply`)
  assert.equal(sense(again), sense(first), `${line.text}: asked again`)
  if (told !== undefined) assert.equal(sense(parse(Buffer.from(told))), sense(first), `${line.text}: explained`)
  const isOurs = first.authority.some(({ data }) => data.startsWith('dnsweir.invalid.'))
  assert.ok(!(isOurs && first.ad), `${line.text}: AD on what was made here`)
  assert.equal(shard.unaccounted, 0, line.text)
  return verdictOf({ reply: first, steps, asked })
}

/** All of it but TTLs. */
function sense(message: Message): string {
  return replyOf(message)
    .join(' ')
    .replace(/\/\d+$/, '')
}

async function stepsOf(program: Program, { name, type, parts }: Line): Promise<ExplainReport['steps']> {
  const flags = { do: parts.edns?.dnssecOk ? '1' : '0', cd: parts.cd ? '1' : '0' }
  const response = await program.get(`/api/explain?${new URLSearchParams({ name, type, ...flags })}`)
  return ((await response.json()) as ExplainReport).steps
}

function answerTo(asked: Message): ReplyParts {
  const [name = '', type = ''] = questionText(asked).split(' ')
  return world.answer(name, type)
}

function questionText({ questions }: Message): string {
  const { name = '', type = 0 } = questions[0] ?? {}
  const kind = Object.entries(TYPES).find(([, code]) => code === type)?.[0] ?? `TYPE${type}`
  return `${withoutDot(name.toLowerCase())} ${kind}`
}

/** A random label below a search suffix. */
function isWildcardProbe({ questions }: Message): boolean {
  return /^[0-9a-f]{16}\./.test(questions[0]?.name ?? '')
}
