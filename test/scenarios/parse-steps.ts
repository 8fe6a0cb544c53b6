/** One step of a scenario, from its words. */
import { RCODES, recordBytes } from '../support/message.ts'
import type { Flag, QueryStep, Sections, Step } from './scenario.ts'
import type { Words } from './words.ts'

const sectionNames = ['answer', 'authority', 'additional'] as const
const flagNames: readonly Flag[] = ['rd', 'cd', 'ad', 'do', 'edns']
/** What a client offers that says nothing else, RFC 9715. */
const usualSize = 1232

export function parseStep(word: string, head: Words, body: readonly Words[]): Step {
  const { line } = head
  if (word !== 'CHECK_ANSWER' && body.length > 0) body[0]?.fail(`${word} has no lines below it`)
  switch (word) {
    case 'QUERY':
      return queryOf(head)
    case 'CHECK_ANSWER':
      return {
        kind: 'answer',
        line,
        as: head.option('of'),
        ede: (head.option('ede')?.split(',') ?? []).map((code) => head.number(code) as number),
        flags: new Set(['tc', 'aa', 'ad', 'cd'].filter((flag) => head.flag(flag))),
        rcode: head.oneOf(head.take('a code'), RCODES),
        ...sectionsOf(body),
      }
    case 'CHECK_NO_ANSWER':
      return { kind: 'noAnswer', line, as: head.option('of') }
    case 'TIME_PASSES':
      return { kind: 'time', line, ms: head.duration(head.take('a time')) }
    case 'CHECK_UPSTREAM': {
      const [transport, probe] = [transportOf(head), head.flag('probe')]
      const upstream = head.take('an upstream')
      const wanted = head.range(head.take('a count'))
      const [name, type] = [head.maybe(), head.maybe()]
      return {
        kind: 'count',
        line,
        upstream,
        wanted,
        name: name === undefined || name === '*' ? name : head.name(name).toLowerCase(),
        type: type === undefined ? undefined : head.type(type),
        transport,
        probe,
      }
    }
    case 'CHECK_ASKED':
      return {
        kind: 'asked',
        line,
        transport: transportOf(head),
        flags: flagsOf(head),
        size: head.number(head.option('size')),
        options: head.options('option').map((code) => head.number(code) as number),
        without: head.options('-option').map((code) => head.number(code) as number),
        upstream: head.take('an upstream'),
        name: head.name(head.take('a name')).toLowerCase(),
        type: head.type(head.take('a type')),
      }
    case 'CHECK_METRIC': {
      const [, name = '', labels = ''] =
        /^([a-z_]+)(?:\{(.*)\})?$/.exec(head.take('a metric')) ?? head.fail('a metric is written name{label="value"}')
      const pairs = [...labels.matchAll(/([a-zA-Z]+)="([^"]*)"(?:,|$)/g)]
      if (pairs.map(([whole]) => whole).join('') !== labels) head.fail(`"${labels}" are no labels`)
      return {
        kind: 'metric',
        line,
        name,
        labels: Object.fromEntries(pairs.map(([, key, value]) => [key as string, value as string])),
        wanted: head.range(head.take('a value')),
      }
    }
    case 'CHECK_LOG':
    case 'CHECK_NO_LOG':
      return { kind: 'log', line, pattern: patternOf(head), wanted: word === 'CHECK_LOG' }
    default:
      return head.fail(`there is no step ${word}`)
  }
}

function queryOf(head: Words): QueryStep {
  const flags = flagsOf(head)
  const options = head.options('option').map((text) => head.ednsOption(text))
  const size = head.number(head.option('size'))
  const hasEdns = flags.edns ?? (size !== undefined || flags.do === true || options.length > 0)
  return {
    kind: 'query',
    line: head.line,
    as: head.option('as') ?? `line ${head.line}`,
    transport: transportOf(head) ?? 'udp',
    flags: { ...flags, edns: hasEdns },
    size: size ?? usualSize,
    options,
    class: head.number(head.option('class')) ?? 1,
    from: head.option('from'),
    count: head.number(head.option('count')) ?? 1,
    name: head.name(head.take('a name')),
    type: head.type(head.take('a type')),
  }
}

export function flagsOf(head: Words): Partial<Record<Flag, boolean>> {
  const flags: Partial<Record<Flag, boolean>> = {}
  for (const flag of flagNames) {
    const sign = head.sign(flag)
    if (sign !== undefined) flags[flag] = sign
  }
  return flags
}

export function transportOf(head: Words): 'udp' | 'tcp' | undefined {
  if (head.flag('udp')) return 'udp'
  return head.flag('tcp') ? 'tcp' : undefined
}

/** `answer a.test 300 A 192.0.2.1`; `answer *` leaves the section open. The TTL may be `*` or `295-300`. */
export function sectionsOf(body: readonly Words[]): { sections: Sections; open: ReadonlySet<string> } {
  const sections = { answer: [] as string[], authority: [] as string[], additional: [] as string[] }
  const open = new Set<string>()
  for (const words of body) {
    const word = words.take('a section')
    const section = sectionNames.find((name) => name === word)
    if (section === undefined) words.fail('a line here begins with answer, authority or additional')
    const record = words.text.trim().replace(/^\w+ +/, '')
    if (record === '*') open.add(section)
    else {
      checkRecord(words, record)
      sections[section].push(record)
    }
  }
  return { sections, open }
}

function checkRecord(words: Words, record: string): void {
  const [name = '', ttl = '', ...rest] = record.split(/ +/)
  if (!/^(\d+(-\d+)?|\*)$/.test(ttl)) words.fail(`"${ttl}" is no TTL`)
  words.name(name)
  try {
    recordBytes([name, '0', ...rest].join(' '))
  } catch (error) {
    words.fail(`"${record}" is no record: ${(error as Error).message}`)
  }
}

/** Between slashes, spaces and all. */
function patternOf(head: Words): string {
  const [, pattern = ''] =
    /^CHECK_\w+ +\/(.+)\/$/.exec(head.text.trim()) ?? head.fail('a pattern stands between slashes')
  try {
    new RegExp(pattern)
  } catch (error) {
    head.fail((error as Error).message)
  }
  head.skip()
  return pattern
}
