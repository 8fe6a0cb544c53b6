import { indexName } from '../query/open.ts'
import { Query } from '../query/query.ts'
import { PASS } from '../query/verdict.ts'
import type { Forward } from '../upstream/forward.ts'
import { Type } from '../wire/codes.ts'
import { RD } from '../wire/header.ts'
import type { Plan } from './plan.ts'

/**
 * Questions that rules ask: does this name exist? Type A, RD, no DO, by the route of their own name; a flight like any other, so that clients
 * who ask the same join it, and its answer is cached.
 */
export class Probes {
  private readonly question = new Query()
  private readonly hashSeed: number
  private readonly forward: Forward

  constructor(forward: Forward, hashSeed: number) {
    this.forward = forward
    this.hashSeed = hashSeed
    this.question.flags = RD
    this.question.type = Type.A
    this.question.askType = Type.A
  }

  /** The question for the name `name[from … to)`, lower-case wire form; the other calls are about it. */
  about(plan: Plan, name: Uint8Array, from: number, to: number): void {
    const { question } = this
    for (let i = from; i < to; i++) question.name[i - from] = name[i] as number
    question.nameLength = to - from
    indexName(question, this.hashSeed)
    question.route = plan.routes.find(question)
  }

  /** Is it being asked already? */
  get isOpen(): boolean {
    return this.forward.isOpen(this.question)
  }

  /** It costs the upstream a question as any miss does. Over the limit, the query goes on without, and is refused if it misses. */
  mayAsk({ guard }: Plan, query: Query): boolean {
    const { dry } = query
    query.dry = 1
    const isOver = guard.checkMiss(query) !== PASS
    query.dry = dry
    // Asked dry first, so that one query is never booked as refused twice.
    return !isOver && (dry === 1 || guard.checkMiss(query) === PASS)
  }

  /** Its flight; negative when there is none (see Forward.ask). */
  ask(now: number): number {
    return this.forward.ask(this.question, now)
  }
}
