import { badAnswers } from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { FLAGS, HEADER, ID, QDCOUNT, QR, readU16, TC } from '../wire/header.ts'
import {
  ANSWER_MALFORMED,
  ANSWER_OK,
  ANSWER_QUERY,
  ANSWER_QUESTION,
  ANSWER_SHORT,
  checkAnswer,
} from '../wire/incoming.ts'
import { expandName, lowerName } from '../wire/name.ts'
import type { Attempts } from './attempts.ts'
import type { Flights } from './flight.ts'

/** Packets with the right port and question but the wrong id that a flight suffers: somebody guesses (SAFETY, upstream side). */
const nearMissesMax = 3
/** Packets with the right port and id but otherwise wrong that a flight suffers. */
const badPacketsMax = 16

/**
 * Decides for a datagram from an upstream's port whether it answers one of our questions. What does not is counted and ignored, so that the
 * true answer behind it still wins (TuDoor); a flight that suffers too many of them is handed out as `suspect`.
 */
export class Matcher {
  /** After `match` returned -1: the flight that should move to a stream, or -1. */
  suspect = -1
  private readonly flights: Flights
  private readonly attempts: Attempts
  private readonly counters: Counters
  private readonly name = new Uint8Array(256)
  private readonly raw = new Uint8Array(256)

  constructor(flights: Flights, attempts: Attempts, counters: Counters) {
    this.flights = flights
    this.attempts = attempts
    this.counters = counters
  }

  /** The attempt that the datagram answers, or -1. */
  match(port: number, bytes: Uint8Array, at: number, length: number): number {
    this.suspect = -1
    if (length < HEADER) {
      this.counters.add(badAnswers.short)
      return -1
    }
    const attempt = this.attempts.find(port, readU16(bytes, at + ID))
    if (attempt === -1) {
      this.counters.add(badAnswers.id)
      this.nearMiss(port, bytes, at, length)
      return -1
    }
    const verdict = this.check(attempt, bytes, at, length)
    if (verdict === ANSWER_OK) return attempt
    this.bad(this.attempts.flightOf(attempt), verdict, (readU16(bytes, at + FLAGS) & TC) !== 0)
    return -1
  }

  /** Is the message an answer to the attempt's question? Used for streams as well, whose ids are the connection's own. */
  check(attempt: number, bytes: Uint8Array, at: number, length: number): number {
    if (length < HEADER) return ANSWER_SHORT
    const flight = this.attempts.flightOf(attempt)
    this.flights.copyName(flight, this.name)
    const nameLength = this.flights.nameLength[flight] as number
    const type = this.flights.type[flight] as number
    return checkAnswer(bytes, at, length, readU16(bytes, at + ID), this.name, nameLength, type)
  }

  private bad(flight: number, verdict: number, truncated: boolean): void {
    this.counters.add(reasons[verdict] as number)
    const count = Math.min((this.flights.badPackets[flight] as number) + 1, 0xff)
    this.flights.badPackets[flight] = count
    // Some servers cut a truncated answer within a record: the question was right, so TC is believed.
    const cut = verdict === ANSWER_MALFORMED && truncated
    if (cut || count === badPacketsMax) this.suspect = flight
  }

  /** A wrong id: which of the flights that wait on this port does it aim at? */
  private nearMiss(port: number, bytes: Uint8Array, at: number, length: number): void {
    const end = at + length
    if ((readU16(bytes, at + FLAGS) & QR) === 0 || readU16(bytes, at + QDCOUNT) !== 1) return
    const nameLength = expandName(bytes, at, at + HEADER, end, this.raw, 0)
    if (nameLength === -1 || at + HEADER + nameLength + 4 > end) return
    lowerName(this.raw, 0, nameLength, this.name, 0)
    const type = readU16(bytes, at + HEADER + nameLength)
    const hash = this.flights.hash(this.name, nameLength, type)
    let flight = this.flights.first(hash, this.name, nameLength, type)
    while (flight !== -1) {
      if (this.attempts.waitsOn(flight, port)) {
        const count = Math.min((this.flights.nearMisses[flight] as number) + 1, 0xff)
        this.flights.nearMisses[flight] = count
        if (count >= nearMissesMax) this.suspect = flight
      }
      flight = this.flights.after(flight, this.name, nameLength, type)
    }
  }
}

const reasons: Readonly<Record<number, number>> = {
  [ANSWER_SHORT]: badAnswers.short,
  [ANSWER_QUERY]: badAnswers.query,
  [ANSWER_QUESTION]: badAnswers.question,
  [ANSWER_MALFORMED]: badAnswers.malformed,
}
