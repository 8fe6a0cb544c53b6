/** The rules of a scripted upstream, from the lines below UPSTREAM. */
import { RCODES } from '../support/message.ts'
import { flagsOf, sectionsOf, transportOf } from './parse-steps.ts'
import type { Action, Rule } from './scenario.ts'
import type { Words } from './words.ts'

const replyFlags = ['aa', 'tc', 'ad', '-ra', '-qr']

/** Some answer, then records of it. */
interface OpenAction {
  readonly head: Words
  readonly word: string
  readonly records: Words[]
}

export function parseRules(lines: readonly Words[]): Rule[] {
  const rules: { rule: Omit<Rule, 'actions'>; actions: OpenAction[] }[] = []
  let silent: Words | undefined
  for (const words of lines) {
    const word = words.text.trim().split(' ')[0] as string
    const last = rules.at(-1)
    if (word === 'ON') {
      words.take('ON')
      rules.push({ rule: ruleOf(words), actions: [] })
      silent = undefined
      continue
    }
    if (last === undefined) words.fail('rules begin with ON')
    if (/^(answer|authority|additional)$/.test(word)) {
      const action = last.actions.at(-1)
      if (action?.word !== 'REPLY') words.fail('records belong to a REPLY')
      action.records.push(words)
      continue
    }
    if (silent !== undefined) words.fail('after DROP comes nothing more')
    words.take(word)
    if (word === 'DROP') {
      words.end()
      if (last.actions.length > 0) words.fail('DROP stands alone')
      silent = words
    } else if (['REPLY', 'RAW', 'BACK', 'CLOSE'].includes(word)) last.actions.push({ head: words, word, records: [] })
    else words.fail(`"${word}" is nothing that an upstream does: REPLY, RAW, BACK, CLOSE, DROP`)
    if (word !== 'DROP') silent = undefined
  }
  return rules.map(({ rule, actions }) => ({ ...rule, actions: actions.map(actionOf) }))
}

function ruleOf(words: Words): Omit<Rule, 'actions'> {
  const rule = {
    line: words.line,
    probe: words.flag('probe'),
    transport: transportOf(words),
    flags: flagsOf(words),
    times: words.number(words.option('times')) ?? Number.POSITIVE_INFINITY,
    name: patternOf(words, words.take('a name')),
    type: typeOf(words, words.maybe()),
  }
  words.end()
  return rule
}

function patternOf(words: Words, text: string): string {
  if (text === '*') return text
  return text.startsWith('*.') ? `*.${words.name(text.slice(2)).toLowerCase()}` : words.name(text).toLowerCase()
}

function typeOf(words: Words, text: string | undefined): number | undefined {
  return text === undefined || text === '*' ? undefined : words.type(text)
}

function actionOf({ head, word, records }: OpenAction): Action {
  const kind = { REPLY: 'reply', RAW: 'raw', BACK: 'back', CLOSE: 'close' }[word] as Action['kind']
  const after = head.option('after')
  const id = head.option('id')
  if (id !== undefined && id !== 'wrong') head.fail('an id is the one that was asked, or wrong')
  const options = head.options('option').map((text) => head.ednsOption(text))
  const action = {
    kind,
    line: head.line,
    from: head.option('from'),
    afterMs: after === undefined ? 0 : head.duration(after),
    flags: new Set(replyFlags.filter((flag) => head.flag(flag))),
    id: id as 'wrong' | undefined,
    opcode: head.number(head.option('opcode')),
    question: head.option('question'),
    edns: head.flag('edns') || options.length > 0,
    options,
    cut: head.number(head.option('cut')),
    trailing: head.number(head.option('trailing')) ?? 0,
    rcode: kind === 'reply' ? head.oneOf(head.take('a code'), RCODES) : 0,
    raw: kind === 'raw' ? head.take('octets') : '',
    sections: sectionsOf(records).sections,
  }
  if (kind === 'raw' && !/^(\$id|\$question|[0-9a-f]{2})*$|^empty$/i.test(action.raw))
    head.fail('octets are hexadecimal')
  head.end()
  return action
}
