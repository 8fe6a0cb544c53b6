import { hashBytes } from '../../base/hash.ts'
import type { SoaReader } from './soa.ts'
import { soaBytesMax } from './soa.ts'

/** Nothing is known, or it is too old. */
export const UNKNOWN = 0
/** It does not exist: nothing is below it. */
export const MISSING = 1
/** It exists, or could not be asked for: names below it go their way. */
export const EXISTS = 2

/** Parents that are kept, in each shard. */
export const cutsMax = 512
const nameSlot = 256
/** Places where a parent may be kept: the one that is over first makes room. */
const ways = 4
/** The first names below a cut whose hashes are kept, so that each counts once. */
export const samplesMax = 16

/**
 * What is known of parents, in fixed memory: about 640 bytes each, whoever asks. Columns, in sets of four:
 *
 *   hash(parent) ─▶ set ─▶ four slots: name (256), state, until when, SOA (256), and which names below it were let through
 *
 * When all four of a set are taken, the one that is over first goes: its parent is asked for again.
 */
export class Cuts {
  readonly state: Uint8Array
  /** ms at which the state is over. */
  readonly until: Float64Array
  /** Seconds of the denial as it came. */
  readonly seconds: Uint16Array
  /** First names that were let through. */
  readonly sampled: Uint8Array
  /** Names since one was let through. */
  readonly unsampled: Int32Array
  /** Hash of the name that was counted last, so that its A and AAAA count once. */
  readonly countedHash: Int32Array
  /** The scope's number. */
  readonly scope: Uint8Array
  /** Denials that were seen below it, where it is only observed. */
  readonly seen: Float64Array
  /** Bytes of the denial behind its question. */
  readonly answerBytes: Uint16Array
  readonly ownerLength: Uint8Array
  readonly soaLength: Uint16Array
  readonly soas: Uint8Array
  private readonly names: Uint8Array
  private readonly nameLength: Uint8Array
  /** Hashes of the names let through: the first ones, and the last one, whose answer decides. */
  private readonly firstHashes: Int32Array
  private readonly lastHash: Int32Array
  private readonly awaitedUntil: Float64Array
  private readonly seed: number
  private readonly sets: number

  constructor(slots: number, seed: number) {
    this.seed = seed
    this.sets = slots / ways
    this.state = new Uint8Array(slots)
    this.until = new Float64Array(slots)
    this.seconds = new Uint16Array(slots)
    this.sampled = new Uint8Array(slots)
    this.unsampled = new Int32Array(slots)
    this.countedHash = new Int32Array(slots)
    this.scope = new Uint8Array(slots)
    this.seen = new Float64Array(slots)
    this.answerBytes = new Uint16Array(slots)
    this.ownerLength = new Uint8Array(slots)
    this.soaLength = new Uint16Array(slots)
    this.soas = new Uint8Array(slots * soaBytesMax)
    this.names = new Uint8Array(slots * nameSlot)
    this.nameLength = new Uint8Array(slots)
    this.firstHashes = new Int32Array(slots * samplesMax)
    this.lastHash = new Int32Array(slots)
    this.awaitedUntil = new Float64Array(slots)
  }

  /** The slot of the parent `name[from … to)`, or -1. */
  find(name: Uint8Array, from: number, to: number): number {
    const set = this.setOf(name, from, to)
    for (let slot = set; slot < set + ways; slot++) if (this.holds(slot, name, from, to)) return slot
    return -1
  }

  /** The slot of the parent, a new one if need be. */
  take(name: Uint8Array, from: number, to: number): number {
    const found = this.find(name, from, to)
    if (found !== -1) return found
    const set = this.setOf(name, from, to)
    let oldest = set
    for (let slot = set; slot < set + ways; slot++) {
      if ((this.until[slot] as number) < (this.until[oldest] as number)) oldest = slot
    }
    for (let i = from; i < to; i++) this.names[oldest * nameSlot + i - from] = name[i] as number
    this.nameLength[oldest] = to - from
    this.state[oldest] = UNKNOWN
    this.until[oldest] = 0
    this.seen[oldest] = 0
    this.forgetSamples(oldest)
    return oldest
  }

  stateAt(slot: number, now: number): number {
    return slot === -1 || (this.until[slot] as number) <= now ? UNKNOWN : (this.state[slot] as number)
  }

  /** A parent that existed and is gone is a new cut; one that is denied again goes on being sampled as it was. */
  learn(slot: number, state: number, seconds: number, now: number): void {
    if (state === MISSING && this.state[slot] !== MISSING) this.forgetSamples(slot)
    this.state[slot] = state
    this.seconds[slot] = Math.min(seconds, 0xffff)
    this.until[slot] = now + seconds * 1000
    this.soaLength[slot] = 0
  }

  keepSoa(slot: number, { ownerLength, rdata, rdataLength }: SoaReader): void {
    this.ownerLength[slot] = ownerLength
    this.soaLength[slot] = rdataLength
    for (let i = 0; i < rdataLength; i++) this.soas[slot * soaBytesMax + i] = rdata[i] as number
  }

  /** Was this name let through as one of the first? */
  wasSampled(slot: number, hash: number): boolean {
    const kept = Math.min(this.sampled[slot] as number, samplesMax)
    for (let i = 0; i < kept; i++) if (this.firstHashes[slot * samplesMax + i] === hash) return true
    return false
  }

  /** The name is let through; whoever asks for it until its answer comes waits as well. */
  sample(slot: number, hash: number, isFirst: boolean, awaitedUntil: number): void {
    if (isFirst) {
      const count = this.sampled[slot] as number
      if (count < samplesMax) this.firstHashes[slot * samplesMax + count] = hash
      this.sampled[slot] = count + 1
    }
    this.lastHash[slot] = hash
    this.awaitedUntil[slot] = awaitedUntil
  }

  /** Is the answer about this name, let through as a sample, still to come? */
  isAwaited(slot: number, hash: number, now: number): boolean {
    return this.lastHash[slot] === hash && now < (this.awaitedUntil[slot] as number)
  }

  /** The awaited answer came; false when it was not about the sample. */
  endAwaiting(slot: number, hash: number): boolean {
    if (this.lastHash[slot] !== hash || this.awaitedUntil[slot] === 0) return false
    this.awaitedUntil[slot] = 0
    return true
  }

  /** All of a scope is to be asked for again. */
  forget(scope: number): void {
    for (let slot = 0; slot < this.until.length; slot++) if (this.scope[slot] === scope) this.until[slot] = 0
  }

  private forgetSamples(slot: number): void {
    this.sampled[slot] = 0
    this.unsampled[slot] = 0
    this.lastHash[slot] = 0
    this.awaitedUntil[slot] = 0
  }

  private setOf(name: Uint8Array, from: number, to: number): number {
    return (hashBytes(this.seed, name, from, to) % this.sets) * ways
  }

  private holds(slot: number, name: Uint8Array, from: number, to: number): boolean {
    if (this.nameLength[slot] !== to - from) return false
    const at = slot * nameSlot - from
    for (let i = from; i < to; i++) if (this.names[at + i] !== name[i]) return false
    return true
  }
}
