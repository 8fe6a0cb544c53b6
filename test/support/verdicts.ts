/** The verdict table (test/contract/verdicts): how its lines are read, and how what happened is written as one. */
import { readdirSync, readFileSync } from 'node:fs'
import { parse as parseYaml } from 'yaml'
import type { ExplainStep } from '../../src/link/explain-data.ts'
import { type Message, type QueryParts, query, RCODES, TYPES } from './message.ts'
import type { Settings } from './program.ts'

const folder = 'test/contract/verdicts'

/** Settings, and the lines that hold for them. */
export interface Group {
  readonly name: string
  /** As an operator writes them; `UPSTREAM` stands for the scripted one. */
  readonly settings: Settings
  readonly lines: readonly Line[]
}

export interface Line {
  readonly text: string
  readonly name: string
  readonly type: string
  readonly parts: QueryParts
  /** The line from its third column on, in one form. */
  readonly verdict: string
}

/** What came of a question: the reply, the steps that explain gives afterwards, and what went upstream, as `name TYPE`. */
export interface Outcome {
  readonly reply: Message
  readonly steps: readonly ExplainStep[]
  readonly asked: readonly string[]
}

/** All files of the table but the world's. */
export function readGroups(): readonly Group[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.txt') && file !== 'world.txt')
  return files.flatMap((file) =>
    readText(file)
      .split(/^settings +/m)
      .slice(1)
      .map(groupOf),
  )
}

/** Lines of a file without comments. */
export function readText(file: string): string {
  return readFileSync(`${folder}/${file}`, 'utf8').replace(/^#.*\n/gm, '')
}

function groupOf(text: string): Group {
  const [name = '', ...rest] = text.split('\n')
  const isSetting = (line: string): boolean => line.startsWith(' ')
  const settings = (parseYaml(rest.filter(isSetting).join('\n')) ?? {}) as Settings
  const lines = rest.filter((line) => line.trim() !== '' && !isSetting(line)).map(lineOf)
  return { name, settings: { upstreams: ['UPSTREAM'], ...settings }, lines }
}

/** `TYPE[+do][+cd][-rd] name who rcode answer soa/ttl [asks name TYPE; …]` */
function lineOf(text: string): Line {
  const [head = '', asks] = text.split(/ +asks +/)
  const [typed = '', name = '', who = '', ...reply] = head.trim().split(/ +/)
  const [type = '', ...flags] = typed.split(/(?=[+-])/)
  if (reply.length !== 3) throw new Error(`no verdict: ${text}`)
  const parts: QueryParts = {
    ad: true,
    rd: !flags.includes('-rd'),
    cd: flags.includes('+cd'),
    edns: { dnssecOk: flags.includes('+do') },
  }
  const own = isUpstreams(who) ? [`${name.toLowerCase()} ${type}`] : []
  return { text, name, type, parts, verdict: verdict(who, reply, asks?.split(/; */) ?? own) }
}

export function questionOf({ name, type, parts }: Line): Buffer {
  return query(name, type, parts)
}

/** The outcome as the table writes it. */
export function verdictOf({ reply, steps, asked }: Outcome): string {
  return verdict(deciderOf(steps), replyOf(reply), asked)
}

/** Code, answer section and SOA as the table writes them. */
export function replyOf({ rcode, answers, authority }: Message): string[] {
  const code = Object.entries(RCODES).find(([, value]) => value === rcode)?.[0] ?? String(rcode)
  const records = answers.map(({ type, data }) => {
    const kind = Object.entries(TYPES).find(([, value]) => value === type)?.[0] ?? `TYPE${type}`
    return ['A', 'AAAA', 'CNAME'].includes(kind) ? `${kind}=${withoutDot(data)}` : kind
  })
  const soas = authority
    .filter(({ type }) => type === TYPES['SOA'])
    .map(({ name, ttl }) => `${withoutDot(name.toLowerCase())}/${ttl}`)
  return [code, records.join(',') || '-', soas.join(',') || '-']
}

export function withoutDot(name: string): string {
  return name.length > 1 && name.endsWith('.') ? name.slice(0, -1) : name
}

/** The rules that said more than `pass`, those that observe in brackets; `upstream` where none did. */
function deciderOf(steps: readonly ExplainStep[]): string {
  const said = steps.filter(({ mode, verdict }) => mode !== undefined && verdict !== 'pass')
  const rules = said.map(({ step, mode }) => (mode === 'observe' ? `(${step})` : step))
  if (rules.length > 0) return [...new Set(rules)].join('+')
  return steps.some(({ step }) => step === 'question') ? 'question' : 'upstream'
}

/** Nothing that is enforced decided, so the question goes upstream as it is. */
function isUpstreams(who: string): boolean {
  return who === 'upstream' || who.split('+').every((rule) => rule.startsWith('('))
}

function verdict(who: string, reply: readonly string[], asked: readonly string[]): string {
  return [who, ...reply, ...(asked.length > 0 ? ['asks', asked.join('; ')] : [])].join(' ')
}
