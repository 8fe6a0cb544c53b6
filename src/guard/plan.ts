import type { RuleData } from '../link/plan-data.ts'
import { lookedUpMemory } from './looked-up.ts'
import type { RuleKind, SharedMemory } from './rule.ts'
import { ruleKinds } from './rules.ts'

/** The guard's settings as parsed: its own `mode`, and a section for each rule with a `mode` of its own. */
export interface GuardModes {
  readonly mode: 'enforce' | 'observe'
  readonly [rule: string]: unknown
}

/**
 * Settings → the rules of a plan, for main: those that are built and not disabled, in their order. `guard.mode:
 * observe` makes observers of all but acl, which protects others from us and not only us from clients.
 */
export function planRules(settings: GuardModes, kinds = ruleKinds): RuleData[] {
  return kinds.flatMap((kind) => {
    const own = settings[kind.name] as { readonly mode: 'enforce' | 'observe' | 'disabled' }
    if (own.mode === 'disabled') return []
    const observe = settings.mode === 'observe' && kind.ignoresGuardMode !== true
    return [{ name: kind.name, mode: observe ? 'observe' : own.mode, settings: own }]
  })
}

/**
 * The memory that the rules of a plan share over all shards, for main to make (once per key) before the plan goes out.
 */
export function sharedMemory(
  rules: readonly RuleData[],
  kinds: readonly RuleKind<unknown>[] = ruleKinds,
): SharedMemory[] {
  const found = rules.flatMap(({ name, settings }) => {
    const kind = kinds.find((one) => one.name === name)
    return kind === undefined ? [] : [{ kind, settings }]
  })
  const own = found.flatMap(({ kind, settings }) => (kind.memory === undefined ? [] : [kind.memory(settings)]))
  return found.some(({ kind }) => kind.saves) ? [...own, lookedUpMemory] : own
}
