import { hashBytes, hashEnd, hashStart, hashWord } from '../base/hash.ts'
import { ANCOUNT, ARCOUNT, FLAGS, HEADER, ID, NSCOUNT, OPCODE, QDCOUNT, QR, readU16 } from '../wire/header.ts'
import { skipRecord } from '../wire/incoming.ts'
import { lower, lowerFour, nameBytesMax, skipName } from '../wire/name.ts'
import type { Query } from './query.ts'

/** A query to walk the road. */
export const OPEN_OK = 0
/** Below 12 bytes, or QR=1: never answered, or two servers would play ping-pong (SAFETY). */
export const OPEN_SHORT = 1
export const OPEN_RESPONSE = 2
/** Answered with this rcode at once; those from here on have a question that can be echoed. */
export const OPEN_FORMERR = 3
export const OPEN_NOTIMP = 4
export const OPEN_BADVERS = 5
export const OPEN_REFUSED = 6
export const OPEN_FORMERR_QUESTION = 7
/** Type ANY: the minimal answer of RFC 8482. */
export const OPEN_ANY = 8

/**
 * Reads the message at `query.at` (RFC 1035 section 4.1, RFC 6891, RFC 9619) and fills the query's first half. Never throws, never allocates;
 * the whole message is parsed, so that nothing later need doubt it.
 */
export function openQuery(query: Query, seed: number): number {
  const { bytes, at, length } = query
  query.hasOpt = 0
  query.payloadSize = 512
  query.dnssecOk = 0
  query.marks = 0
  query.cacheOnly = 0
  query.dry = 0
  query.silent = 0
  query.hasStale = 0
  query.denialTtlMax = 0
  query.isJunk = 0
  query.probes = 0
  query.held = 0
  query.opened = 0
  query.alias = 0
  query.aliases = undefined
  query.nameLength = 0
  query.askedLength = 0
  if (length < HEADER) return OPEN_SHORT
  query.id = readU16(bytes, at + ID)
  query.flags = readU16(bytes, at + FLAGS)
  if ((query.flags & QR) !== 0) return OPEN_RESPONSE
  // NOTIFY and UPDATE touch nothing, DSO and whatever comes next get an answer too (RFC 8906 section 3.1.4).
  if ((query.flags & OPCODE) !== 0) {
    findOpt(query)
    return OPEN_NOTIMP
  }
  if (readU16(bytes, at + QDCOUNT) !== 1) {
    findOpt(query)
    return OPEN_FORMERR
  }
  const end = at + length
  const afterName = openName(query, seed, end)
  if (afterName === -1 || afterName + 4 > end) {
    query.nameLength = 0
    query.askedLength = 0
    return OPEN_FORMERR
  }
  query.type = readU16(bytes, afterName)
  query.class = readU16(bytes, afterName + 2)
  query.askType = query.type
  const extra = openRecords(query, afterName + 4, end)
  if (extra !== OPEN_OK) return extra
  return judgeQuestion(query)
}

/** Indexes the question name; a pointer can't be right here, nothing stands before it. */
function openName(query: Query, seed: number, end: number): number {
  const { bytes, labels } = query
  const from = query.at + HEADER
  let here = from
  let count = 0
  for (;;) {
    if (here >= end) return -1
    const length = bytes[here] as number
    if (length === 0) break
    if (length > 63 || here + length >= end || here - from + length + 2 > nameBytesMax) return -1
    labels[count++] = here - from
    here += length + 1
  }
  query.labelCount = count
  query.nameLength = here + 1 - from
  query.askedLength = query.nameLength
  takeName(query, seed, from, query.nameLength)
  return here + 1
}

/** Lower-cases and hashes it, four octets at a time: a label's length is below any letter. */
function takeName(query: Query, seed: number, from: number, length: number): void {
  const { bytes, view, name, nameView } = query
  const whole = length & ~3
  let hash = hashStart(seed)
  for (let i = 0; i < whole; i += 4) {
    const word = lowerFour(view.getInt32(from + i, true))
    nameView.setInt32(i, word, true)
    hash = hashWord(hash, word)
  }
  if (whole < length) {
    let last = 0
    for (let i = whole; i < length; i++) {
      const byte = lower(bytes[from + i] as number)
      name[i] = byte
      last |= byte << ((i & 3) << 3)
    }
    hash = hashWord(hash, last)
  }
  query.hash = hashEnd(hash)
}

/** Labels and hash of `query.name`. */
export function indexName(query: Query, seed: number): void {
  const { labels, name, nameLength } = query
  query.labelCount = 0
  for (let at = 0; at < nameLength - 1; at += (name[at] as number) + 1) labels[query.labelCount++] = at
  query.hash = hashBytes(seed, name, 0, nameLength)
}

function openRecords(query: Query, from: number, end: number): number {
  const { bytes, at } = query
  const additional = readU16(bytes, at + ARCOUNT)
  const others = readU16(bytes, at + ANCOUNT) + readU16(bytes, at + NSCOUNT)
  if (additional === 0 && others === 0) return OPEN_OK
  let here = from
  let version = 0
  for (let i = others + additional; i > 0; i--) {
    const after = skipRecord(bytes, here, end)
    if (after === -1) return OPEN_FORMERR_QUESTION
    const rdata = typeOffset(bytes, here)
    if (readU16(bytes, rdata) === 41) {
      // RFC 6891 section 6.1.1: one OPT, in the additional section, owned by the root.
      if (i > additional || query.hasOpt === 1 || bytes[here] !== 0 || !optionsFit(bytes, rdata + 10, after)) {
        query.hasOpt = 0
        return OPEN_FORMERR_QUESTION
      }
      query.hasOpt = 1
      query.payloadSize = Math.max(512, readU16(bytes, rdata + 2))
      version = bytes[rdata + 5] as number
      query.dnssecOk = (bytes[rdata + 6] as number) >> 7
    }
    here = after
  }
  return version === 0 ? OPEN_OK : OPEN_BADVERS
}

/** For a message that is refused as a whole: does it carry a sound OPT, so that the reply must too (RFC 6891 section 6.1.1)? */
function findOpt(query: Query): void {
  const { bytes, at, length } = query
  let here = at + HEADER
  for (let i = readU16(bytes, at + QDCOUNT); i > 0; i--) {
    here = skipName(bytes, here, at + length)
    if (here === -1) return
    here += 4
  }
  openRecords(query, here, at + length)
}

/** Offset of the type field of the record at `at`, whose name is known to be well formed. */
function typeOffset(bytes: Uint8Array, at: number): number {
  let here = at
  while ((bytes[here] as number) !== 0 && (bytes[here] as number) < 0xc0) here += (bytes[here] as number) + 1
  return here + (bytes[here] === 0 ? 1 : 2)
}

function optionsFit(bytes: Uint8Array, from: number, end: number): boolean {
  let here = from
  while (here < end) {
    if (here + 4 > end) return false
    here += 4 + readU16(bytes, here + 2)
  }
  return here === end
}

function judgeQuestion(query: Query): number {
  // CHAOS (version.bind, id.server) tells strangers what runs here; other classes nobody serves.
  if (query.class !== 1) return OPEN_REFUSED
  switch (query.type) {
    case 41: // OPT is no question
    case 128: // NXNAME (RFC 9824 section 3.2)
      return OPEN_FORMERR_QUESTION
    case 249: // TKEY, TSIG, IXFR, AXFR, MAILB, MAILA
    case 250:
    case 251:
    case 252:
    case 253:
    case 254:
      return OPEN_REFUSED
    case 255:
      return OPEN_ANY
    default:
      return OPEN_OK
  }
}
