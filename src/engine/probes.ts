import { indexName } from '../query/open.ts'
import { Query } from '../query/query.ts'
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

  /** The flight that asks for the name `name[from … to)`, lower-case wire form; negative when there is none (see Forward.ask). */
  ask(plan: Plan, name: Uint8Array, from: number, to: number, now: number): number {
    const { question } = this
    for (let i = from; i < to; i++) question.name[i - from] = name[i] as number
    question.nameLength = to - from
    indexName(question, this.hashSeed)
    question.route = plan.routes.find(question)
    return this.forward.ask(question, now)
  }
}
