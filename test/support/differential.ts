/** Replies held against what the bare upstream says, as sets of records. */

import type { Endpoint } from './client.ts'
import { Model, type ModelSettings, type Outcome, Wanted } from './differential-model.ts'
import { type Asked, askAll } from './flood.ts'
import type { Message, Rr } from './message.ts'
import { RCODES, TYPES, typeNumber } from './message.ts'
import type { Classified } from './name-classes.ts'

/** What the bare upstream says, asked for once. */
export class Bare {
  readonly #upstream: Endpoint
  readonly #known = new Map<string, Message>()

  constructor(upstream: Endpoint) {
    this.#upstream = upstream
  }

  readonly of = (asked: Asked): Message | undefined => this.#known.get(keyOf(asked))

  async learn(questions: readonly Asked[]): Promise<void> {
    const unknown = [...new Map(questions.map((one) => [keyOf(one), one])).entries()].filter(
      ([key]) => !this.#known.has(key),
    )
    const replies = await askAll(
      this.#upstream,
      unknown.map(([, one]) => one),
    )
    for (const [i, [key]] of unknown.entries()) this.#known.set(key, replies[i] as Message)
  }
}

export interface Verdicts {
  /** Differences that nothing explains: one line each, by class. */
  readonly unexplained: Map<string, string[]>
  /** Questions about names that exist, and that the cut denied: by class. */
  readonly cut: Map<string, Classified[]>
  /** Questions that the bare upstream answers with NOERROR. */
  readonly legal: number
}

export async function judge(
  questions: readonly Classified[],
  replies: readonly Message[],
  bare: Bare,
  settings: ModelSettings,
): Promise<Verdicts> {
  const model = new Model(settings, bare.of)
  const unexplained = new Map<string, string[]>()
  const cut = new Map<string, Classified[]>()
  let legal = 0
  await learnAll(questions, model, bare)
  questions.forEach((question, i) => {
    const reply = replies[i] as Message
    const expected = model.expect(question)
    if (bare.of(question)?.rcode === 0) legal++
    const differs = difference(reply, expected.outcome)
    if (differs === '') return
    if (expected.cut !== undefined && difference(reply, expected.cut) === '') {
      // That a name does not exist is as true with the cut's SOA as with the upstream's.
      if (expected.outcome.rcode === expected.cut.rcode) return
      cut.set(question.group, [...(cut.get(question.group) ?? []), question])
      return
    }
    const lines = unexplained.get(question.group) ?? []
    lines.push(`${question.name} ${question.type}${question.dnssecOk ? ' DO' : ''}: ${differs}`)
    unexplained.set(question.group, lines)
  })
  return { unexplained, cut, legal }
}

/** Asks until the model knows all that it wants to: the name, its parent, the name without its suffix. */
async function learnAll(questions: readonly Classified[], model: Model, bare: Bare): Promise<void> {
  for (let open = questions; open.length > 0; ) {
    const wanted: Asked[] = []
    open = open.filter((question) => {
      try {
        model.expect(question)
        return false
      } catch (error) {
        if (!(error instanceof Wanted)) throw error
        wanted.push(error.asked)
        return true
      }
    })
    await bare.learn(wanted)
  }
}

/** '' when the reply is what it should be. */
function difference(reply: Message, expected: Outcome): string {
  if (reply.rcode !== expected.rcode) return `rcode ${reply.rcode}, not ${expected.rcode}`
  const answers = setDifference(reply.answers, expected.answers)
  if (answers !== '') return answers
  if (reply.answers.length > 0) return ''
  return expected.authority === undefined ? '' : denialDifference(reply, expected.authority)
}

function setDifference(got: readonly Rr[], expected: readonly Rr[]): string {
  const wanted = new Map(expected.map((one) => [textOf(one), one.ttl]))
  const texts = new Set(got.map(textOf))
  for (const one of got) {
    const ttl = wanted.get(textOf(one))
    if (ttl === undefined) return `${textOf(one)} came in addition`
    if (one.ttl > ttl) return `${textOf(one)} has TTL ${one.ttl}, above ${ttl}`
  }
  for (const text of wanted.keys()) if (!texts.has(text)) return `${text} is missing`
  return got.length === texts.size ? '' : 'a record came twice'
}

/** The upstream's SOA, and with DO its proof, stay; where it sent no SOA, ours is a strict ancestor's (FIELD 3.5). */
function denialDifference({ rcode, authority, questions }: Message, upstream: readonly Rr[]): string {
  const kept = upstream.filter(({ type }) => proof.has(type))
  const soa = kept.find(({ type }) => type === typeNumber('SOA'))
  if (soa !== undefined) {
    const most = Math.min(soa.ttl, Number(soa.data.split(' ').at(-1)))
    const differs = setDifference(
      authority.filter(({ type }) => proof.has(type)),
      kept,
    )
    const ttl = authority.find(({ type }) => type === typeNumber('SOA'))?.ttl ?? 0
    return differs || (ttl > most ? `the SOA has TTL ${ttl}, above ${most}` : '')
  }
  const name = questions[0]?.name.toLowerCase() ?? ''
  const [ours, ...more] = authority
  // Decision 9: of types other than A it may stay without.
  if (rcode === RCODES.NXDOMAIN && questions[0]?.type !== TYPES['A'] && ours === undefined) return ''
  if (ours?.type !== typeNumber('SOA') || more.length > 0) return 'no SOA of ours'
  const isAbove = ours.name === '.' || name.endsWith(`.${ours.name.toLowerCase()}`)
  return isAbove && ours.ttl <= 30 ? '' : `the SOA is ${ours.name} ${ours.ttl}`
}

/** SOA, RRSIG, NSEC, NSEC3. */
const proof = new Set([6, 46, 47, 50])

function textOf({ name, type, data }: Rr): string {
  return `${name.toLowerCase()} ${type} ${isName.has(type) ? data.toLowerCase() : data}`
}

/** Types whose data are names, which may come in any letter case. */
const isName = new Set([2, 5, 6, 12, 15, 33, 39])

function keyOf({ name, type, dnssecOk = false }: Asked): string {
  return `${name.toLowerCase()} ${type} ${dnssecOk}`
}
