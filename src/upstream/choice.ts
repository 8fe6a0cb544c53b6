import { UP_RESTRAINED, upstream as upstreamRow } from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Query } from '../query/query.ts'
import type { Budget } from './budget.ts'
import type { Flights } from './flight.ts'
import type { Health } from './health.ts'
import type { LoopBoard } from './loop-board.ts'
import type { Policy } from './policy.ts'
import { Trickle } from './trickle.ts'

/** What `Choice.first` and `Forward.ask` say when there is no upstream to ask: the route has none, … */
export const NO_UPSTREAM = -2
/** … or all that is left of it loops or is down, and its questions of this second are spent. */
export const RESTRAINED = -3

/** One upstream of a route, as explain sees it. */
export interface Outlook {
  readonly upstream: number
  /** Among those that a new question would go to. */
  readonly isAsked: boolean
  /** The one it would go to, where that is no matter of chance. */
  readonly isNext: boolean
  readonly isLooping: boolean
  readonly isDown: boolean
  /** 0 before its first answer. */
  readonly rttMs: number
  /** In a row, and down for them or for a share of them. */
  readonly failures: number
}

/**
 * Whom to ask: those that don't loop and are up, by the policy; then, restrained, one that loops; then, at a trickle, those that are down.
 * Sets of upstreams are 32 bits, one each.
 */
export class Choice {
  private readonly policy: Policy
  private readonly health: Health
  private readonly budget: Budget
  private readonly board: LoopBoard
  private readonly flights: Flights
  private readonly counters: Counters
  private readonly trickle = new Trickle()

  constructor(policy: Policy, health: Health, budget: Budget, board: LoopBoard, flights: Flights, counters: Counters) {
    this.policy = policy
    this.health = health
    this.budget = budget
    this.board = board
    this.flights = flights
    this.counters = counters
  }

  /** For a new flight; one that loops is charged for. */
  first(query: Query, now: number): number {
    const { route } = query
    const all = this.policy.mask(route)
    if (all === 0) return NO_UPSTREAM
    const looping = this.loopsFor(query) & all
    const healthy = all & ~looping & ~this.health.down
    if (healthy !== 0) {
      this.policy.advance(route)
      return this.policy.choose(route, healthy)
    }
    if (looping !== 0) {
      const upstream = this.policy.choose(route, looping)
      if (this.board.mayAskLooping(upstream, now)) return upstream
      this.counters.add(upstreamRow.at(upstream, UP_RESTRAINED))
      if (looping === all) return RESTRAINED
    }
    // All others are down: one of them is asked, since it may be back, first those that have answered since.
    const left = all & ~looping
    const best = this.policy.choose(route, this.best(left))
    if (this.health.speaks(left, now) || this.trickle.take(route, now)) return best
    this.counters.add(upstreamRow.at(best, UP_RESTRAINED))
    return RESTRAINED
  }

  /** For a probe of others: none of `without`; RESTRAINED when that leaves nobody. */
  once(route: number, without: number): number {
    const all = this.policy.mask(route)
    if (all === 0) return NO_UPSTREAM
    const usable = all & ~without
    return usable === 0 ? RESTRAINED : this.policy.choose(route, usable & ~this.health.down || this.best(usable))
  }

  /** For the next attempt: one that was not asked yet, else (unless `freshOnly`) any again; -1 for none. */
  next(flight: number, freshOnly: boolean): number {
    const route = this.flights.route[flight] as number
    if (route === -1) return -1
    const usable = this.policy.mask(route) & ~this.loopsOf(flight)
    const up = usable & ~this.health.down
    const tried = this.flights.tried[flight] as number
    if (freshOnly || (up & ~tried) !== 0) return this.policy.choose(route, up & ~tried)
    return this.policy.choose(route, usable & ~tried || up || this.best(usable))
  }

  /** One that is down and due for a test beside the flight's own attempt, or -1. */
  test(flight: number, now: number): number {
    if (this.health.down === 0) return -1
    const all = this.policy.mask(this.flights.route[flight] as number)
    const untried = all & ~this.loopsOf(flight) & ~(this.flights.tried[flight] as number)
    for (let rest = untried & this.health.down; rest !== 0; rest &= rest - 1) {
      const upstream = 31 - Math.clz32(rest & -rest)
      if (this.health.retestDue(upstream, now)) return upstream
    }
    return -1
  }

  /** What would be asked now, for explain: nobody is, and nobody's turn passes. In the order of the configuration. */
  outlook(query: Query): Outlook[] {
    const { route } = query
    const all = this.policy.mask(route)
    const looping = this.loopsFor(query) & all
    const healthy = all & ~looping & ~this.health.down
    // As `first`: those that work, else one that loops, else whatever there is.
    const asked = healthy !== 0 ? healthy : looping !== 0 ? looping : this.best(all)
    const next = healthy !== 0 ? this.policy.next(route, healthy) : -1
    return this.policy.order(route).map((upstream) => ({
      upstream,
      isAsked: (asked & (1 << upstream)) !== 0,
      isNext: upstream === next,
      isLooping: (looping & (1 << upstream)) !== 0,
      isDown: (this.health.down & (1 << upstream)) !== 0,
      rttMs: this.health.rtt[upstream] as number,
      failures: Math.max(this.health.silences[upstream] as number, this.health.blames[upstream] as number),
    }))
  }

  /** Is one of its route's upstreams neither looping for its name nor down? (`. NS` is answered while one is, FIELD 3.2.) */
  works(query: Query): boolean {
    return (this.policy.mask(query.route) & ~this.loopsFor(query) & ~this.health.down) !== 0
  }

  /** May no packet of this urgency go to any of the route's upstreams now? */
  isSpent(route: number, urgency: number, now: number): boolean {
    for (let rest = this.policy.mask(route); rest !== 0; rest &= rest - 1) {
      if (this.budget.wait(31 - Math.clz32(rest & -rest), urgency, now) === 0) return false
    }
    return true
  }

  /** ms at which one of the route's upstreams last began to answer again; 0: none was down. */
  backSince(route: number): number {
    let since = 0
    for (let rest = this.policy.mask(route); rest !== 0; rest &= rest - 1) {
      since = Math.max(since, this.health.answersSince[31 - Math.clz32(rest & -rest)] as number)
    }
    return since
  }

  /** Upstreams that loop for its name, a bit each. */
  loopsFor({ route, name, nameLength }: Query): number {
    return this.board.loopingFor(route, name, 0, nameLength)
  }

  private loopsOf(flight: number): number {
    const { route, names, nameLength } = this.flights
    const at = this.flights.nameAt(flight)
    return this.board.loopingFor(route[flight] as number, names, at, nameLength[flight] as number)
  }

  /** Among those that are down: the ones that have given good answers since, or all. */
  private best(down: number): number {
    return down & this.health.hopeful || down
  }
}
