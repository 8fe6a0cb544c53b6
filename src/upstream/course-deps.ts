import type { Counters } from '../metrics/counters.ts'
import type { Attempts } from './attempts.ts'
import type { Budget } from './budget.ts'
import type { Choice } from './choice.ts'
import type { Flights } from './flight.ts'
import type { FlightEnd } from './flight-end.ts'
import type { Health } from './health.ts'
import type { Sender } from './send.ts'
import type { Track } from './track.ts'

/** What the course of a flight stands on. */
export interface CourseDeps {
  readonly flights: Flights
  readonly attempts: Attempts
  readonly health: Health
  readonly track: Track
  readonly choice: Choice
  readonly sender: Sender
  readonly counters: Counters
  readonly budget: Budget
  readonly end: FlightEnd
  readonly isStreamed: (upstream: number) => boolean
  readonly ownEnded: (flight: number, rcode: number, now: number) => void
}
