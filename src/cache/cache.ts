import { LRUCache } from 'lru-cache'
import { hashEnd, hashWord } from '../base/hash.ts'
import type { Draft } from '../query/draft.ts'
import { readU16, readU32, writeU16, writeU32 } from '../wire/header.ts'
import { KIND_FAILURE, KIND_NODATA, KIND_NXDOMAIN } from '../wire/kind.ts'
import type { Rebuilt } from '../wire/rebuild.ts'
import { blockBytes, entryBytesMax, Slab } from './slab.ts'

export const CACHE_MISS = 0
export const CACHE_HIT = 1
export const CACHE_NEGATIVE = 2
export const CACHE_FAILURE = 3
/** Only `peek` says so: it is over, and still there. */
export const CACHE_EXPIRED = 4

/** The exact question an entry answers: nothing is ever learned by owner name (SAFETY). */
export interface CacheKey {
  /** Lower-case wire form. */
  name: Uint8Array
  nameLength: number
  /** Seeded hash of the name. */
  hash: number
  type: number
  /** DO and CD: bit 0 and 1. Answers differ by them (RFC 4035 section 3.2). Bit 2: see `forAllTypes`; bit 3: `notRecursive`. */
  dnssec: number
  /** The route's number, the same in all shards and across reloads that leave the route as it is (query/route). */
  route: number
}

const allTypes = 4
/** Bit of `CacheKey.dnssec` for questions without RD. */
export const notRecursive = 8

/** Makes the key speak of the name as a whole: an NXDOMAIN is true for every type (RFC 2308 section 5). */
export function forAllTypes(key: CacheKey): void {
  key.type = 0
  key.dnssec |= allTypes
}

/** lru-cache makes an object per call where none is handed in. */
const noOptions = {}

/** What lru-cache's own arrays and map cost per entry, beside the block. */
const indexBytes = 124

// Fields of an entry, from its start.
const storedAt = 0 // f64 ms
const expiresAt = 8 // f64 ms
const bodyLength = 16
const answers = 18
const authorities = 20
const additionals = 22
const rcode = 24
const kind = 25
const flags = 26 // AD in bit 5, as in the header's low byte
const nameLength = 27
const type = 28
const dnssec = 30
const refusedBy = 31
const ttlCount = 32
const rotateAt = 34
const rotateStride = 36
const rotateCount = 38
const route = 40 // u32
const fixedBytes = 44

/**
 * Answers by question: lru-cache maps a hash to the entry's first block, the slab holds key and answer. A hash collision is a miss, since the full key is
 * compared; an entry costs no object. Bounded twice: by the number of entries and by the slab's blocks.
 *
 *   entry:  fixed fields (44) · name · TTL offsets (u16 each) · body (the sections behind the question)
 */
export class Cache {
  slab!: Slab
  evicted = 0
  /** After a `peek` that found something. */
  msLeft = 0
  private index!: LRUCache<number, number>
  private filling = false
  private maxBytes = 0

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
    const first = this.index.get(keyHash(key), noOptions)
    if (first === undefined) return CACHE_MISS
    const at = this.slab.open(first)
    const bytes = this.slab.bytes
    if (!matches(bytes, at, key)) return CACHE_MISS
    if ((this.slab.times[(at + expiresAt) >> 3] as number) <= now) return CACHE_MISS
    return this.fill(bytes, at, now, draft)
  }

  /** As `get`, for explain: nothing moves up, and what is over is told apart from what is not there. */
  peek(key: CacheKey, now: number, draft: Draft): number {
    const first = this.index.peek(keyHash(key))
    if (first === undefined) return CACHE_MISS
    const at = this.slab.open(first)
    if (!matches(this.slab.bytes, at, key)) return CACHE_MISS
    this.msLeft = (this.slab.times[(at + expiresAt) >> 3] as number) - now
    const found = this.fill(this.slab.bytes, at, now, draft)
    return this.msLeft <= 0 ? CACHE_EXPIRED : found
  }

  private fill(bytes: Uint8Array, at: number, now: number, draft: Draft): number {
    const ttls = readU16(bytes, at + ttlCount)
    draft.rcode = bytes[at + rcode] as number
    draft.flags = bytes[at + flags] as number
    draft.bytes = bytes
    draft.ttlAt = at + fixedBytes + (bytes[at + nameLength] as number)
    draft.ttlCount = ttls
    draft.at = draft.ttlAt + ttls * 2
    draft.length = readU16(bytes, at + bodyLength)
    draft.answers = readU16(bytes, at + answers)
    draft.authorities = readU16(bytes, at + authorities)
    draft.additionals = readU16(bytes, at + additionals)
    draft.age = Math.floor((now - (this.slab.times[(at + storedAt) >> 3] as number)) / 1000)
    draft.rotateAt = readU16(bytes, at + rotateAt)
    draft.rotateStride = readU16(bytes, at + rotateStride)
    draft.rotateCount = readU16(bytes, at + rotateCount)
    draft.ede = -1
    draft.refusedBy = bytes[at + refusedBy] as number
    const what = bytes[at + kind] as number
    if (what === KIND_FAILURE) return CACHE_FAILURE
    return what === KIND_NXDOMAIN || what === KIND_NODATA ? CACHE_NEGATIVE : CACHE_HIT
  }

  /** Keeps an answer for `ttlMs`; false when it is too large. `ad`: the header's AD bit or 0. */
  put(key: CacheKey, answer: Rebuilt, ad: number, ttlMs: number, now: number): boolean {
    const writer = answer.writer
    const length = fixedBytes + key.nameLength + writer.count * 2 + writer.length
    if (length > entryBytesMax) return false
    const bytes = this.slab.bytes
    this.slab.times[storedAt >> 3] = now
    this.slab.times[expiresAt >> 3] = now + ttlMs
    writeU16(bytes, bodyLength, writer.length)
    writeU16(bytes, answers, answer.answers)
    writeU16(bytes, authorities, answer.authorities)
    writeU16(bytes, additionals, answer.additionals)
    bytes[rcode] = answer.rcode
    bytes[kind] = answer.kind
    bytes[flags] = ad
    bytes[nameLength] = key.nameLength
    writeU16(bytes, type, key.type)
    bytes[dnssec] = key.dnssec
    bytes[refusedBy] = answer.refusedBy
    writeU32(bytes, route, key.route)
    writeU16(bytes, ttlCount, writer.count)
    writeU16(bytes, rotateAt, answer.rotateAt)
    writeU16(bytes, rotateStride, answer.rotateStride)
    writeU16(bytes, rotateCount, answer.rotateCount)
    let to = fixedBytes
    for (let i = 0; i < key.nameLength; i++) bytes[to++] = key.name[i] as number
    for (let i = 0; i < writer.count; i++, to += 2) writeU16(bytes, to, writer.ttlAt[i] as number)
    for (let i = 0; i < writer.length; i++) bytes[to++] = writer.body[i] as number
    this.file(keyHash(key), length)
    return true
  }

  /** An entry as one message for another shard, or undefined when it has gone. Allocates: once per answer and only with several shards. */
  export(key: CacheKey): Uint8Array | undefined {
    const first = this.index.peek(keyHash(key))
    if (first === undefined) return undefined
    const at = this.slab.open(first)
    return this.slab.bytes.slice(at, at + entryLength(this.slab.bytes, at))
  }

  /** Takes over what another shard exported; `key` is the question in it, to be filled by `keyOf`. */
  import(entry: Uint8Array, from: number, length: number, key: CacheKey): void {
    if (length > entryBytesMax) return
    const bytes = this.slab.bytes
    for (let i = 0; i < length; i++) bytes[i] = entry[from + i] as number
    this.file(keyHash(key), length)
  }

  /** Forgets everything. */
  clear(): void {
    this.index.clear()
  }

  private file(hash: number, length: number): void {
    this.filling = true
    while (!this.slab.hasRoom(length)) this.index.pop()
    this.index.set(hash, this.slab.store(length), noOptions)
    this.filling = false
  }
}

/** The question of an exported entry: where its name stands and its other fields, read to `key` (its `hash` is left to the caller). */
export function keyOf(entry: Uint8Array, from: number, key: CacheKey): void {
  key.nameLength = entry[from + nameLength] as number
  for (let i = 0; i < key.nameLength; i++) key.name[i] = entry[from + fixedBytes + i] as number
  key.type = readU16(entry, from + type)
  key.dnssec = entry[from + dnssec] as number
  key.route = readU32(entry, from + route)
}

function entryLength(bytes: Uint8Array, at: number): number {
  const head = fixedBytes + (bytes[at + nameLength] as number)
  return head + readU16(bytes, at + ttlCount) * 2 + readU16(bytes, at + bodyLength)
}

function keyHash(key: CacheKey): number {
  return hashEnd(hashWord(hashWord(key.hash, (key.type << 16) | key.dnssec), key.route))
}

function matches(bytes: Uint8Array, at: number, key: CacheKey): boolean {
  if (bytes[at + nameLength] !== key.nameLength || readU16(bytes, at + type) !== key.type) return false
  if (bytes[at + dnssec] !== key.dnssec || readU32(bytes, at + route) !== key.route) return false
  for (let i = 0; i < key.nameLength; i++) if (bytes[at + fixedBytes + i] !== key.name[i]) return false
  return true
}
