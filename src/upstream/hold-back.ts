import { UP_HELD_BACK, UP_OVER_BUDGET, upstream as upstreamRow } from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Budget } from './budget.ts'
import { URGENCY_EARLY } from './budget.ts'
import type { Flights } from './flight.ts'

/** A question waits for the budget of its upstream so long at most, in ms; one that nobody misses does not wait. */
const waitMax = 300

/** What becomes of questions for which the budget has no packet now. */
export class HoldBack {
  private readonly flights: Flights
  private readonly budget: Budget
  private readonly counters: Counters

  constructor(flights: Flights, budget: Budget, counters: Counters) {
    this.flights = flights
    this.budget = budget
    this.counters = counters
  }

  /** After how many ms the flight may try again to go to the upstream, 0: it may go, -1: it has waited long enough, or may not wait. */
  of(flight: number, upstream: number, now: number): number {
    if (!this.budget.isOn) return 0
    const urgency = this.flights.urgency[flight] as number
    const client = this.flights.client[flight] as number
    const wait = this.budget.wait(upstream, urgency, now, this.budget.shares.isGreedy(client, now))
    if (wait === 0) {
      this.budget.shares.spend(client, now)
      return 0
    }
    const waited = (this.flights.budgetWait[flight] as number) + wait
    this.flights.budgetWait[flight] = waited
    const isOver = waited > waitMax || urgency >= URGENCY_EARLY
    this.counters.add(upstreamRow.at(upstream, isOver ? UP_OVER_BUDGET : UP_HELD_BACK))
    return isOver ? -1 : wait
  }
}
