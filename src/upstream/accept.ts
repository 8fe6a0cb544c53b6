import { ednsRetried } from '../metrics/catalog.ts'
import { Rcode } from '../wire/codes.ts'
import { FLAGS, RCODE, readU16, TC } from '../wire/header.ts'
import { answerRcode } from '../wire/incoming.ts'
import type { Attempts } from './attempts.ts'
import type { Course, CourseDeps } from './course.ts'
import type { Flights } from './flight.ts'
import { SHARED } from './flight.ts'
import { FAIL_NONE } from './flight-end.ts'

/** What an answer means for its flight: the end, another attempt, or a stream. */
export class Acceptance {
  private readonly deps: CourseDeps
  private readonly course: Course
  private readonly flights: Flights
  private readonly attempts: Attempts

  constructor(deps: CourseDeps, course: Course) {
    this.deps = deps
    this.course = course
    this.flights = deps.flights
    this.attempts = deps.attempts
  }

  /** An answer that was checked against the attempt's question. */
  accept(attempt: number, bytes: Uint8Array, at: number, length: number, now: number): void {
    const flight = this.attempts.flightOf(attempt)
    const upstream = this.attempts.upstream[attempt] as number
    const flags = readU16(bytes, at + FLAGS)
    const rcode = answerRcode(bytes, at, length)
    const isFailure = isEdnsTrouble(rcode) || rcode === Rcode.SERVFAIL || rcode === Rcode.REFUSED
    if (!isFailure) this.helped(flight, attempt, upstream, now)
    this.deps.track.answered(upstream, now - (this.attempts.sentAt[attempt] as number), isFailure, now)
    if (this.flights.route[flight] === -1) {
      this.course.landing.fail(flight, FAIL_NONE, now)
    } else if (this.flights.kind[flight] !== SHARED) {
      this.course.landing.deliver(flight, bytes, at, length, upstream, now)
    } else if ((flags & TC) !== 0 && !this.attempts.isStream(attempt)) {
      this.course.moveToStream(flight, upstream, now)
    } else if (isEdnsTrouble(rcode) && this.askWithoutEdns(attempt)) {
      this.course.watch(flight, attempt, this.course.attemptMs(upstream), now)
    } else if (isFailure) {
      this.failureAnswered(attempt, bytes, at, length, now)
    } else {
      this.course.landing.deliver(flight, bytes, at, length, upstream, now)
    }
  }

  /** It gave an answer that others of this flight did not. */
  private helped(flight: number, attempt: number, upstream: number, now: number): void {
    const { track } = this.deps
    this.course.hedge.answered(flight, attempt, now)
    if (upstream === -1) return
    const failedBy = (this.flights.failedBy[flight] as number) & ~(1 << upstream)
    if (failedBy === 0) return
    this.flights.failedBy[flight] = 0
    track.blamed(failedBy, this.flights.hashOf(flight), now)
  }

  private askWithoutEdns(attempt: number): boolean {
    if (this.attempts.withEdns[attempt] === 0 || this.attempts.upstream[attempt] === -1) return false
    this.deps.counters.add(ednsRetried)
    return this.deps.sender.withoutEdns(attempt)
  }

  /** SERVFAIL and its kind: another upstream may know better, and so may one whose time is over but that may still answer. */
  private failureAnswered(attempt: number, bytes: Uint8Array, at: number, length: number, now: number): void {
    const flight = this.attempts.flightOf(attempt)
    const upstream = this.attempts.upstream[attempt] as number
    this.deps.track.answeredFailure(upstream)
    this.course.close(attempt)
    if (upstream !== -1) this.flights.failedBy[flight] = (this.flights.failedBy[flight] as number) | (1 << upstream)
    const rcode = answerRcode(bytes, at, length)
    // What speaks of EDNS speaks of this hop: the client hears of a server that failed.
    const told = rcode > RCODE ? Rcode.SERVFAIL : rcode
    const fresh = this.flights.attemptsLeft[flight] === 0 ? -1 : this.deps.choice.next(flight, true)
    if (fresh !== -1) {
      this.course.attempt(flight, fresh, now)
    } else if (this.attempts.hopeful(flight) !== 0) {
      this.holdBack(flight, attempt, told, now)
    } else if (rcode > RCODE) {
      this.course.landing.deliverFailure(flight, told, upstream, now)
    } else {
      this.course.landing.deliver(flight, bytes, at, length, upstream, now)
    }
  }

  /** The failure is delivered when the attempt that is still in the air has had its time. */
  private holdBack(flight: number, attempt: number, rcode: number, now: number): void {
    this.flights.failureRcode[flight] = rcode
    if (this.flights.current[flight] !== attempt) return
    this.flights.current[flight] = -1
    this.flights.attemptAt[flight] = now + this.course.attemptMsMax
    this.course.arm(flight)
  }
}

/**
 * What servers say that don't know EDNS (RFC 6891 section 7), or don't like ours: BADVERS, BADCOOKIE and other extended rcodes. Asked once more without;
 * never remembered for the upstream.
 */
function isEdnsTrouble(rcode: number): boolean {
  return rcode === Rcode.FORMERR || rcode === Rcode.NOTIMP || rcode > RCODE
}
