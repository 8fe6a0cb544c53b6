import { Buckets } from '../base/buckets.ts'
import { flightSlots, indexAfter } from './flight.ts'
import { portsMax } from './pool.ts'

/**
 * How many attempts of one flight may be answered at the same time: an attempt that timed out stays open, since a late answer is
 * still the true one. A fifth attempt takes the place of the oldest.
 */
export const attemptsKept = 4
const attemptSlots = flightSlots * attemptsKept

const FREE = 0
const DATAGRAM = 1
const STREAM = 2

/**
 * What was sent and may be answered: attempt number `flight · attemptsKept + k`, as columns.
 *
 *   (port, id) ─▶ index ─▶ attempt          heads[port] ─▶ attempt ⇄ attempt ⇄ -1: all that wait on one port
 *
 * The key of the index is port · 65536 + id as it is, so a find is exact, and no id is used twice on a port while it waits.
 */
export class Attempts {
  /** Index of the upstream; -1 when a reload took it away. */
  readonly upstream = new Int8Array(attemptSlots)
  readonly port = new Int16Array(attemptSlots)
  readonly id = new Uint16Array(attemptSlots)
  readonly sentAt = new Float64Array(attemptSlots)
  readonly withEdns = new Uint8Array(attemptSlots)
  /** 1 when the network said that nobody is there. It may be a lie (SAD DNS), so the attempt stays open. */
  readonly refused = new Uint8Array(attemptSlots)
  /** Counts how often the slot was used: tells a late streamed answer from a current one. */
  readonly generation = new Uint32Array(attemptSlots)
  private readonly state = new Uint8Array(attemptSlots)
  private readonly index = new Buckets(attemptSlots)
  private readonly heads = new Int32Array(portsMax).fill(-1)
  private readonly next = new Int32Array(attemptSlots)
  private readonly previous = new Int32Array(attemptSlots)

  isOpen(attempt: number): boolean {
    return this.state[attempt] !== FREE
  }

  isStream(attempt: number): boolean {
    return this.state[attempt] === STREAM
  }

  flightOf(attempt: number): number {
    return Math.floor(attempt / attemptsKept)
  }

  /** The place that the flight's next attempt should take: a free one or the oldest, which must then be closed. */
  placeFor(flight: number): number {
    const from = flight * attemptsKept
    let oldest = from
    for (let attempt = from; attempt < from + attemptsKept; attempt++) {
      if (this.state[attempt] === FREE) return attempt
      if ((this.sentAt[attempt] as number) < (this.sentAt[oldest] as number)) oldest = attempt
    }
    return oldest
  }

  /** The attempt that waits for `id` on `port`, or -1. */
  find(port: number, id: number): number {
    return this.index.first((port << 16) | id)
  }

  openDatagram(attempt: number, upstream: number, port: number, id: number, now: number): void {
    this.open(attempt, DATAGRAM, upstream, now)
    this.port[attempt] = port
    this.id[attempt] = id
    this.index.add(attempt, (port << 16) | id)
    const head = this.heads[port] as number
    this.next[attempt] = head
    this.previous[attempt] = -1
    if (head !== -1) this.previous[head] = attempt
    this.heads[port] = attempt
  }

  openStream(attempt: number, upstream: number, now: number): void {
    this.open(attempt, STREAM, upstream, now)
  }

  /** Returns the port it waited on, or -1. */
  close(attempt: number): number {
    const state = this.state[attempt]
    this.state[attempt] = FREE
    if (state !== DATAGRAM) return -1
    this.index.remove(attempt)
    const before = this.previous[attempt] as number
    const after = this.next[attempt] as number
    const port = this.port[attempt] as number
    if (before === -1) this.heads[port] = after
    else this.next[before] = after
    if (after !== -1) this.previous[after] = before
    return port
  }

  /** All that wait on a port: `firstOn`, then `nextOn` until -1. */
  firstOn(port: number): number {
    return this.heads[port] as number
  }

  nextOn(attempt: number): number {
    return this.next[attempt] as number
  }

  /** Does the flight wait for a datagram on this port? */
  waitsOn(flight: number, port: number): boolean {
    const from = flight * attemptsKept
    for (let attempt = from; attempt < from + attemptsKept; attempt++) {
      if (this.state[attempt] === DATAGRAM && this.port[attempt] === port) return true
    }
    return false
  }

  /** How many of the flight's attempts may still be answered, as far as the network tells. */
  hopeful(flight: number): number {
    const from = flight * attemptsKept
    let count = 0
    for (let attempt = from; attempt < from + attemptsKept; attempt++) {
      if (this.isHopeful(attempt)) count++
    }
    return count
  }

  isHopeful(attempt: number): boolean {
    return this.state[attempt] !== FREE && this.refused[attempt] === 0
  }

  /** The attempt of the flight that was sent last and is still open, or -1. */
  latest(flight: number): number {
    const from = flight * attemptsKept
    let latest = -1
    for (let attempt = from; attempt < from + attemptsKept; attempt++) {
      if (this.state[attempt] === FREE) continue
      if (latest === -1 || (this.sentAt[attempt] as number) > (this.sentAt[latest] as number)) latest = attempt
    }
    return latest
  }

  /** Upstreams have new indexes after a reload: `before[new index]` is the old one, or -1. */
  renumber(before: readonly number[]): void {
    for (let attempt = 0; attempt < attemptSlots; attempt++) {
      if (this.state[attempt] !== FREE) this.upstream[attempt] = indexAfter(before, this.upstream[attempt] as number)
    }
  }

  private open(attempt: number, state: number, upstream: number, now: number): void {
    this.state[attempt] = state
    this.upstream[attempt] = upstream
    this.sentAt[attempt] = now
    this.withEdns[attempt] = 1
    this.refused[attempt] = 0
    this.generation[attempt] = ((this.generation[attempt] as number) + 1) >>> 0
  }
}
