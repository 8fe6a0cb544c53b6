/** Plays a scenario: the real program with a clock that is turned, scripted upstreams, clients, step by step. */
import { strict as assert } from 'node:assert'
import { renameSync, writeFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { atEnd } from '../support/cleanup.ts'
import { freePort } from '../support/ports.ts'
import { type Program, type Settings, startProgram } from '../support/program.ts'
import { Clients } from './clients.ts'
import { differences, typeText } from './compare.ts'
import { type AskedStep, type CountStep, type Range, type Scenario, ScenarioError, type Step } from './scenario.ts'
import { hasFlags, ScriptedUpstream } from './scripted.ts'
import { Stage } from './stage.ts'

/** Loaded before the program; see there. */
const clockFile = new URL(`./clock${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url)
/** Real time until a check that is not met has failed: a log line is written 200 ms after it was said. */
const usualPatienceMs = 1500
/** What is said is written by then. */
const logMs = 250
/** Of the program's time: the longest that a query can wait. */
const longestWaitMs = 31_000
const readyWithinMs = 15_000
/** Of the program's time, between two looks whether it is ready. */
const readyStepMs = 20

export interface PlayOptions {
  readonly patienceMs?: number
  /** Hears of steps that are not met, and the scenario goes on; without it the first one ends it. */
  readonly failed?: (error: ScenarioError) => void
}

/** @throws ScenarioError at the first step that is not met */
export async function play(t: TestContext, scenario: Scenario, options: PlayOptions = {}): Promise<void> {
  const { patienceMs = usualPatienceMs, failed = raise } = options
  const stage = new Stage()
  const upstreams = new Map<string, ScriptedUpstream>()
  const clients = new Clients(stage)
  const port = await freePort()
  const around = {
    file: scenario.file,
    stage,
    program: { address: '127.0.0.1', port },
    socketOf: (name: string) => upstreams.get(name)?.udp,
  }
  atEnd(t, async () => {
    clients.close()
    for (const upstream of upstreams.values()) await upstream.close()
  })
  for (const block of scenario.upstreams) upstreams.set(block.name, await ScriptedUpstream.create(block, around))

  const filled = (text: string, targetText = (target: string): string => target): string =>
    text.replace(/\$([a-z][a-z0-9]*)/g, (_, name: string) =>
      targetText((upstreams.get(name) as ScriptedUpstream).target),
    )
  const settings = (config: Settings): Settings => JSON.parse(filled(JSON.stringify(config))) as Settings
  const program = await startProgram(t, settings(scenario.config), {
    port,
    early: true,
    careless: true,
    nodeArgs: ['--import', clockFile.href],
  })
  stage.start(program)
  await untilReady(program, stage, (scenario.config['threads'] as number | undefined) ?? 1)

  for (const step of scenario.steps) {
    try {
      await take(step)
    } catch (error) {
      if (error instanceof ScenarioError) failed(error)
      else failed(new ScenarioError(scenario.file, step.line, (error as Error).message))
    }
  }
  await endWell(program, stage)

  async function take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'upstream': {
        const known = upstreams.get(step.name)
        if (known === undefined) upstreams.set(step.name, await ScriptedUpstream.create(step, around))
        else await known.take(step)
        return
      }
      case 'query':
        await clients.ask(step, program)
        return stage.settle()
      case 'time':
        return stage.pass(step.ms)
      case 'reload':
        return reload(program, stage, settings(step.config))
      case 'answer': {
        const asking = clients.find(step.as)
        await eventually(() => {
          const { length } = asking.replies
          assert.equal(length, asking.step.count, `${length} of ${asking.step.count} replies came`)
        })
        for (const got of asking.replies) {
          const asked = asking.sent.get(got.id)
          assert.ok(asked !== undefined, 'a reply has an id that was not asked')
          const found = differences(step, got, asked)
          if (found.length > 0) throw new Error(`the answer differs\n  ${found.join('\n  ')}`)
        }
        return
      }
      case 'noAnswer':
        await stage.settle()
        assert.equal(clients.find(step.as).replies.length, 0, 'an answer came')
        return
      case 'count':
        return eventually(() => within(step.wanted, countOf(step), `packets that ${step.upstream} was asked with`))
      case 'asked':
        await stage.settle()
        return checkAsked(step)
      case 'metric': {
        const labels = Object.fromEntries(Object.entries(step.labels).map(([key, value]) => [key, filled(value)]))
        return eventually(async () => within(step.wanted, (await program.metrics()).sum(step.name, labels), step.name))
      }
      case 'log': {
        const pattern = new RegExp(filled(step.pattern, (target) => target.replace(/[.[\]]/g, '\\$&')))
        if (step.wanted) return eventually(() => assert.match(program.stdout(), pattern))
        await stage.settle()
        await sleep(logMs)
        return assert.doesNotMatch(program.stdout(), pattern)
      }
    }
  }

  /** What a thread on Node's own loop does takes real time, so a check that is not met yet is made again. */
  async function eventually(check: () => void | Promise<void>): Promise<void> {
    const deadline = Date.now() + patienceMs
    for (;;) {
      await stage.settle()
      try {
        return await check()
      } catch (error) {
        if (Date.now() > deadline) throw error
        await sleep(10)
      }
    }
  }

  function countOf({ upstream, name, type, transport, probe }: CountStep): number {
    const { heard } = upstreams.get(upstream) as ScriptedUpstream
    return heard.filter(
      (one) =>
        one.isProbe === probe &&
        (name === undefined || name === '*' || one.name === name) &&
        (type === undefined || one.type === type) &&
        (transport === undefined || one.transport === transport),
    ).length
  }

  function checkAsked({ upstream, name, type, transport, flags, size, options, without }: AskedStep): void {
    const last = (upstreams.get(upstream) as ScriptedUpstream).heard.findLast(
      (one) => one.name === name && one.type === type && (transport === undefined || one.transport === transport),
    )
    assert.ok(last !== undefined, `${upstream} was not asked for ${name} ${typeText(type)}`)
    assert.ok(hasFlags(last, flags), `the question has other flags: ${JSON.stringify({ ...last, bytes: undefined })}`)
    if (size !== undefined) assert.equal(last.edns?.size, size, 'the size that it offers')
    const codes = last.edns?.options.map(({ code }) => code) ?? []
    for (const code of options) assert.ok(codes.includes(code), `it has no option ${code}`)
    for (const code of without) assert.ok(!codes.includes(code), `it has an option ${code}`)
  }
}

function raise(error: Error): never {
  throw error
}

function within({ least, most }: Range, value: number, what: string): void {
  const wanted = least === most ? `${least}` : `${least} to ${most}`
  assert.ok(value >= least && value <= most, `${what}: wanted ${wanted}, got ${value}`)
}

/**
 * Served, and each of its shards has slept once, so that the clock can be turned. No time passes while it starts, and none while a probe is on its
 * way: how fast this machine is must not become a round-trip time.
 */
async function untilReady(program: Program, stage: Stage, threads: number): Promise<void> {
  const deadline = Date.now() + readyWithinMs
  for (;;) {
    const state = await readiness(program)
    if (state !== '') await stage.settle()
    if (state === 'ready' && stage.shards === threads) return
    assert.equal(program.child.exitCode, null, `the program ended: ${program.stdout()}${program.stderr()}`)
    const sentence = `/ready says "${state}", ${stage.shards} of ${threads} shards sleep on epoll`
    assert.ok(Date.now() < deadline, `${sentence}\n${program.stdout()}${program.stderr()}`)
    const waits = /loop probes are under way/
    if (waits.test(state) && waits.test(await readiness(program))) await stage.turn(readyStepMs)
    else await sleep(5)
  }
}

/** What /ready says, nothing before it can be asked. */
async function readiness(program: Program): Promise<string> {
  return program.get('/ready').then(
    async (response) => (await response.text()).trim(),
    () => '',
  )
}

/** As an operator does it: the file is replaced at one stroke, then SIGHUP. Some tenths of a second pass. */
async function reload(program: Program, stage: Stage, config: Settings): Promise<void> {
  await stage.settle()
  const before = (await booksOf(program)).generation
  const deadline = Date.now() + readyWithinMs
  writeFileSync(`${program.configFile}.next`, program.text(config))
  renameSync(`${program.configFile}.next`, program.configFile)
  program.signal('SIGHUP')
  while ((await booksOf(program)).generation === before) {
    assert.doesNotMatch(program.stdout(), /reload refused/)
    assert.ok(Date.now() < deadline, 'it did not reload')
    await stage.turn(25)
    await stage.settle()
    await sleep(5)
  }
  await stage.settle()
}

/** What holds at the end of each run: every query has one outcome, SIGTERM ends it, nothing is on stderr. */
async function endWell(program: Program, stage: Stage): Promise<void> {
  await stage.settle()
  if ((await booksOf(program)).now.waiting > 0) await stage.pass(longestWaitMs)
  const { queries, outcomes, unaccounted, now } = await booksOf(program)
  assert.deepEqual({ waiting: now.waiting, unaccounted }, { waiting: 0, unaccounted: 0 }, 'queries without an outcome')
  assert.equal(total(outcomes), total(queries), 'each query has one outcome')
  program.signal('SIGTERM')
  assert.equal(await program.ended(), 0, `exit code after SIGTERM: ${program.stderr()}`)
  assert.equal(program.stderr(), '', 'stderr stays empty')
}

interface Books {
  readonly queries: Readonly<Record<string, number>>
  readonly outcomes: Readonly<Record<string, number>>
  readonly unaccounted: number
  readonly generation: number
  readonly now: { readonly waiting: number }
}

/** Not of /metrics, whose first scrape loads what writes them. */
async function booksOf(program: Program): Promise<Books> {
  return (await program.stats()) as Books
}

function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
