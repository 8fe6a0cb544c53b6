import { isMapped } from '../../base/address.ts'
import { hashEnd, hashStart, hashWord } from '../../base/hash.ts'
import type { Random } from '../../base/random.ts'
import { readU32 } from '../../wire/header.ts'

/**
 * Token buckets by client prefix in one block of memory that all shards share, 8 bytes each, whoever asks and however
 * many:
 *
 *   seed │ – │ – │ – ║ set 0: key until │ key until │ key until │ key until ║ set 1: …          (Int32 each)
 *
 * Time is counted in tokens: `now` is how many tokens the rate has made since the clock's zero. `until` is the time at
 * which the bucket will be full again, so a token is taken by moving it on by one, and it may not get further than
 * `burst` ahead of now (the generic cell rate algorithm of ITU-T I.371, with integers). A bucket is one word then, and
 * one compare-and-swap charges it on any thread: in an interval of d seconds a client gets at most burst + rate × d,
 * rounded up, from all shards together.
 *
 * The key is a second seeded hash of the prefix beside the one that chooses the set, 29 bits of it; two clients that
 * share both would share a bucket. When all four places of a set are taken, the newcomer gets the fullest bucket with
 * the level that it has: a full one, as a client leaves behind that asked little, costs nobody anything, and no flood
 * of addresses ever makes tokens. Two shards that meet a new client in the same instant swap the same key, and the
 * loser looks again.
 */
export class TokenBuckets {
  private readonly words: Int32Array
  private readonly sets: number
  private readonly seed: number
  private readonly tokensPerMs: number
  private readonly burst: number
  private readonly bitsV4: number
  private readonly bitsV6: number

  /** @param memory zeroed at first, and from then on used with the same arguments only; `bucketsBytes` long */
  constructor(memory: SharedArrayBuffer, limits: Limits, random: Random) {
    this.words = new Int32Array(memory)
    this.sets = setsOf(limits.buckets)
    // The first shard to come decides the seed; without one known to nobody else, addresses could be chosen to share a
    // set.
    const own = random.u32() | 1
    const earlier = Atomics.compareExchange(this.words, 0, 0, own)
    this.seed = earlier === 0 ? own : earlier
    this.tokensPerMs = limits.rate / 1000
    this.burst = limits.burst
    this.bitsV4 = 96 + limits.prefixV4
    this.bitsV6 = limits.prefixV6
  }

  /**
   * Takes a token for the client (16 bytes, IPv4 mapped) at the time `at` (ms, the clock of all threads); false when
   * its bucket has none. With `dry` none is taken, and the answer is the same.
   */
  take(client: Uint8Array, at: number, dry: boolean): boolean {
    // Wraps around after 2³² tokens, as all comparisons here do.
    const now = (at * this.tokensPerMs) | 0
    const bucket = this.find(client, now, dry)
    // Explain, about a client that has no bucket.
    if (bucket === -1) return true
    for (;;) {
      const until = Atomics.load(this.words, bucket + 1)
      const next = this.isPast(until, now) ? (now + 1) | 0 : (until + 1) | 0
      if (((next - now) | 0) > this.burst) return false
      if (dry || Atomics.compareExchange(this.words, bucket + 1, until, next) === until) return true
    }
  }

  /** How many tokens the client's bucket holds; for explain. */
  tokens(client: Uint8Array, at: number): number {
    const now = (at * this.tokensPerMs) | 0
    const bucket = this.find(client, now, true)
    const until = bucket === -1 ? now : Atomics.load(this.words, bucket + 1)
    return this.isPast(until, now) ? this.burst : Math.max(0, this.burst - ((until - now) | 0))
  }

  /**
   * Full at `now`? So is a bucket that lies further ahead than a charge can have moved it: nobody touched it for so
   * long that the count wrapped around. The shards' clocks differ by the length of a turn, hence twice the burst. By
   * design, a client that comes back after 2³² tokens to within a burst (99 days at 500/s) finds what it left.
   */
  private isPast(until: number, now: number): boolean {
    const ahead = (until - now) | 0
    return ahead <= 0 || ahead > 2 * this.burst
  }

  /** The client's bucket, a new one if need be (-1 with `dry`). */
  private find(client: Uint8Array, now: number, dry: boolean): number {
    const { words } = this
    const bits = isMapped(client, 0) ? this.bitsV4 : this.bitsV6
    const key = this.hash(client, bits, keySalt) | 1
    const set = headerWords + Math.floor((this.hash(client, bits, 0) / hashRange) * this.sets) * ways * bucketWords
    for (;;) {
      let fullest = -1
      let fullestKey = 0
      let fullestUntil = 0
      let least = Number.POSITIVE_INFINITY
      for (let bucket = set; bucket < set + ways * bucketWords; bucket += bucketWords) {
        const holder = Atomics.load(words, bucket)
        if (holder === key) return bucket
        const until = Atomics.load(words, bucket + 1)
        // An unused bucket stands before a full one, so that clients keep theirs while there is room.
        const ahead = holder === 0 ? -1 : this.isPast(until, now) ? 0 : (until - now) | 0
        if (ahead >= least) continue
        fullest = bucket
        fullestKey = holder
        fullestUntil = until
        least = ahead
      }
      if (dry) return -1
      if (Atomics.compareExchange(words, fullest, fullestKey, key) !== fullestKey) continue
      // What an unused or a full bucket holds means nothing to its new client; a charge in between wins over this.
      if (least <= 0) Atomics.compareExchange(words, fullest + 1, fullestUntil, now)
      return fullest
    }
  }

  /** 30 bits of the client's first `bits` bits. */
  private hash(client: Uint8Array, bits: number, salt: number): number {
    let hash = hashStart(this.seed ^ salt)
    for (let at = 0; at < 16; at += 4) {
      const left = bits - 8 * at
      if (left <= 0) break
      const word = readU32(client, at)
      hash = hashWord(hash, left >= 32 ? word : word & (-1 << (32 - left)))
    }
    return hashEnd(hash)
  }
}

export interface Limits {
  /** Tokens per second. */
  readonly rate: number
  readonly burst: number
  readonly buckets: number
  readonly prefixV4: number
  readonly prefixV6: number
}

/** What the memory of so many buckets takes, in bytes. */
export function bucketsBytes(buckets: number): number {
  return 4 * (headerWords + setsOf(buckets) * ways * bucketWords)
}

/** The table can't be used with other limits: its words would mean something else. */
export function bucketsKey({ rate, burst, buckets, prefixV4, prefixV6 }: Limits): string {
  return `rateLimit/${rate}/${burst}/${buckets}/${prefixV4}/${prefixV6}`
}

const setsOf = (buckets: number): number => Math.floor(buckets / ways)

/** Places where a client's bucket may be: four make 32 bytes, half a cache line. */
const ways = 4
const bucketWords = 2
const headerWords = 4
/** Above what hashEnd gives. */
const hashRange = 2 ** 30
/** Makes a second hash of the first, independent enough to tell clients of one set apart. */
const keySalt = 0x5bd1e995
