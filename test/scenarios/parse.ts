/** From the text of a scenario file to data. Strict: what is not in README.md is an error, with file and line. */
import { isMap, LineCounter, parseDocument } from 'yaml'
import type { Settings } from '../support/program.ts'
import { parseRules } from './parse-rules.ts'
import { parseStep } from './parse-steps.ts'
import { type Scenario, ScenarioError, type Step, type UpstreamBlock } from './scenario.ts'
import { Words } from './words.ts'

/** A line without indent and those with indent below it. */
export interface Block {
  readonly head: Words
  readonly body: readonly Words[]
}

/** @throws ScenarioError */
export function parseScenario(file: string, text: string): Scenario {
  const blocks = blocksOf(file, text)
  const [first, second, ...rest] = blocks
  if (first?.head.take('SCENARIO') !== 'SCENARIO') throw new ScenarioError(file, 1, 'a file begins with SCENARIO')
  if (first.body.length > 0) first.body[0]?.fail('SCENARIO has one line')
  if (second?.head.take('CONFIG') !== 'CONFIG') throw new ScenarioError(file, first.head.line, 'CONFIG comes next')
  second.head.end()
  const steps = rest.map((block): Step => stepOf(block))
  const start = steps.findIndex(({ kind }) => kind !== 'upstream')
  if (start < 0) throw new ScenarioError(file, first.head.line, 'nothing is asked and nothing is checked')
  if (!steps.some(({ kind }) => /answer|count|asked|metric|log|noAnswer/.test(kind))) {
    throw new ScenarioError(file, first.head.line, 'nothing is checked')
  }
  const scenario = {
    file,
    title: first.head.text.replace(/^SCENARIO */, '').trim(),
    config: settingsOf(second),
    upstreams: steps.slice(0, start) as UpstreamBlock[],
    steps: steps.slice(start),
  }
  if (scenario.title === '') first.head.fail('a scenario has a title')
  checkNames(scenario, steps)
  return scenario
}

function stepOf(block: Block): Step {
  const { head, body } = block
  const word = head.take('a step')
  if (word === 'UPSTREAM') return upstreamOf(block)
  if (word === 'RELOAD') {
    head.end()
    return { kind: 'reload', line: head.line, config: settingsOf(block) }
  }
  const step = parseStep(word, head, body)
  head.end()
  return step
}

function upstreamOf({ head, body }: Block): UpstreamBlock {
  const name = head.take('a name')
  if (!/^[a-z][a-z0-9]*$/.test(name) || name === 'stranger') head.fail(`"${name}" is no name of an upstream`)
  const gone = head.flag('gone')
  const address = head.option('at')
  head.end()
  if (gone && body.length > 0) body[0]?.fail('an upstream that is gone answers nothing')
  if (!gone && body.length === 0) head.fail('an upstream has rules, or is gone')
  return { kind: 'upstream', line: head.line, name, address, gone, rules: parseRules(body) }
}

/** Lines with their numbers; comments and empty ones are left out, but not in YAML, where they keep the places right. */
function blocksOf(file: string, text: string): Block[] {
  const blocks: { head: Words; body: Words[] }[] = []
  for (const [at, raw] of text.split('\n').entries()) {
    const line = raw.trimEnd()
    if (line.includes('\t')) throw new ScenarioError(file, at + 1, 'tabs have no width here')
    if (line.trim() === '' || line.trim().startsWith('#')) continue
    const words = new Words(file, at + 1, line)
    if (!line.startsWith(' ')) blocks.push({ head: words, body: [] })
    else if (blocks.length === 0) words.fail('an indented line belongs to one above it')
    else blocks.at(-1)?.body.push(words)
  }
  return blocks
}

/** The body as YAML, whose own errors keep their lines. */
function settingsOf({ head, body }: Block): Settings {
  const counter = new LineCounter()
  const document = parseDocument(body.map(({ text }) => text).join('\n'), { lineCounter: counter })
  const [problem] = document.errors
  if (problem !== undefined) {
    const at = body[counter.linePos(problem.pos[0]).line - 1] ?? head
    at.fail(problem.message.split('\n')[0] as string)
  }
  if (document.contents === null) return {}
  if (!isMap(document.contents)) head.fail('settings are keys and values')
  return document.toJS() as Settings
}

/** Each `$name`, and each upstream that a step speaks of, is defined. */
function checkNames({ file, config }: Scenario, steps: readonly Step[]): void {
  const upstreams = new Set(steps.flatMap((step) => (step.kind === 'upstream' ? [step.name] : [])))
  const known = (line: number, name: string): void => {
    if (!upstreams.has(name)) throw new ScenarioError(file, line, `there is no UPSTREAM ${name}`)
  }
  const named = (text: string): string[] => [...text.matchAll(/\$([a-z][a-z0-9]*)/g)].map(([, name]) => name as string)
  for (const name of named(JSON.stringify(config))) known(2, name)
  const asked = new Set<string>()
  for (const step of steps) {
    if (step.kind === 'query') asked.add(step.as)
    if (step.kind === 'count' || step.kind === 'asked') known(step.line, step.upstream)
    if (step.kind === 'reload') for (const name of named(JSON.stringify(step.config))) known(step.line, name)
    if (step.kind === 'answer' || step.kind === 'noAnswer') {
      if (asked.size === 0) throw new ScenarioError(file, step.line, 'nothing was asked yet')
      if (step.as !== undefined && !asked.has(step.as)) {
        throw new ScenarioError(file, step.line, `no query was named ${step.as}`)
      }
    }
    if (step.kind !== 'upstream') continue
    for (const { actions } of step.rules) {
      for (const { line, from } of actions) if (from !== undefined && from !== 'stranger') known(line, from)
    }
  }
}
