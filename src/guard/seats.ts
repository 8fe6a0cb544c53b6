import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { WorkerEvent } from '../link/messages.ts'
import type { PlanData } from '../link/plan-data.ts'
import { billLength, billRow } from '../metrics/bill-table.ts'
import {
  RULE_DROPPED,
  RULE_LIMITED,
  RULE_RENAMED,
  RULE_REPLIED,
  rule as ruleCounters,
  summedLength,
} from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { Draft } from '../query/draft.ts'
import { LocalTable } from '../query/local-table.ts'
import { NameSet } from '../query/name-set.ts'
import { ASK, CACHE_ONLY, DROP, HOLD, PROBE, REWRITE, type Verdict } from '../query/verdict.ts'
import { Rcode } from '../wire/codes.ts'
import { TC } from '../wire/header.ts'
import { BillRows, RuleBill } from './bill.ts'
import { LookedUp, lookedUpMemory } from './looked-up.ts'
import type { Host, PlanNames, Rule, RuleKind } from './rule.ts'
import { ruleKinds } from './rules.ts'

/** A rule in its place, with what the loop needs at hand. */
export interface Seat {
  readonly kind: RuleKind<unknown>
  readonly rule: Rule
  readonly draft: Draft
  readonly mark: number
  readonly observed: boolean
  readonly saves: boolean
  readonly bill: RuleBill
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
  const hasPrivateUpstream = plan.routes[0]?.upstreams.some((at) => plan.upstreams[at]?.isPrivate) === true
  const billOf = billMaker(plan, deps, kinds)
  kinds.forEach((kind, index) => {
    const data = plan.rules.find(({ name }) => name === kind.name)
    if (data === undefined) return
    const observed = data.mode === 'observe'
    const bill = billOf(kind)
    const host: Host = {
      clock: deps.clock,
      random: deps.random,
      counters: deps.counters,
      draft: new Draft(draftBytes),
      mark: 1 << index,
      index,
      observed,
      names,
      savings: bill,
      hasPrivateUpstream,
      onLink: plan.onLink,
      isFirstShard: deps.isFirstShard,
      hashSeed: deps.hashSeed,
      ask: deps.ask,
      shared: (key, bytes) => deps.shared(key, bytes),
      event: (event) => deps.events({ kind: 'rule', rule: kind.name, ...event }),
    }
    const rule = kind.create(data.settings, host, before?.ruleNamed(kind.name))
    seats.push({
      kind,
      rule,
      draft: host.draft,
      mark: host.mark,
      observed,
      saves: kind.saves === true,
      bill,
      row: ruleCounters.at(index, 0),
    })
  })
  return seats
}

function billMaker(
  plan: PlanData,
  { shared, counters, hashSeed }: GuardDeps,
  kinds: readonly RuleKind<unknown>[],
): (kind: RuleKind<unknown>) => RuleBill {
  const savers = kinds.filter(({ saves }) => saves)
  const rows = new BillRows(plan)
  const isBilled = plan.rules.some(({ name }) => savers.some((kind) => kind.name === name))
  const lookedUps = new LookedUp(isBilled ? shared(lookedUpMemory.key, lookedUpMemory.bytes) : undefined)
  return (kind) => {
    const place = savers.indexOf(kind)
    // Who saves nothing has a bill that nobody reads.
    const [lane, base] =
      place === -1 ? [new Float64Array(billLength), 0] : [counters.lane, summedLength + billRow(place, 0)]
    return new RuleBill(rows, lookedUps, lane, base, hashSeed)
  }
}

function planNames(plan: PlanData): PlanNames {
  const zones = plan.routes.flatMap((route) => route.zones).filter((zone) => zone.length > 1)
  return {
    clusterDomains: new NameSet(plan.clusterDomains),
    searchSuffixes: new NameSet(plan.searchSuffixes),
    routeZones: new NameSet(zones),
    localNames: new LocalTable(plan.local),
    servedBelow: new NameSet(plan.servedBelow),
  }
}

/** Enough for a denial with its SOA. */
const draftBytes = 512

/** Which counter of the rule's row a verdict belongs to; -1 for ASK, PROBE and HOLD, which end in another count. */
export function fieldOf(verdict: Verdict, draft: Draft): number {
  if (verdict === DROP) return RULE_DROPPED
  if (verdict === CACHE_ONLY) return RULE_LIMITED
  if (verdict === REWRITE) return RULE_RENAMED
  if (verdict === ASK || verdict === PROBE || verdict === HOLD) return -1
  const { rcode, flags } = draft
  const isLimit = rcode === Rcode.REFUSED || rcode === Rcode.SERVFAIL || (flags & TC) !== 0
  return isLimit ? RULE_LIMITED : RULE_REPLIED
}
