import type { SharedMemory } from './rule.ts'

/**
 * Questions that are remembered, at 8 bytes each: as many as a full cache of 16 MiB holds. With fewer, names that come in a round would be forgotten
 * before they come again, and billed each time.
 */
export const lookedUpMax = 65536
/** Places where a question may be remembered; the one that is over first makes room. */
const ways = 4
const setMask = lookedUpMax / ways - 1
/** Unit of the times in it, in ms: 31 bits of them are four years of uptime. */
const tickMs = 64

/** For main to make. */
export const lookedUpMemory: SharedMemory = { key: 'lookedUp', bytes: lookedUpMax * 8 }

/**
 * Questions that the cache would hold by now if no rule had answered them: what comes again within the lifetime of a denial would have cost
 * the resolver behind us nothing. Fixed memory, shared by all shards, since they tell each other what they learn.
 *
 *   key (a hash of the name) ─▶ set of 4: key, tick until which it would be held
 *
 * No write is atomic: two shards that meet in one place make the bill wrong by one question.
 */
export class LookedUp {
  private readonly table: Int32Array

  constructor(memory: SharedArrayBuffer | undefined) {
    this.table = memory === undefined ? new Int32Array(lookedUpMax * 2) : new Int32Array(memory)
  }

  /** True when the question would have to be asked at `now` (ms): it is remembered for `seconds` then. */
  take(key: number, now: number, seconds: number): boolean {
    const { table } = this
    const tick = Math.floor(now / tickMs)
    const set = (key & setMask) * ways * 2
    let oldest = set
    for (let at = set; at < set + ways * 2; at += 2) {
      const until = table[at + 1] as number
      if (table[at] === key && until > tick) return false
      if (until < (table[oldest + 1] as number)) oldest = at
    }
    table[oldest] = key
    table[oldest + 1] = tick + Math.ceil((seconds * 1000) / tickMs)
    return true
  }
}
