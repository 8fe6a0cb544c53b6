import { LRUCache } from 'lru-cache'
import type { Draft } from '../query/draft.ts'
import { KIND_FAILURE, KIND_NODATA, KIND_NXDOMAIN, KIND_POSITIVE } from '../wire/kind.ts'
import type { Rebuilt } from '../wire/rebuild.ts'
import {
  asStale,
  type CacheKey,
  entryLength,
  expiryAt,
  isAging,
  isOver,
  keptSince,
  keyHash,
  kindAt,
  matches,
  pauseAt,
  readEntry,
  setPause,
  setRefreshed,
  strikesAt,
  useAt,
  writeEntry,
} from './entry.ts'
import { CACHE_EXPIRED, CACHE_FAILURE, CACHE_HIT, CACHE_MISS, CACHE_NEGATIVE, CACHE_STALE } from './found.ts'
import { blockBytes, entryBytesMax, Slab } from './slab.ts'

/** lru-cache makes an object per call where none is handed in. */
const noOptions = {}

/** What lru-cache's own arrays and map cost per entry, beside the block. */
const indexBytes = 124

/**
 * Answers by question: lru-cache maps a hash to the entry's first block, the slab holds key and answer (cache/entry); an entry costs no object. What is
 * over stays until its place is wanted: it may still serve. Bounded twice: by the number of entries and by the slab's blocks.
 */
export class Cache {
  slab!: Slab
  evicted = 0
  /** How long after its TTL a positive answer may serve, in ms; 0: never. */
  staleMsMax = 0
  /** After a `peek` that found something. */
  msLeft = 0
  /** After a `get` that found an answer: it is hot, nearly over, and was not refreshed yet (see `markRefreshed`). */
  isDue = false
  /** After a `get` that missed: an answer is there that might still serve (see `stale`). */
  hasStale = false
  private index!: LRUCache<number, number>
  private filling = false
  private maxBytes = 0
  /** First block of what `get` found last. */
  private found = 0

  /** @param maxBytes this shard's share, index and slab together */
  constructor(maxBytes: number) {
    this.resize(maxBytes)
  }

  /** Another share: what fits of the old entries moves over, the most recently used at the last. */
  resize(maxBytes: number): void {
    if (maxBytes === this.maxBytes && this.index !== undefined) return
    this.maxBytes = maxBytes
    const blocks = Math.max(64, Math.floor(maxBytes / (blockBytes + indexBytes)))
    const before = this.index
    const slabBefore = this.slab
    const slab = new Slab(blocks)
    this.slab = slab
    this.index = new LRUCache<number, number>({
      max: blocks,
      dispose: (first, _key, reason) => {
        slab.release(first)
        if (reason === 'evict' && this.filling) this.evicted++
      },
    })
    if (before === undefined) return
    for (const [hash, first] of before.rentries()) {
      const at = slabBefore.open(first)
      const length = entryLength(slabBefore.bytes, at)
      if (!slab.fits(length)) continue
      slab.bytes.set(slabBefore.bytes.subarray(at, at + length))
      this.file(hash, length)
    }
  }

  get entries(): number {
    return this.index.size
  }

  get bytes(): number {
    return this.slab.used * blockBytes + this.index.size * indexBytes
  }

  /** Looks the question up; on a hit, fills the draft with a view into the slab that is valid until the next call. */
  get(key: CacheKey, now: number, draft: Draft): number {
    this.hasStale = false
    this.isDue = false
    const first = this.index.get(keyHash(key), noOptions)
    if (first === undefined) return CACHE_MISS
    const { slab } = this
    const at = slab.open(first)
    if (!matches(slab.bytes, slab.view, at, key)) return CACHE_MISS
    if (isOver(slab.times, at, now)) return this.isStale(at, now) ? this.paused(at, now, draft) : CACHE_MISS
    const found = resultOf(readEntry(slab.bytes, slab.times, at, now, draft))
    if (found === CACHE_HIT && useAt(slab.bytes, slab.placeOf(first)) && isAging(slab.times, at, now)) {
      this.isDue = true
      this.found = first
    }
    return found
  }

  /** What `get` found last is asked for again: once in its life. */
  markRefreshed(): void {
    setRefreshed(this.slab.bytes, this.slab.placeOf(this.found))
  }

  /** As `get`, for explain: nothing moves up, and what is over is told apart from what is not there. */
  peek(key: CacheKey, now: number, draft: Draft): number {
    const at = this.placeOf(key)
    if (at === -1) return CACHE_MISS
    const { bytes, times } = this.slab
    this.msLeft = expiryAt(times, at) - now
    const found = resultOf(readEntry(bytes, times, at, now, draft))
    return this.msLeft <= 0 ? CACHE_EXPIRED : found
  }

  /**
   * What still serves in place of a failure: CACHE_HIT for an answer that lives, CACHE_STALE for one that is over (RFC 8767), else CACHE_MISS.
   * Denials don't: a name may have come into being since.
   */
  stale(key: CacheKey, now: number, draft: Draft): number {
    const at = this.placeOf(key)
    if (at === -1 || kindAt(this.slab.bytes, at) !== KIND_POSITIVE) return CACHE_MISS
    const { bytes, times } = this.slab
    const isLiving = !isOver(times, at, now)
    if (!isLiving && !this.isStale(at, now)) return CACHE_MISS
    readEntry(bytes, times, at, now, draft)
    if (isLiving) return CACHE_HIT
    asStale(draft)
    return CACHE_STALE
  }

  /** Is there an answer that lives, or (`orStale`) one that may serve in place of a failure? */
  serves(key: CacheKey, now: number, orStale: boolean): boolean {
    const at = this.placeOf(key)
    if (at === -1 || kindAt(this.slab.bytes, at) === KIND_FAILURE) return false
    return expiryAt(this.slab.times, at) > now || (orStale && this.isStale(at, now))
  }

  /** ms since which the entry is kept, over or not; -1: there is none. */
  keptSince(key: CacheKey): number {
    const at = this.placeOf(key)
    return at === -1 ? -1 : keptSince(this.slab.times, at)
  }

  /** Is there a denial of the name that lives? */
  denies(key: CacheKey, now: number): boolean {
    const at = this.placeOf(key)
    return at !== -1 && kindAt(this.slab.bytes, at) === KIND_NXDOMAIN && expiryAt(this.slab.times, at) > now
  }

  /** Until then (ms), `get` serves the stale answer at once. */
  pause(key: CacheKey, until: number): void {
    const first = this.index.peek(keyHash(key), noOptions)
    if (first !== undefined && matches(this.slab.bytes, this.slab.view, this.slab.open(first), key)) {
      setPause(this.slab.bytes, this.slab.placeOf(first), Math.ceil(until / 1000))
    }
  }

  /** How many failures in a row the question has had; what is over longer than it lasted counts no more. */
  strikes(key: CacheKey, now: number): number {
    const at = this.placeOf(key)
    if (at === -1 || kindAt(this.slab.bytes, at) !== KIND_FAILURE) return 0
    const expiry = expiryAt(this.slab.times, at)
    return now - expiry > expiry - keptSince(this.slab.times, at) ? 0 : strikesAt(this.slab.bytes, at) + 1
  }

  /** Keeps an answer for `ttlMs`; false when it is too large. `ad`: the header's AD bit or 0. */
  put(key: CacheKey, answer: Rebuilt, ad: number, ttlMs: number, now: number, strikes = 0): boolean {
    const { bytes, times } = this.slab
    const length = writeEntry(bytes, times, key, answer, ad, ttlMs, now, strikes)
    if (length === -1 || !this.slab.fits(length)) return false
    this.file(keyHash(key), length)
    return true
  }

  /** Forgets the answer to one question. */
  drop(key: CacheKey): void {
    if (this.placeOf(key) !== -1) this.index.delete(keyHash(key))
  }

  /** An entry as one message for another shard, or undefined when it has gone. Allocates: once per answer and only with several shards. */
  export(key: CacheKey): Uint8Array | undefined {
    const first = this.index.peek(keyHash(key), noOptions)
    if (first === undefined) return undefined
    const at = this.slab.open(first)
    return this.slab.bytes.slice(at, at + entryLength(this.slab.bytes, at))
  }

  /** Takes over what another shard exported; `key` is the question in it, to be filled by `keyOf`. */
  import(entry: Uint8Array, from: number, length: number, key: CacheKey): void {
    if (length > entryBytesMax || !this.slab.fits(length)) return
    const { bytes, times } = this.slab
    // When it was stored, read where it is aligned.
    for (let i = 0; i < 8; i++) bytes[i] = entry[from + i] as number
    if (kindAt(entry, from) === KIND_FAILURE && this.serves(key, times[0] as number, true)) return
    for (let i = 0; i < length; i++) bytes[i] = entry[from + i] as number
    this.file(keyHash(key), length)
  }

  /** Where the entry stands, gathered; -1 when there is none. */
  private placeOf(key: CacheKey): number {
    const first = this.index.peek(keyHash(key), noOptions)
    if (first === undefined) return -1
    const at = this.slab.open(first)
    return matches(this.slab.bytes, this.slab.view, at, key) ? at : -1
  }

  /** It is over: may it serve when nobody answers? */
  private isStale(at: number, now: number): boolean {
    const { bytes, times } = this.slab
    return kindAt(bytes, at) === KIND_POSITIVE && now - expiryAt(times, at) < this.staleMsMax
  }

  private paused(at: number, now: number, draft: Draft): number {
    const { bytes, times } = this.slab
    if (now >= pauseAt(bytes, at) * 1000) {
      this.hasStale = true
      return CACHE_MISS
    }
    readEntry(bytes, times, at, now, draft)
    asStale(draft)
    return CACHE_STALE
  }

  private file(hash: number, length: number): void {
    this.filling = true
    while (!this.slab.hasRoom(length)) this.index.pop()
    this.index.set(hash, this.slab.store(length), noOptions)
    this.filling = false
  }
}

function resultOf(kind: number): number {
  if (kind === KIND_FAILURE) return CACHE_FAILURE
  return kind === KIND_NXDOMAIN || kind === KIND_NODATA ? CACHE_NEGATIVE : CACHE_HIT
}
