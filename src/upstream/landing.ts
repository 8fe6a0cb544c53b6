import type { Deadlines } from '../base/deadlines.ts'
import { flights as flightEnds } from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { FLAGS, HEADER, QR, RA, RCODE, RD, readU16 } from '../wire/header.ts'
import { writeQuestion } from '../wire/outgoing.ts'
import type { Attempts } from './attempts.ts'
import { attemptsKept } from './attempts.ts'
import type { Flights } from './flight.ts'
import { FLAG_RD, OWN } from './flight.ts'
import type { FlightEnd } from './flight-end.ts'
import { FAIL_BUDGET, FAIL_LOOP, FAIL_NETWORK, FAIL_NONE, FAIL_TIMEOUT } from './flight-end.ts'
import type { Sender } from './send.ts'

export interface LandingDeps {
  readonly flights: Flights
  readonly attempts: Attempts
  readonly sender: Sender
  readonly counters: Counters
  readonly end: FlightEnd
  /** A question of our own has ended: by an answer with this rcode, or (-1) without. */
  readonly ownEnded: (flight: number, rcode: number, now: number) => void
}

/**
 * The end of a flight, told once. First nothing may reach it any more (no join, no packet, no deadline), then the end is told, then its
 * slot is free: the road back may ask the same question again, and gets a new flight.
 */
export class Landing {
  private readonly deps: LandingDeps
  private readonly flights: Flights
  private readonly deadlines: Deadlines
  private readonly message = new Uint8Array(512)
  private readonly name = new Uint8Array(256)

  constructor(deps: LandingDeps, deadlines: Deadlines) {
    this.deps = deps
    this.flights = deps.flights
    this.deadlines = deadlines
  }

  deliver(flight: number, bytes: Uint8Array, at: number, length: number, upstream: number, now: number): void {
    if (this.flights.kind[flight] === OWN) {
      this.endOwn(flight, readU16(bytes, at + FLAGS) & RCODE, now)
    } else if (length === HEADER) {
      // It left the question out: the engine gets it with one.
      this.deliverFailure(flight, readU16(bytes, at + FLAGS) & RCODE, upstream, now)
    } else {
      this.tell(flight, bytes, at, length, upstream, now)
    }
  }

  /** A failure that an upstream answered, in words of our own, since its bytes are gone. */
  deliverFailure(flight: number, rcode: number, upstream: number, now: number): void {
    const rd = ((this.flights.flags[flight] as number) & FLAG_RD) !== 0 ? RD : 0
    this.flights.copyName(flight, this.name)
    const nameLength = this.flights.nameLength[flight] as number
    const type = this.flights.type[flight] as number
    const length = writeQuestion(this.message, 0, 0, QR | rd | RA | rcode, this.name, nameLength, type, 0, false)
    this.tell(flight, this.message, 0, length, upstream, now)
  }

  fail(flight: number, reason: number, now: number): void {
    if (this.flights.kind[flight] === OWN) {
      this.endOwn(flight, -1, now)
      return
    }
    const late = now >= (this.flights.giveUpAt[flight] as number)
    this.cutOff(flight)
    this.deps.counters.add(late ? flightEnds.abandoned : flightEnds.failed)
    this.deps.end.failed(flight, reason, now)
    this.flights.close(flight)
  }

  /** Why nobody answered: FAIL_*. */
  reason(flight: number): number {
    const { flights, attempts } = this.deps
    if (flights.route[flight] === -1) return FAIL_NONE
    if (flights.restrained[flight] === 1) return FAIL_LOOP
    if (flights.budgetWait[flight] !== 0 && flights.tried[flight] === 0) return FAIL_BUDGET
    const refused = flights.networkErrors[flight] !== 0 && attempts.hopeful(flight) === 0
    return refused ? FAIL_NETWORK : FAIL_TIMEOUT
  }

  closeAttempts(flight: number): void {
    const from = flight * attemptsKept
    for (let attempt = from; attempt < from + attemptsKept; attempt++) {
      if (this.deps.attempts.isOpen(attempt)) this.deps.sender.close(attempt)
    }
  }

  private tell(flight: number, bytes: Uint8Array, at: number, length: number, upstream: number, now: number): void {
    this.cutOff(flight)
    this.deps.counters.add(flightEnds.answered)
    this.deps.end.answered(flight, bytes, at, length, upstream, now)
    this.flights.close(flight)
  }

  private endOwn(flight: number, rcode: number, now: number): void {
    this.cutOff(flight)
    this.flights.close(flight)
    this.deps.ownEnded(flight, rcode, now)
  }

  private cutOff(flight: number): void {
    this.flights.unfile(flight)
    this.deadlines.clear(flight)
    this.closeAttempts(flight)
  }
}
