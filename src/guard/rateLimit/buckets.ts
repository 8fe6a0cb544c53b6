/**
 * Token buckets of one limit, 8 bytes each, in memory that all shards share, however many keys there are:
 *
 *   set 0: tag until │ tag until │ tag until │ tag until ║ set 1: …          (Int32 each)
 *
 * Time is counted in tokens: `now` is how many tokens the rate has made since the clock's zero. `until` is the time at
 * which the bucket will be full again, so a token is taken by moving it on by one, and it may not get further than
 * `burst` ahead of now (the generic cell rate algorithm of ITU-T I.371, with integers). A bucket is one word then, and
 * one compare-and-swap charges it on any thread: in an interval of d seconds a key gets at most burst + rate × d,
 * rounded up, from all shards together.
 *
 * A key is two seeded hashes: one chooses the set, 29 bits of the other are the tag; two keys that share both share a
 * bucket. When all four places of a set are taken, the newcomer gets the fullest bucket with the level that it has: a
 * full one, as a key leaves behind that was asked little, costs nobody anything, and no flood of keys ever makes
 * tokens. Two shards that meet a new key in the same instant swap the same tag, and the loser looks again.
 *
 * Words are read plainly: a 32-bit word is never torn (ECMAScript, memory model), an old value costs a lost swap, and
 * Node 20 makes a call of each Atomics operation, which one lookup on several levels would pay twenty times.
 *
 * First `aim` at a key, then ask `hasRoom`, then `take`: who asks several limits takes of none unless all have room.
 */
export class TokenBuckets {
  private readonly words: Int32Array
  private readonly mask: number
  private readonly tokensPerMs: number
  private readonly burst: number
  private set = 0
  private tag = 0
  /** Where the key's bucket was seen to have room, or -1; what it held, and what it is to hold. */
  private bucket = -1
  private until = 0
  private next = 0

  /**
   * @param words zeroed at first, and from then on used with the same limit only; `wordsFor` long
   * @param limit tokens per second and tokens; up to 4,000,000 and 2²⁹, or its words wrap around while they mean something
   */
  constructor(words: Int32Array, limit: { readonly rate: number; readonly burst: number }) {
    this.words = words
    this.mask = words.length / setWords - 1
    this.tokensPerMs = limit.rate / 1000
    this.burst = limit.burst
  }

  /** The key that the next calls are about: two hashes of 30 bits. */
  aim(first: number, second: number): void {
    this.set = (first & this.mask) * setWords
    this.tag = second | 1
  }

  /** Would a token be given at the time `at` (ms, the clock of all threads)? Nothing is taken, nothing written. */
  hasRoom(at: number): boolean {
    const bucket = this.find()
    this.bucket = -1
    if (bucket === -1) return true
    const now = this.tokens(at)
    const until = this.words[bucket + 1] as number
    const next = this.after(until, now)
    if (((next - now) | 0) > this.burst) return false
    this.bucket = bucket
    this.until = until
    this.next = next
    return true
  }

  /** Takes the token that there was room for; false when somebody else was faster. */
  take(at: number): boolean {
    const { bucket, until } = this
    if (bucket !== -1 && Atomics.compareExchange(this.words, bucket + 1, until, this.next) === until) return true
    return this.takeAnew(at)
  }

  private takeAnew(at: number): boolean {
    const { words } = this
    const now = this.tokens(at)
    const bucket = this.claim(now)
    for (;;) {
      const until = words[bucket + 1] as number
      const next = this.after(until, now)
      if (((next - now) | 0) > this.burst) return false
      if (Atomics.compareExchange(words, bucket + 1, until, next) === until) return true
    }
  }

  /** Wraps around after 2³² tokens, as all comparisons here do. */
  private tokens(at: number): number {
    return (at * this.tokensPerMs) | 0
  }

  /** `until` with one token less. */
  private after(until: number, now: number): number {
    return this.isPast(until, now) ? (now + 1) | 0 : (until + 1) | 0
  }

  /**
   * Full at `now`? So is a bucket that lies further ahead than a charge can have moved it: nobody touched it for so
   * long that the count wrapped around. The shards' clocks differ by the length of a turn, hence twice the burst. By
   * design, a key that comes back after 2³² tokens to within a burst (99 days at 500/s) finds what it left.
   */
  private isPast(until: number, now: number): boolean {
    const ahead = (until - now) | 0
    return ahead <= 0 || ahead > 2 * this.burst
  }

  private find(): number {
    const { words, set, tag } = this
    for (let bucket = set; bucket < set + setWords; bucket += bucketWords) {
      if (words[bucket] === tag) return bucket
    }
    return -1
  }

  /** The key's bucket, a new one if need be. */
  private claim(now: number): number {
    const { words, set, tag } = this
    for (;;) {
      let fullest = -1
      let fullestTag = 0
      let fullestUntil = 0
      let least = Number.POSITIVE_INFINITY
      for (let bucket = set; bucket < set + setWords; bucket += bucketWords) {
        const holder = words[bucket] as number
        if (holder === tag) return bucket
        const until = words[bucket + 1] as number
        // An unused bucket stands before a full one, so that keys keep theirs while there is room.
        const ahead = holder === 0 ? -1 : this.isPast(until, now) ? 0 : (until - now) | 0
        if (ahead >= least) continue
        fullest = bucket
        fullestTag = holder
        fullestUntil = until
        least = ahead
      }
      if (Atomics.compareExchange(words, fullest, fullestTag, tag) !== fullestTag) continue
      // What an unused or a full bucket holds means nothing to its new key; a charge in between wins over this.
      if (least <= 0) Atomics.compareExchange(words, fullest + 1, fullestUntil, now)
      return fullest
    }
  }
}

/** Words that so many buckets take, rounded down to a power of two, one set at least. */
export function wordsFor(buckets: number): number {
  return 2 ** Math.floor(Math.log2(Math.max(1, buckets / ways))) * setWords
}

/** Bytes of one bucket: its tag and its time. */
export const bucketBytes = 8

/** Places where a key's bucket may be: four make 32 bytes, half a cache line. */
const ways = 4
const bucketWords = 2
const setWords = ways * bucketWords
