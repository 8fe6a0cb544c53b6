import type { Random } from '../base/random.ts'
import { sendErrors, UP_PACKETS, UP_TCP, upstream as upstreamRow } from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { Batch } from '../net/batch.ts'
import { Outbox } from '../net/outbox.ts'
import type { DatagramPort } from '../net/reactor.ts'
import type { Sys } from '../net/sys.ts'
import { AD, CD, RD } from '../wire/header.ts'
import { writeQuestion } from '../wire/outgoing.ts'
import type { Attempts } from './attempts.ts'
import type { Budget } from './budget.ts'
import { packetsPerStreamed } from './budget.ts'
import type { Flights } from './flight.ts'
import { FLAG_CD, FLAG_DO, FLAG_RD, SHARED } from './flight.ts'
import type { Pool } from './pool.ts'
import { portsMax } from './pool.ts'
import type { StreamedUpstream } from './streamed.ts'

/** A question has at most 282 bytes: header 12, name 255, type and class 4, OPT 11. */
const questionSlotBytes = 512

export interface SendDeps {
  readonly sys: Sys | undefined
  readonly random: Random
  readonly counters: Counters
  readonly streamed: StreamedUpstream
  readonly budget: Budget
}

/** Puts attempts on their way: datagrams through the pool and one outbox per turn, streams by the link. */
export class Sender {
  private readonly deps: SendDeps
  private readonly flights: Flights
  private readonly attempts: Attempts
  private readonly pool: Pool
  private readonly outbox: Outbox
  private readonly name = new Uint8Array(256)
  private readonly message = new Uint8Array(questionSlotBytes)
  private readonly used = new Int16Array(portsMax)
  private readonly isUsed = new Uint8Array(portsMax)
  private usedCount = 0

  constructor(deps: SendDeps, flights: Flights, attempts: Attempts, pool: Pool) {
    this.deps = deps
    this.flights = flights
    this.attempts = attempts
    this.pool = pool
    this.outbox = new Outbox(new Batch(deps.sys, questionSlotBytes))
  }

  /** Sends the flight's question in a datagram; returns the attempt, or -1 when the network gives no socket. */
  datagram(flight: number, upstream: number, now: number): number {
    const port = this.pool.pick(upstream, now)
    if (port === -1) return -1
    const attempt = this.place(flight)
    this.attempts.openDatagram(attempt, upstream, port, this.freeId(port), now)
    this.write(attempt)
    return attempt
  }

  /** Sends it by a stream; returns the attempt, or -1 when no credit is left. */
  stream(flight: number, upstream: number, now: number): number {
    const attempt = this.place(flight)
    this.attempts.openStream(attempt, upstream, now)
    if (this.handOver(attempt)) return attempt
    this.attempts.close(attempt)
    return -1
  }

  /**
   * Asks once more without EDNS, with the same port and id (or as a stream): so both the answer to this and the true answer behind a
   * forged FORMERR are heard. False when it could not be sent.
   */
  withoutEdns(attempt: number): boolean {
    this.attempts.withEdns[attempt] = 0
    if (this.attempts.isStream(attempt)) return this.handOver(attempt)
    this.write(attempt)
    return true
  }

  close(attempt: number): void {
    const port = this.attempts.close(attempt)
    if (port !== -1) this.pool.release(port)
  }

  /** Sends what was written; reports each port on which the network said no. */
  flush(onError: (port: number) => void): void {
    this.outbox.flush()
    for (let i = 0; i < this.usedCount; i++) {
      const port = this.used[i] as number
      this.isUsed[port] = 0
      const socket = this.pool.socket(port)
      if (socket === undefined) continue
      if (socket.dropped > 0) {
        this.deps.counters.add(sendErrors, socket.dropped)
        socket.dropped = 0
      }
      if (socket.lastError !== 0) this.errors[this.errorCount++] = port
    }
    this.usedCount = 0
    // What is sent in answer to these errors waits for the next flush: an upstream that refuses must not hold the turn.
    while (this.errorCount > 0) onError(this.errors[--this.errorCount] as number)
  }

  private readonly errors = new Int16Array(portsMax)
  private errorCount = 0

  private place(flight: number): number {
    const attempt = this.attempts.placeFor(flight)
    if (this.attempts.isOpen(attempt)) this.close(attempt)
    return attempt
  }

  /** An id that nothing waits for on this port, unpredictable (RFC 5452 section 9.2). */
  private freeId(port: number): number {
    for (;;) {
      const id = this.deps.random.u16()
      if (this.attempts.find(port, id) === -1) return id
    }
  }

  private write(attempt: number): void {
    const port = this.attempts.port[attempt] as number
    const socket = this.pool.socket(port) as DatagramPort
    const slot = this.outbox.take(socket)
    const { batch } = this.outbox
    this.outbox.commit(this.question(attempt, batch.bytes, batch.dataAt(slot), this.attempts.id[attempt] as number))
    const upstream = this.attempts.upstream[attempt] as number
    this.deps.counters.add(upstreamRow.at(upstream, UP_PACKETS))
    this.deps.budget.spend(upstream, 1, this.attempts.sentAt[attempt] as number)
    if (this.isUsed[port] === 0) {
      this.isUsed[port] = 1
      this.used[this.usedCount++] = port
    }
  }

  private handOver(attempt: number): boolean {
    const upstream = this.attempts.upstream[attempt] as number
    const generation = this.attempts.generation[attempt] as number
    const length = this.question(attempt, this.message, 0, 0)
    if (!this.deps.streamed.ask(upstream, attempt, generation, this.message, 0, length)) return false
    this.deps.counters.add(upstreamRow.at(upstream, UP_TCP))
    this.deps.budget.spend(upstream, packetsPerStreamed, this.attempts.sentAt[attempt] as number)
    return true
  }

  private question(attempt: number, to: Uint8Array, at: number, id: number): number {
    const flight = this.attempts.flightOf(attempt)
    const flags = this.flights.flags[flight] as number
    const isShared = this.flights.kind[flight] === SHARED
    // AD asks for the AD bit of the answer (RFC 6840 section 5.7); which client gets to see it is decided per reply, so one flight serves all.
    const ad = isShared ? AD : 0
    const bits = ad | ((flags & FLAG_RD) !== 0 ? RD : 0) | ((flags & FLAG_CD) !== 0 ? CD : 0)
    const withEdns = isShared && this.attempts.withEdns[attempt] === 1
    this.flights.copyName(flight, this.name)
    return writeQuestion(
      to,
      at,
      id,
      bits,
      this.name,
      this.flights.nameLength[flight] as number,
      this.flights.type[flight] as number,
      (flags & FLAG_DO) !== 0 ? 1 : 0,
      withEdns,
    )
  }
}
