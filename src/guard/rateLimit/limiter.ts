import { isMapped } from '../../base/address.ts'
import { hashEnd, hashStart, hashWord } from '../../base/hash.ts'
import type { Random } from '../../base/random.ts'
import type { Query } from '../../query/query.ts'
import { readU32 } from '../../wire/header.ts'
import { TokenBuckets, wordsFor } from './buckets.ts'
import type { Domains } from './domains.ts'
import { type Level, levelsOf } from './levels.ts'
import type { RateLimitSettings } from './settings.ts'

/**
 * All limits that a query meets, in one block of shared memory:
 *
 *   seed │ – … (64 bytes) ║ buckets of level 0 ║ buckets of level 1 ║ …
 *
 *   query ─▶ (client prefix, domain) ─▶ client ─▶ its /24 ─▶ /20 ─▶ /18      first all are asked,
 *                                                                            then all are charged
 *
 * A query is over the limit when any level is, and then no level is charged and nothing is written: a flood below one
 * domain takes nothing from the client's other names once its own bucket is empty, and a flood of ever new domains,
 * which the client's own level holds back, leaves no buckets behind. When another shard is faster between asking and
 * charging, a token may be lost; none is ever made.
 */
export class Limiter {
  /** After a refusal: tells the bucket that had no token from all others, 29 bits, odd. */
  key = 0
  private readonly seed: number
  private readonly domains: Domains
  private readonly v4: readonly Step[]
  private readonly v6: readonly Step[]
  private lane = 0
  /** The second hash of the last `aim`. */
  private second = 0

  /** @param memory zeroed at first, `limiterBytes` long, and only used with the same settings */
  constructor(memory: SharedArrayBuffer, settings: RateLimitSettings, domains: Domains, random: Random) {
    const header = new Int32Array(memory, 0, 1)
    // The first shard to come decides the seed; without one known to nobody else, keys could be chosen to share a set.
    const own = random.u32() | 1
    const earlier = Atomics.compareExchange(header, 0, 0, own)
    this.seed = earlier === 0 ? own : earlier
    this.domains = domains
    let at = headerBytes
    const tables = levelsOf(settings).map((level) => {
      const words = new Int32Array(memory, at, wordsFor(level.buckets))
      at += words.byteLength
      return { level, buckets: new TokenBuckets(words, level) }
    })
    const stepsOf = (family: 'v4' | 'v6'): Step[] =>
      tables.flatMap(({ level, buckets }) => {
        const length = level.prefix[family]
        return length === undefined
          ? []
          : { level, buckets, masks: masksOf(family, length), salt: length > 0 && family === 'v6' ? v6Salt : 0 }
      })
    this.v4 = stepsOf('v4')
    this.v6 = stepsOf('v6')
  }

  /**
   * Takes a token of each level for the query, or of none: the level that has none left, and `key`. `lane` 1 is a world
   * of its own beside 0, with its own buckets. A dry query takes nothing and hears the same.
   */
  take(query: Query, lane: number): Level | undefined {
    const at = query.receivedAt
    const steps = isMapped(query.client, 0) ? this.v4 : this.v6
    this.lane = lane
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step
      this.aim(step, query)
      if (!step.buckets.hasRoom(at)) return this.over(step, query)
    }
    if (query.dry === 1) return undefined
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step
      if (!step.buckets.take(at)) return this.over(step, query)
    }
    return undefined
  }

  private over(step: Step, query: Query): Level {
    this.aim(step, query)
    this.key = hashEnd(hashWord(this.second, step.level.index)) | 1
    return step.level
  }

  private aim({ level, masks, buckets, salt }: Step, query: Query): void {
    const { client } = query
    let first = hashStart(this.seed ^ this.lane ^ salt)
    let second = hashStart(this.seed ^ this.lane ^ salt ^ secondSalt)
    for (let i = 0; i < masks.length; i++) {
      const mask = masks[i] as number
      if (mask === 0) continue
      const word = readU32(client, 4 * i) & mask
      first = hashWord(first, word)
      second = hashWord(second, word)
    }
    if (level.byName) {
      const { name, nameLength } = query
      let at = this.domains.find(query)
      for (; at + 4 <= nameLength; at += 4) {
        const word = readU32(name, at)
        first = hashWord(first, word)
        second = hashWord(second, word)
      }
      let rest = nameLength - at
      for (; at < nameLength; at++) rest = (rest << 8) | (name[at] as number)
      first = hashWord(first, rest)
      second = hashWord(second, rest)
    }
    this.second = second
    buckets.aim(hashEnd(first), hashEnd(second))
  }
}

/** A level with what the road needs of it. */
interface Step {
  readonly level: Level
  readonly buckets: TokenBuckets
  /** What of each 32-bit word of the address counts. Of a mapped one only the last differs from any other. */
  readonly masks: readonly number[]
  /** The same words of the two families are not the same client; everybody is. */
  readonly salt: number
}

function masksOf(family: 'v4' | 'v6', length: number): number[] {
  const masks = [0, 32, 64, 96].map((from) => {
    const left = (family === 'v4' ? length + 96 : length) - from
    return left <= 0 ? 0 : left >= 32 ? -1 : -1 << (32 - left)
  })
  return family === 'v4' ? [0, 0, 0, masks[3] as number] : masks
}

/** What the memory of these settings takes. */
export function limiterBytes(settings: RateLimitSettings): number {
  return levelsOf(settings).reduce((sum, { buckets }) => sum + 4 * wordsFor(buckets), headerBytes)
}

/** The memory can't be used with other limits: its words would mean something else. */
export function limiterKey({
  rate,
  burst,
  buckets,
  clientFactor,
  shared,
  prefixV4,
  prefixV6,
}: RateLimitSettings): string {
  const whose = shared ? 'shared' : `${prefixV4}/${prefixV6}`
  return `rateLimit/${rate}/${burst}/${buckets}/${clientFactor}/${whose}`
}

/** A cache line, so that a set of buckets lies in one. */
const headerBytes = 64
/** Tells an IPv6 prefix from an IPv4 address of the same bits. */
const v6Salt = 2
/** Makes a second hash of the first, independent enough to tell keys of one set apart. */
const secondSalt = 0x5bd1e995
