import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { WorkerEvent } from '../link/messages.ts'
import type { PlanData } from '../link/plan-data.ts'
import { rule as ruleCounters } from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { Draft } from '../query/draft.ts'
import { NameSet } from '../query/name-set.ts'
import type { Host, PlanNames, Rule, RuleKind } from './rule.ts'
import { ruleKinds } from './rules.ts'

/** A rule in its place, with what the loop needs at hand. */
export interface Seat {
  readonly kind: RuleKind<unknown>
  readonly rule: Rule
  readonly draft: Draft
  readonly mark: number
  readonly observed: boolean
  /** Where its counters begin. */
  readonly row: number
}

/** The guard of the plan before: its rules hand over their state. */
export interface Before {
  ruleNamed(name: string): Rule | undefined
}

export interface GuardDeps {
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  /** See `Host`. */
  readonly isFirstShard: boolean
  readonly hashSeed: number
  readonly ask: Host['ask']
  /** Memory that all shards share (see `sharedMemory` in plan.ts); undefined where there is none. */
  shared(key: string, bytes: number): SharedArrayBuffer | undefined
  /** To main, which logs it. */
  readonly events: (event: WorkerEvent) => void
}

/** The rules of a plan in their order. See `createGuard`. */
export function createSeats(plan: PlanData, deps: GuardDeps, before: Before | undefined, kinds = ruleKinds): Seat[] {
  const names = planNames(plan)
  const seats: Seat[] = []
  kinds.forEach((kind, index) => {
    const data = plan.rules.find(({ name }) => name === kind.name)
    if (data === undefined) return
    const observed = data.mode === 'observe'
    const host: Host = {
      clock: deps.clock,
      random: deps.random,
      counters: deps.counters,
      draft: new Draft(draftBytes),
      mark: 1 << index,
      index,
      observed,
      names,
      onLink: plan.onLink,
      isFirstShard: deps.isFirstShard,
      hashSeed: deps.hashSeed,
      ask: deps.ask,
      shared: (key, bytes) => deps.shared(key, bytes),
      event: (event) => deps.events({ kind: 'rule', rule: kind.name, ...event }),
      files: (path) => (Object.hasOwn(plan.files, path) ? plan.files[path] : undefined),
    }
    const rule = kind.create(data.settings, host, before?.ruleNamed(kind.name))
    seats.push({ kind, rule, draft: host.draft, mark: host.mark, observed, row: ruleCounters.at(index, 0) })
  })
  return seats
}

function planNames(plan: PlanData): PlanNames {
  const zones = plan.routes.flatMap((route) => route.zones).filter((zone) => zone.length > 1)
  return {
    clusterDomains: new NameSet(plan.clusterDomains),
    searchSuffixes: new NameSet(plan.searchSuffixes),
    routeZones: new NameSet(zones),
    localNames: new NameSet(plan.localNames),
    servedBelow: new NameSet(plan.servedBelow),
  }
}

/** Enough for a denial with its SOA. */
const draftBytes = 512
