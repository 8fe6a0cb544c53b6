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
  /** What the last `aim` made of the query: 32 bits, so one key in 2³² is taken for another, and shares its bucket. */
  private hash = 0

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
        return length === undefined ? [] : { level, buckets, ...maskOf(family, length) }
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
    this.key = hashEnd(hashWord(this.hash, step.level.index)) | 1
    return step.level
  }

  private aim({ level, masks, firstWord, words, buckets, salt }: Step, query: Query): void {
    const { client } = query
    let hash = hashStart(this.seed ^ this.lane ^ salt)
    for (let i = firstWord; i < words; i++) hash = hashWord(hash, readU32(client, 4 * i) & (masks[i] as number))
    if (level.byName) {
      const { name, nameLength } = query
      let at = this.domains.find(query)
      for (; at + 4 <= nameLength; at += 4) hash = hashWord(hash, readU32(name, at))
      let rest = nameLength - at
      for (; at < nameLength; at++) rest = (rest << 8) | (name[at] as number)
      hash = hashWord(hash, rest)
    }
    this.hash = hash
    buckets.aim(hashEnd(hash), hashEnd(hash ^ tagSalt))
  }
}

/** A level with what the road needs of it. */
interface Step {
  readonly level: Level
  readonly buckets: TokenBuckets
  /** What of each 32-bit word of the address counts. */
  readonly masks: readonly number[]
  /** Of a mapped address only the last word differs from any other. */
  readonly firstWord: number
  /** The first word of which nothing counts any more. */
  readonly words: number
  /** The same words of the two families are not the same client; everybody is. */
  readonly salt: number
}

function maskOf(family: 'v4' | 'v6', length: number): Pick<Step, 'masks' | 'firstWord' | 'words' | 'salt'> {
  const bits = family === 'v4' ? 96 + length : length
  const masks = [0, 32, 64, 96].map((from) => {
    const left = bits - from
    return left <= 0 ? 0 : left >= 32 ? -1 : -1 << (32 - left)
  })
  const salt = family === 'v6' && length > 0 ? v6Salt : 0
  return { masks, firstWord: family === 'v4' ? 3 : 0, words: Math.ceil(bits / 32), salt }
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
/** Makes another hash of the same bits, independent enough to tell keys of one set apart. */
const tagSalt = 0x5bd1e995
