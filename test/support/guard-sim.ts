/** A shard in the simulated network with rules as an operator writes them. */
import type { PlanData } from '../../src/link/plan-data.ts'
import { type GuardParts, guardPlan } from './guard.ts'
import type { Message, ReplyParts } from './message.ts'
import { SimShard } from './shard-sim.ts'

/** The parts of a plan that the guard's settings make; routes are the simulated shard's own. */
export function rulesPlan(parts: GuardParts): Partial<PlanData> {
  const { clusterDomains, searchSuffixes, local, servedBelow, billNames, rules } = guardPlan(parts)
  return { clusterDomains, searchSuffixes, local, servedBelow, billNames, rules }
}

export interface GuardSim {
  readonly shard: SimShard
  /** `name TYPE` of each question that went upstream, but for probes of wildcards (a random label below a suffix). */
  asked(): string[]
  /** All that was asked since is forgotten. */
  forget(): void
}

/** @param script answers a question by its lower-case name without final dot */
export function guardSim(
  parts: GuardParts,
  script: (name: string, asked: Message) => ReplyParts | undefined,
  more: Partial<PlanData> = {},
): GuardSim {
  const shard = new SimShard(7, { ...rulesPlan(parts), ...more })
  const seen = shard.upstream(0, (asked) => script(nameOf(asked), asked))
  return {
    shard,
    asked: () =>
      seen.filter((one) => !/^[0-9a-f]{16}\./.test(nameOf(one))).map((one) => `${nameOf(one)} ${typeOf(one)}`),
    forget: () => seen.splice(0),
  }
}

function nameOf(message: Message): string {
  return (message.questions[0]?.name ?? '').toLowerCase().replace(/(?<=.)\.$/, '')
}

function typeOf(message: Message): string {
  const type = message.questions[0]?.type ?? 0
  return ({ 1: 'A', 28: 'AAAA', 33: 'SRV', 16: 'TXT' } as Record<number, string>)[type] ?? `TYPE${type}`
}
