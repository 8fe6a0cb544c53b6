import { Buckets } from '../base/buckets.ts'
import { hashBytes, hashEnd, hashWord } from '../base/hash.ts'
import { Slots } from '../base/slots.ts'
import type { Query } from '../query/query.ts'

/** Questions of clients that may be open upstream at once in one shard: 4,096 a second for 2 s. Above it queries are refused, hits still served. */
export const flightsMax = 8192
/** Kept apart for our own loop probes: a flood that takes all flights must not blind the detector. */
export const probesMax = 256
/** Kept apart for tests of upstreams that are down: one a second each, for the 32 there may be, at most 2 s long. */
export const testsMax = 64
/** All slots: a sum of its terms. */
export const flightSlots = flightsMax + probesMax + testsMax
/** A name has at most 255 bytes (RFC 1035 section 2.3.4); 256 keep the slab aligned. */
const nameSlot = 256

/** One flight for all who ask the same; retried, moved to TCP, coalesced. */
export const SHARED = 0
/** A loop or health probe of others: sent once, to one upstream, never joined. */
export const ONCE = 1
/** A question of our own, of which the engine hears nothing: a loop probe, or a test whether an upstream is back. */
export const OWN = 2

/** `hedge` of a flight that goes to one upstream, and of one that will go to a second when it has waited for a while; else the second attempt. */
export const HEDGE_NONE = -1
export const HEDGE_ARMED = -2

export const FLAG_RD = 1
export const FLAG_CD = 2
export const FLAG_DO = 4

/**
 * Flights: our open questions, one slot each, as columns. No object is made per flight, so a flood of misses leaves nothing to collect.
 *
 *   hash(name, type) ─▶ index ─▶ slot ─▶ names[slot · 256 …], type, flags, route, …
 *
 * The index is by name and type alone, so that a packet with a wrong id finds the flights it aims at (see match.ts);
 * flags and route are compared, as is the whole name.
 */
export class Flights {
  readonly names = new Uint8Array(flightSlots * nameSlot)
  readonly nameLength = new Uint8Array(flightSlots)
  readonly type = new Uint16Array(flightSlots)
  /** FLAG_RD, FLAG_CD, FLAG_DO. */
  readonly flags = new Uint8Array(flightSlots)
  readonly route = new Int16Array(flightSlots)
  readonly kind = new Uint8Array(flightSlots)
  /** The engine's chain of waiting queries; -1 for none. */
  readonly firstTicket = new Int32Array(flightSlots)

  readonly attemptsLeft = new Uint8Array(flightSlots)
  /** Upstreams asked so far, a bit each. */
  readonly tried = new Uint32Array(flightSlots)
  /** The attempt whose time runs, or -1. */
  readonly current = new Int32Array(flightSlots)
  /** 1 after a truncated answer or near misses: the rest of this flight goes over streams. */
  readonly overStream = new Uint8Array(flightSlots)
  /** 1 when it goes to an upstream that is marked as looping. */
  readonly restrained = new Uint8Array(flightSlots)
  /** URGENCY_* (budget). */
  readonly urgency = new Uint8Array(flightSlots)
  /** Who asked first: a cell of the shares. */
  readonly client = new Uint8Array(flightSlots)
  /** How long it has waited for the budget, in ms. */
  readonly budgetWait = new Uint16Array(flightSlots)
  readonly networkErrors = new Uint8Array(flightSlots)
  /** A failure that one upstream answered, held back while another may still do better; 0 for none. */
  readonly failureRcode = new Uint8Array(flightSlots)
  /** Upstreams that answered with a failure, a bit each. */
  readonly failedBy = new Uint32Array(flightSlots)
  /** HEDGE_NONE, HEDGE_ARMED, or the attempt at the second upstream. */
  readonly hedge = new Int32Array(flightSlots)
  readonly badPackets = new Uint8Array(flightSlots)
  readonly nearMisses = new Uint8Array(flightSlots)

  /** Absolute times in ms; Infinity for none. */
  readonly attemptAt = new Float64Array(flightSlots)
  readonly replyAt = new Float64Array(flightSlots)
  readonly giveUpAt = new Float64Array(flightSlots)

  private readonly slots = new Slots(flightSlots)
  private readonly index = new Buckets(flightSlots)
  private readonly indexed = new Uint8Array(flightSlots)
  private readonly seed: number
  private own = 0

  constructor(seed: number) {
    this.seed = seed
  }

  get inUse(): number {
    return this.slots.inUse
  }

  isOpen(flight: number): boolean {
    return this.slots.isTaken(flight)
  }

  /** Where the flight's name (lower case, wire form) starts in `names`. */
  nameAt(flight: number): number {
    return flight * nameSlot
  }

  /** Copies the flight's name to the start of `to`, which wire functions read from 0. */
  copyName(flight: number, to: Uint8Array): void {
    const from = flight * nameSlot
    const length = this.nameLength[flight] as number
    for (let i = 0; i < length; i++) to[i] = this.names[from + i] as number
  }

  hash(name: Uint8Array, nameLength: number, type: number): number {
    return hashEnd(hashWord(hashBytes(this.seed, name, 0, nameLength), type))
  }

  /** Of its name and type, as `hash`. */
  hashOf(flight: number): number {
    const from = this.nameAt(flight)
    const to = from + (this.nameLength[flight] as number)
    return hashEnd(hashWord(hashBytes(this.seed, this.names, from, to), this.type[flight] as number))
  }

  /** The open flight for exactly this question, or -1. */
  findFor(query: Query, hash: number): number {
    const { name, nameLength, askType, route } = query
    const flags = flagsOf(query)
    let flight = this.first(hash, name, nameLength, askType)
    while (flight !== -1 && (this.flags[flight] !== flags || this.route[flight] !== route)) {
      flight = this.after(flight, name, nameLength, askType)
    }
    return flight
  }

  /** The first shared flight for this name and type, whatever its flags and route; -1 for none. */
  first(hash: number, name: Uint8Array, nameLength: number, type: number): number {
    return this.skip(this.index.first(hash), name, nameLength, type)
  }

  after(flight: number, name: Uint8Array, nameLength: number, type: number): number {
    return this.skip(this.index.after(flight), name, nameLength, type)
  }

  /** Takes a slot for a question; -1 when the kind's share is used up. Shared ones go into the index. */
  open(
    kind: number,
    hash: number,
    name: Uint8Array,
    nameLength: number,
    type: number,
    flags: number,
    route: number,
  ): number {
    const full = kind === OWN ? this.own === probesMax + testsMax : this.slots.inUse - this.own === flightsMax
    const flight = full ? -1 : this.slots.take()
    if (flight === -1) return -1
    const to = flight * nameSlot
    for (let i = 0; i < nameLength; i++) this.names[to + i] = name[i] as number
    this.nameLength[flight] = nameLength
    this.type[flight] = type
    this.flags[flight] = flags
    this.route[flight] = route
    this.kind[flight] = kind
    this.clear(flight)
    if (kind === OWN) this.own++
    if (kind === SHARED) {
      this.index.add(flight, hash)
      this.indexed[flight] = 1
    }
    return flight
  }

  /** From now on nobody joins it: called before its end is told, since the road back may ask the same again. */
  unfile(flight: number): void {
    if (this.indexed[flight] === 0) return
    this.index.remove(flight)
    this.indexed[flight] = 0
  }

  /** Routes and upstreams have new indexes after a reload: `before[new index]` is the old one, or -1. A route that is gone becomes -1. */
  renumber(routeBefore: readonly number[], upstreamBefore: readonly number[]): void {
    for (let flight = 0; flight < flightSlots; flight++) {
      if (!this.isOpen(flight)) continue
      this.route[flight] = indexAfter(routeBefore, this.route[flight] as number)
      this.tried[flight] = bitsAfter(upstreamBefore, this.tried[flight] as number)
      this.failedBy[flight] = bitsAfter(upstreamBefore, this.failedBy[flight] as number)
    }
  }

  close(flight: number): void {
    this.unfile(flight)
    if (this.kind[flight] === OWN) this.own--
    this.slots.release(flight)
  }

  private clear(flight: number): void {
    this.firstTicket[flight] = -1
    this.attemptsLeft[flight] = 0
    this.tried[flight] = 0
    this.current[flight] = -1
    this.overStream[flight] = 0
    this.restrained[flight] = 0
    this.networkErrors[flight] = 0
    this.urgency[flight] = 0
    this.client[flight] = 0
    this.budgetWait[flight] = 0
    this.failureRcode[flight] = 0
    this.failedBy[flight] = 0
    this.hedge[flight] = HEDGE_NONE
    this.badPackets[flight] = 0
    this.nearMisses[flight] = 0
    this.attemptAt[flight] = Number.POSITIVE_INFINITY
    this.replyAt[flight] = Number.POSITIVE_INFINITY
    this.giveUpAt[flight] = Number.POSITIVE_INFINITY
  }

  private skip(from: number, name: Uint8Array, nameLength: number, type: number): number {
    let flight = from
    while (flight !== -1 && !this.asks(flight, name, nameLength, type)) flight = this.index.after(flight)
    return flight
  }

  private asks(flight: number, name: Uint8Array, nameLength: number, type: number): boolean {
    if (this.type[flight] !== type || this.nameLength[flight] !== nameLength) return false
    const at = flight * nameSlot
    for (let i = 0; i < nameLength; i++) if (this.names[at + i] !== name[i]) return false
    return true
  }
}

/** The flags of a query that are part of its flight's key. */
export function flagsOf(query: Query): number {
  return query.recursionDesired * FLAG_RD + query.checkingDisabled * FLAG_CD + (query.dnssecOk !== 0 ? FLAG_DO : 0)
}

/** The new index of what had index `old` before a reload; -1 for what is gone. `before[new index]` is -1 for what is new, so -1 is not looked up. */
export function indexAfter(before: readonly number[], old: number): number {
  return old === -1 ? -1 : before.indexOf(old)
}

function bitsAfter(before: readonly number[], bits: number): number {
  return before.reduce((after, old, i) => (old !== -1 && (bits & (1 << old)) !== 0 ? after | (1 << i) : after), 0)
}
