import { hashEnd, hashWord } from '../base/hash.ts'
import { sameOctets, viewOf } from '../base/octets.ts'
import { type Draft, noText } from '../query/draft.ts'
import { readU16, readU32, writeU16, writeU32 } from '../wire/header.ts'
import type { Rebuilt } from '../wire/rebuild.ts'
import { entryBytesMax } from './slab.ts'

/** The exact question an entry answers: nothing is ever learned by owner name (SAFETY). */
export interface CacheKey {
  /** Lower-case wire form. */
  name: Uint8Array
  /** Of `name`. */
  view: DataView
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

export function emptyKey(): CacheKey {
  const name = new Uint8Array(256)
  return { name, view: viewOf(name), nameLength: 0, hash: 0, type: 0, dnssec: 0, route: 0 }
}

export function keyHash(key: CacheKey): number {
  return hashEnd(hashWord(hashWord(key.hash, (key.type << 16) | key.dnssec), key.route))
}

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
const pausedUntil = 44 // u32 s
const uses = 48
const strikes = 49
const fixedBytes = 50

/**
 * One entry of the cache, as bytes in the slab:
 *
 *   fixed fields (50) · name · TTL offsets (u16 each) · body (the sections behind the question)
 *
 * Functions take the slab's arrays and where the entry stands in them.
 */
export function kindAt(bytes: Uint8Array, at: number): number {
  return bytes[at + kind] as number
}

/** ms on the shared clock. */
export function expiryAt(times: Float64Array, at: number): number {
  return times[(at + expiresAt) >> 3] as number
}

/** On the road: a number with a fraction that a function gives back is an object, unless V8 happens to inline it. */
export function isOver(times: Float64Array, at: number, now: number): boolean {
  return (times[(at + expiresAt) >> 3] as number) <= now
}

export function keptSince(times: Float64Array, at: number): number {
  return times[(at + storedAt) >> 3] as number
}

/** How many failures in a row this one was, from 0. */
export function strikesAt(bytes: Uint8Array, at: number): number {
  return bytes[at + strikes] as number
}

/** No question about it goes upstream before this, in seconds on the shared clock; 0: at any time. */
export function pauseAt(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + pausedUntil)
}

export function setPause(bytes: Uint8Array, at: number, seconds: number): void {
  writeU32(bytes, at + pausedUntil, seconds)
}

/** It was refreshed early once. */
const refreshed = 255
/** So many uses make an entry hot: one client that asks A and AAAA once does not. */
const usesHot = 4

/** Counts a use; true when the entry is hot and was not refreshed yet. */
export function useAt(bytes: Uint8Array, at: number): boolean {
  const count = bytes[at + uses] as number
  if (count >= usesHot) return count !== refreshed
  bytes[at + uses] = count + 1
  return false
}

export function setRefreshed(bytes: Uint8Array, at: number): void {
  bytes[at + uses] = refreshed
}

/** Is the entry in the last tenth of its life? */
export function isAging(times: Float64Array, at: number, now: number): boolean {
  const until = times[(at + expiresAt) >> 3] as number
  return (until - now) * 10 < until - (times[(at + storedAt) >> 3] as number)
}

export function matches(bytes: Uint8Array, view: DataView, at: number, key: CacheKey): boolean {
  if (bytes[at + nameLength] !== key.nameLength || readU16(bytes, at + type) !== key.type) return false
  if (bytes[at + dnssec] !== key.dnssec || readU32(bytes, at + route) !== key.route) return false
  return sameOctets(view, at + fixedBytes, key.view, 0, key.nameLength)
}

/** Makes the draft a view of the entry; returns its kind. */
export function readEntry(bytes: Uint8Array, times: Float64Array, at: number, now: number, draft: Draft): number {
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
  draft.age = Math.floor((now - (times[(at + storedAt) >> 3] as number)) / 1000)
  draft.rotateAt = readU16(bytes, at + rotateAt)
  draft.rotateStride = readU16(bytes, at + rotateStride)
  draft.rotateCount = readU16(bytes, at + rotateCount)
  draft.ede = -1
  draft.edeText = noText
  draft.staleTtl = 0
  draft.refusedBy = bytes[at + refusedBy] as number
  return bytes[at + kind] as number
}

/** TTL of a stale answer, in seconds (RFC 8767 section 5). */
const staleTtl = 30

/** What was proven once is not proven any more when it is over. */
export function asStale(draft: Draft): void {
  draft.flags = 0
  draft.staleTtl = staleTtl
}

/** Writes an entry to the start of the slab; returns its length, or -1 when it is too large. `ad`: the header's AD bit or 0. */
export function writeEntry(
  bytes: Uint8Array,
  times: Float64Array,
  key: CacheKey,
  answer: Rebuilt,
  ad: number,
  ttlMs: number,
  now: number,
  strikesSoFar: number,
): number {
  const writer = answer.writer
  const length = fixedBytes + key.nameLength + writer.count * 2 + writer.length
  if (length > entryBytesMax) return -1
  times[storedAt >> 3] = now
  times[expiresAt >> 3] = now + ttlMs
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
  writeU32(bytes, pausedUntil, 0)
  bytes[uses] = 0
  bytes[strikes] = Math.min(strikesSoFar, 255)
  writeU16(bytes, ttlCount, writer.count)
  writeU16(bytes, rotateAt, answer.rotateAt)
  writeU16(bytes, rotateStride, answer.rotateStride)
  writeU16(bytes, rotateCount, answer.rotateCount)
  let to = fixedBytes
  for (let i = 0; i < key.nameLength; i++) bytes[to++] = key.name[i] as number
  for (let i = 0; i < writer.count; i++, to += 2) writeU16(bytes, to, writer.ttlAt[i] as number)
  for (let i = 0; i < writer.length; i++) bytes[to++] = writer.body[i] as number
  return length
}

export function entryLength(bytes: Uint8Array, at: number): number {
  const head = fixedBytes + (bytes[at + nameLength] as number)
  return head + readU16(bytes, at + ttlCount) * 2 + readU16(bytes, at + bodyLength)
}

/** The question of an exported entry, read to `key` (its `hash` is left to the caller). */
export function keyOf(entry: Uint8Array, from: number, key: CacheKey): void {
  key.nameLength = entry[from + nameLength] as number
  for (let i = 0; i < key.nameLength; i++) key.name[i] = entry[from + fixedBytes + i] as number
  key.type = readU16(entry, from + type)
  key.dnssec = entry[from + dnssec] as number
  key.route = readU32(entry, from + route)
}
