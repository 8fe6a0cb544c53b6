import { checkAnswer } from '../../src/wire/incoming.ts'
import { writeQuestion } from '../../src/wire/outgoing.ts'
import { Rebuilt } from '../../src/wire/rebuild.ts'
import { question } from '../load/names.ts'
import { stubAnswer } from '../load/stub-answer.ts'
import type { Micro } from './micro.ts'

const asked = question('h1.bench.example', 1)
const name = asked.slice(12, -4)
const positive = answerTo(asked)
const negativeAsked = question('h1.example.org', 1)
const negativeName = negativeAsked.slice(12, -4)
const negative = answerTo(negativeAsked)
const rebuilt = new Rebuilt()
const out = new Uint8Array(1024)

export const wireMicros: readonly Micro[] = [
  {
    name: 'wire/outgoing',
    what: '18 bytes of name, with OPT',
    step: () => writeQuestion(out, 0, 7, 0x100, name, name.length, 1, 0, true),
  },
  {
    name: 'wire/incoming, positive',
    what: 'one A record',
    step: () => checkAnswer(positive, 0, positive.length, 0, name, name.length, 1),
  },
  {
    name: 'wire/rebuild, positive',
    what: 'one A record',
    step: () => {
      rebuilt.read(positive, 0, positive.length, name, name.length, 1)
      return rebuilt.kind
    },
  },
  {
    name: 'wire/rebuild, negative',
    what: 'NXDOMAIN with SOA',
    step: () => {
      rebuilt.read(negative, 0, negative.length, negativeName, negativeName.length, 1)
      return rebuilt.kind
    },
  },
]

function answerTo(query: Uint8Array): Uint8Array {
  const to = new Uint8Array(512)
  return to.slice(0, stubAnswer(query, 0, query.length, to, 0))
}
