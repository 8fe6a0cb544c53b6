import type { AdminProvider, LoopState, Readiness } from '../admin/provider.ts'
import type { Clock } from '../base/clock.ts'
import { ruleNames, savingRules } from '../guard/rules.ts'
import type { PlanData } from '../link/plan-data.ts'
import { Bill } from '../metrics/bill.ts'
import type { Supervisor } from '../threads/supervisor.ts'
import { nameToText } from '../wire/text.ts'
import { billLabels, zoneLabels } from './build-names.ts'
import type { RuleEvents } from './rule-events.ts'
import { version } from './version.ts'

/** What the admin side is told about. */
export interface Facts {
  readonly supervisor: Supervisor
  readonly clock: Clock
  readonly engine: string
  /** The plan that is live. */
  plan: PlanData
  /** ms on the shared clock at which all workers served; 0 before. */
  servingSince: number
  isDraining: boolean
  /** When a (route, upstream) was last marked or healed, wholly or in a zone, in ms since 1970, by `loopKey`. */
  readonly loopSince: Map<string, number>
  /** What rules have said, and what is going on. */
  readonly ruleEvents: RuleEvents
}

const minuteMs = 60_000
/** How long readiness waits for the first loop verdict. */
const verdictWithinMs = 1000

export function loopKey(route: string, upstream: string): string {
  return `${route} ${upstream}`
}

export function createProvider(facts: Facts): AdminProvider {
  const startedAt = Date.now()
  const bill = new Bill(
    { lanes: () => facts.supervisor.lanes, rules: savingRules, suffixes: () => billLabels(facts.plan.billNames) },
    startedAt,
  )
  setInterval(() => bill.minute(), minuteMs).unref()
  return {
    lanes: () => facts.supervisor.lanes,
    names: () => ({
      rules: ruleNames,
      upstreams: facts.plan.upstreams.map(({ name }) => name),
      zones: zoneLabels(facts.plan.billNames, facts.plan.clusterDomains),
    }),
    info: () => ({ version, engine: facts.engine, generation: facts.plan.generation, startedAt }),
    bill: () => bill.report(),
    loops: () => loopStates(facts, startedAt),
    events: () => facts.ruleEvents.recent(),
    episodes: () => facts.ruleEvents.open(Date.now()),
    ready: () => readiness(facts),
    // Loaded when it is first asked: most programs never are.
    explain: async (asked) => (await import('./explain-running.ts')).explainRunning(facts, asked),
  }
}

function loopStates({ plan, supervisor, loopSince }: Facts, startedAt: number): LoopState[] {
  const { loops } = supervisor
  const loopingZones = loops.zones.list()
  return plan.routes.flatMap(({ name, upstreams }, route) =>
    upstreams.map((at): LoopState => {
      const upstream = plan.upstreams[at]?.name ?? ''
      const since = loopSince.get(loopKey(name, upstream)) ?? startedAt
      const inRoute = loopingZones.filter((one) => one.route === route && (one.mask & (1 << at)) !== 0)
      const zones = inRoute.map(({ zone }) => nameToText(zone))
      return { route: name, upstream, marked: loops.isLooping(route, at) || zones.length > 0, zones, since }
    }),
  )
}

/** Ready means: clients may come. Whether upstreams answer does not count, for nobody would be served better elsewhere. */
function readiness({ isDraining, servingSince, supervisor, clock }: Facts): Readiness {
  const reasons: string[] = []
  if (isDraining) reasons.push('it is being stopped')
  else if (servingSince === 0) reasons.push('it is starting')
  else if (supervisor.firstLoopVerdictAt === 0 && clock.now() - servingSince < verdictWithinMs) {
    reasons.push('the first loop probes are under way')
  }
  return { ready: reasons.length === 0, reasons }
}
