import { RULE_OBSERVED, RULE_REPLIED } from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { Answer, type Asked } from '../query/answer.ts'
import type { Draft } from '../query/draft.ts'
import { PASS } from '../query/verdict.ts'
import { Ede } from '../wire/codes.ts'
import type { Rebuilt } from '../wire/rebuild.ts'
import { negativeTtlDefault } from './negative.ts'
import type { Rule } from './rule.ts'
import { ruleKinds } from './rules.ts'

/** What is asked here of a rule in its place. */
interface Seat {
  readonly kind: { readonly name: string }
  readonly rule: Rule
  readonly mark: number
  readonly observed: boolean
  readonly row: number
}

/**
 * The rules' say on what upstreams say, before it is cached.
 *
 * A refused answer becomes NODATA with an SOA of ours. An error would make resolvers turn to their next server, which may not refuse, and ask again
 * and again; NXDOMAIN would deny the name's other types too (RFC 2308 section 5).
 */
export class AnswerChecks {
  /** Of the rules that look at answers. */
  readonly seats: readonly Seat[]
  private readonly counters: Counters
  private readonly answer = new Answer()

  constructor(seats: readonly Seat[], counters: Counters) {
    this.seats = seats.filter(({ rule }) => rule.checkAnswer)
    this.counters = counters
  }

  /** For how many seconds a rule refuses the answer, which is then emptied; 0: none does. */
  refuse(rebuilt: Rebuilt, asked: Asked): number {
    const { seats, answer, counters } = this
    if (seats.length === 0) return 0
    answer.open(rebuilt, asked)
    for (let i = 0; i < seats.length; i++) {
      const { rule, row, observed, mark } = seats[i] as Seat
      if ((rule as Required<Rule>).checkAnswer(answer) === PASS) continue
      counters.add(row + (observed ? RULE_OBSERVED : RULE_REPLIED))
      if (observed) continue
      rebuilt.withhold(placeOf(mark), asked.name, asked.nameLength, negativeTtlDefault)
      return negativeTtlDefault
    }
    return 0
  }

  /** Says which rule refused the answer, whether that was just now or is remembered by the cache (RFC 8914 section 4.16). */
  explain(draft: Draft): void {
    draft.ede = Ede.BLOCKED
    draft.edeText = edeTexts[draft.refusedBy - 1] ?? draft.edeText
  }
}

/** A rule's place in `rules.ts`, from 1, as a draft's `refusedBy` has it. */
export function placeOf(mark: number): number {
  return 32 - Math.clz32(mark)
}

/** By place in the list of rules. */
const edeTexts = ruleKinds.map(({ name }) => new TextEncoder().encode(`${name}: the answer was refused`))
