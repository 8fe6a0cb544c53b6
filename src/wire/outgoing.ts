import { ARCOUNT, FLAGS, HEADER, ID, NSCOUNT, QDCOUNT, writeU16, writeU32 } from './header.ts'

/** The EDNS payload size we offer upstream and are ready to send ourselves: no fragments (RFC 9715 section 3). */
export const payloadSizeOurs = 1232
/** Bytes of an OPT record without options. */
export const optBytes = 11
/** The longest question we send: header, name, type and class, OPT. */
export const questionBytesMax = HEADER + 255 + 4 + optBytes

/**
 * Writes a question of our own: header, one question of class IN, and our own OPT, never the client's (EDNS is hop by hop, RFC 6891 section 6).
 * `flags` are RD, CD and AD as they should go out. Returns the message's length.
 */
export function writeQuestion(
  to: Uint8Array,
  at: number,
  id: number,
  flags: number,
  name: Uint8Array,
  nameLength: number,
  type: number,
  dnssecOk: number,
  withEdns: boolean,
): number {
  writeU16(to, at + ID, id)
  writeU16(to, at + FLAGS, flags)
  writeU16(to, at + QDCOUNT, 1)
  writeU32(to, at + QDCOUNT + 2, 0)
  writeU16(to, at + NSCOUNT, 0)
  writeU16(to, at + ARCOUNT, withEdns ? 1 : 0)
  let here = at + HEADER
  for (let i = 0; i < nameLength; i++) to[here + i] = name[i] as number
  here += nameLength
  writeU16(to, here, type)
  writeU16(to, here + 2, 1)
  here += 4
  return (withEdns ? writeOpt(to, here, payloadSizeOurs, 0, dnssecOk) : here) - at
}

/** An OPT record without options (RFC 6891 section 6.1.2); returns the offset behind it. `extendedRcode`: the upper 8 bits. */
export function writeOpt(
  to: Uint8Array,
  at: number,
  payloadSize: number,
  extendedRcode: number,
  dnssecOk: number,
): number {
  to[at] = 0
  writeU16(to, at + 1, 41)
  writeU16(to, at + 3, payloadSize)
  to[at + 5] = extendedRcode
  to[at + 6] = 0
  writeU16(to, at + 7, dnssecOk ? 0x8000 : 0)
  writeU16(to, at + 9, 0)
  return at + optBytes
}
