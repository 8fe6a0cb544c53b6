import { ANCOUNT, ARCOUNT, FLAGS, HEADER, ID, NSCOUNT, OPCODE, QDCOUNT, QR, RCODE, readU16 } from './header.ts'
import { checkName, lower, skipName } from './name.ts'
import { rdataBytes, rdataNames } from './records.ts'

export const ANSWER_OK = 0
export const ANSWER_SHORT = 1
export const ANSWER_QUERY = 2
export const ANSWER_ID = 3
export const ANSWER_QUESTION = 4
export const ANSWER_MALFORMED = 5

/**
 * Does the message at `at` answer the question that we sent (RFC 5452 section 9.1)? The full question is compared, not a hash of it
 * (CVE-2020-25685), and all sections must parse to the end, so that nothing later need doubt them.
 */
export function checkAnswer(
  bytes: Uint8Array,
  at: number,
  length: number,
  id: number,
  name: Uint8Array,
  nameLength: number,
  type: number,
): number {
  if (length < HEADER) return ANSWER_SHORT
  if (readU16(bytes, at + ID) !== id) return ANSWER_ID
  const flags = readU16(bytes, at + FLAGS)
  if ((flags & QR) === 0 || (flags & OPCODE) !== 0) return ANSWER_QUERY
  const questions = readU16(bytes, at + QDCOUNT)
  // A server that could not parse or would not serve may leave the question out (RFC 1035 section 4.1.1 permits it for FORMERR).
  if (questions === 0 && length === HEADER && (flags & RCODE) !== 0) return ANSWER_OK
  if (questions !== 1) return ANSWER_QUESTION
  const question = at + HEADER
  if (length < HEADER + nameLength + 4) return ANSWER_QUESTION
  for (let i = 0; i < nameLength; i++) {
    if (lower(bytes[question + i] as number) !== lower(name[i] as number)) return ANSWER_QUESTION
  }
  if (readU16(bytes, question + nameLength) !== type) return ANSWER_QUESTION
  if (readU16(bytes, question + nameLength + 2) !== 1) return ANSWER_QUESTION
  return sectionsEnd(bytes, at, question + nameLength + 4, at + length) === -1 ? ANSWER_MALFORMED : ANSWER_OK
}

/** The answer's whole rcode, the eight bits of its OPT on top (RFC 6891 section 6.1.3). The message has passed `checkAnswer`. */
export function answerRcode(bytes: Uint8Array, at: number, length: number): number {
  const rcode = readU16(bytes, at + FLAGS) & RCODE
  if (readU16(bytes, at + ARCOUNT) === 0) return rcode
  const end = at + length
  const records = readU16(bytes, at + ANCOUNT) + readU16(bytes, at + NSCOUNT) + readU16(bytes, at + ARCOUNT)
  let here = skipName(bytes, at + HEADER, end) + 4
  for (let i = 0; i < records; i++) {
    const fixed = skipName(bytes, here, end)
    if (readU16(bytes, fixed) === 41) return ((bytes[fixed + 4] as number) << 4) | rcode
    here = skipRecord(bytes, here, end)
  }
  return rcode
}

/** The offset behind all records counted in the header, the first of which is at `from`; -1 when they don't parse. */
function sectionsEnd(bytes: Uint8Array, at: number, from: number, end: number): number {
  const records = readU16(bytes, at + ANCOUNT) + readU16(bytes, at + NSCOUNT) + readU16(bytes, at + ARCOUNT)
  let here = from
  for (let i = 0; i < records; i++) {
    here = checkRecord(bytes, at, here, end)
    if (here === -1) return -1
  }
  return here
}

/** As `skipRecord`, and all names in it are sound, those in the rdata of known types too: what passes can be rebuilt. */
function checkRecord(bytes: Uint8Array, start: number, at: number, end: number): number {
  const fixed = checkName(bytes, start, at, end)
  if (fixed === -1 || fixed + 10 > end) return -1
  const type = readU16(bytes, fixed)
  const length = readU16(bytes, fixed + 8)
  const after = fixed + 10 + length
  if (after > end) return -1
  const layout = rdataNames(type)
  if (layout === undefined) {
    const wanted = rdataBytes(type)
    return wanted === -1 || wanted === length ? after : -1
  }
  let here = fixed + 10 + layout.prefix
  for (let n = 0; n < layout.names; n++) {
    here = checkName(bytes, start, here, after)
    if (here === -1) return -1
  }
  return layout.suffix === -1 ? (here <= after ? after : -1) : here + layout.suffix === after ? after : -1
}

/** The offset behind the record at `at`, or -1. */
export function skipRecord(bytes: Uint8Array, at: number, end: number): number {
  const fixed = skipName(bytes, at, end)
  if (fixed === -1 || fixed + 10 > end) return -1
  const after = fixed + 10 + readU16(bytes, fixed + 8)
  return after <= end ? after : -1
}
