import { HEADER, writeU16, writeU32 } from './header.ts'

/**
 * MNAME dnsweir.invalid, RNAME nobody.invalid, serial 1, refresh 3600, retry 600, expire 86400, MINIMUM (filled in). Below .invalid, which nobody
 * can own (RFC 6761 section 6.4): whoever meets the record sees by its name who made it. There is no zone to transfer, so the numbers only have
 * to be plausible.
 */
const soaRdata = Uint8Array.from([
  ...[7, 0x64, 0x6e, 0x73, 0x77, 0x65, 0x69, 0x72, 7, 0x69, 0x6e, 0x76, 0x61, 0x6c, 0x69, 0x64, 0],
  ...[6, 0x6e, 0x6f, 0x62, 0x6f, 0x64, 0x79, 7, 0x69, 0x6e, 0x76, 0x61, 0x6c, 0x69, 0x64, 0],
  ...[0, 0, 0, 1, 0, 0, 0x0e, 0x10, 0, 0, 2, 0x58, 0, 1, 0x51, 0x80, 0, 0, 0, 0],
])

/** Owner as a pointer, type, class, TTL, length, rdata. */
export const soaOfOursBytes = 12 + soaRdata.length
/** The same without its owner. */
export const soaBodyBytes = soaOfOursBytes - 2

/**
 * Writes an SOA record of our own behind a question at offset 12; its owner is the question name from `ownerOffset` on, which is to be a strict
 * ancestor of it (FIELD 3.5). Returns the offset behind it.
 */
export function writeSoaOfOurs(to: Uint8Array, at: number, ownerOffset: number, ttl: number): number {
  writeU16(to, at, 0xc000 | (HEADER + ownerOffset))
  return writeSoaBody(to, at + 2, ttl)
}

/** What follows the owner. TTL and MINIMUM are alike: CoreDNS reads the one, others the smaller of both (RFC 2308 section 5). */
export function writeSoaBody(to: Uint8Array, at: number, ttl: number): number {
  writeU16(to, at, 6)
  writeU16(to, at + 2, 1)
  writeU32(to, at + 4, ttl)
  writeU16(to, at + 8, soaRdata.length)
  to.set(soaRdata, at + 10)
  const end = at + 10 + soaRdata.length
  writeU32(to, end - 4, ttl)
  return end
}
