import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { StaleScope } from '../cache/stale.ts'
import type { Guard } from '../guard/guard.ts'
import { createGuard } from '../guard/guard.ts'
import type { WorkerEvent } from '../link/messages.ts'
import type { PlanData } from '../link/plan-data.ts'
import type { Counters } from '../metrics/counters.ts'
import { NameSet } from '../query/name-set.ts'
import { RouteTable } from '../query/route.ts'

/** All that a reload swaps, built from plain data; one reference in the engine points at it. */
export interface Plan {
  readonly data: PlanData
  readonly guard: Guard
  readonly routes: RouteTable
  readonly clusterDomains: NameSet
  readonly stale: StaleScope
}

export interface PlanDeps {
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  readonly isFirstShard: boolean
  readonly hashSeed: number
  /** Sends a question of a rule's own (guard/rule Host). */
  readonly ask: (name: Uint8Array, from: number, to: number, now: number) => boolean
  /** Memory that all shards share under this key; the same after a reload. */
  readonly shared: (key: string, bytes: number) => SharedArrayBuffer | undefined
  readonly events: (event: WorkerEvent) => void
}

/** Builds a plan; throws a sentence when a rule refuses its settings. @param before hands its rules' state over */
export function buildPlan(data: PlanData, deps: PlanDeps, before: Plan | undefined): Plan {
  return {
    data,
    guard: createGuard(data, deps, before?.guard),
    routes: new RouteTable(data),
    clusterDomains: new NameSet(data.clusterDomains),
    stale: new StaleScope(data),
  }
}
