/** A reply against what a scenario says of it. */
import { type Message, parse, query, RCODES, type Rr, reply } from '../support/message.ts'
import { TYPES } from '../support/records.ts'
import type { AnswerStep } from './scenario.ts'

const sectionNames = ['answer', 'authority', 'additional'] as const

/** What differs, a line each; empty: nothing does. */
export function differences(step: AnswerStep, got: Message, asked: Message): string[] {
  const found: string[] = []
  const differ = (what: string, wanted: unknown, is: unknown): void => {
    if (wanted !== is) found.push(`${what}: wanted ${wanted}, got ${is}`)
  }
  differ('code', codeText(step.rcode), codeText(got.rcode))
  differ('QR', true, got.qr)
  differ('RD', asked.rd, got.rd)
  differ('RA', true, got.ra)
  differ('opcode', asked.opcode, got.opcode)
  differ('question', asked.questionBytes.toString('hex'), got.questionBytes.toString('hex'))
  differ('OPT', asked.edns !== undefined, got.edns !== undefined)
  for (const flag of ['tc', 'aa', 'ad', 'cd'] as const) differ(flag.toUpperCase(), step.flags.has(flag), got[flag])
  differ('extended errors', [...step.ede].sort().join(), [...(got.edns?.ede ?? [])].sort().join())
  const sections = { answer: got.answers, authority: got.authority, additional: got.additional }
  for (const name of sectionNames) {
    if (!step.open.has(name)) found.push(...sectionDifferences(name, named(step.sections[name], asked), sections[name]))
  }
  return found
}

/** `@` is the name that was asked. */
export function named(records: readonly string[], asked: Message): string[] {
  return records.map((text) => text.replace(/^@ /, `${asked.questions[0]?.name} `))
}

/** As sets: each wanted record takes one that came. */
function sectionDifferences(section: string, wanted: readonly string[], came: readonly Rr[]): string[] {
  const left = [...came]
  const missing = wanted.filter((text) => {
    const at = left.findIndex((one) => isRecord(text, one))
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  return [
    ...missing.map((text) => `${section}: wanted ${text}`),
    ...left.map((one) => `${section}: got ${recordText(one)}`),
  ]
}

/** `name TTL type data` against a record, where the TTL may be `*` or `295-300`. */
function isRecord(text: string, { name, type, ttl, data }: Rr): boolean {
  const [owner = '', ttlText = '', ...rest] = text.split(/ +/)
  const [wanted] = parse(reply(parse(query('.')), { answers: [[owner, '0', ...rest].join(' ')] })).answers as [Rr]
  if (wanted.name.toLowerCase() !== name.toLowerCase() || wanted.type !== type || wanted.data !== data) return false
  if (ttlText === '*') return true
  const [least, most = least] = ttlText.split('-').map(Number)
  return ttl >= (least as number) && ttl <= (most as number)
}

export function recordText({ name, ttl, type, data }: Rr): string {
  return `${name} ${ttl} ${typeText(type)} ${data}`
}

export function typeText(type: number): string {
  return Object.entries(TYPES).find(([, number]) => number === type)?.[0] ?? `TYPE${type}`
}

function codeText(rcode: number): string {
  return Object.entries(RCODES).find(([, number]) => number === rcode)?.[0] ?? `${rcode}`
}
