import type { Draft } from '../query/draft.ts'
import type { Query } from '../query/query.ts'
import { Class, Type } from '../wire/codes.ts'
import { HEADER, writeU16, writeU32 } from '../wire/header.ts'
import { nameFromText } from '../wire/text.ts'

/**
 * Below a cluster domain a name may appear at any moment (a headless service gets its first endpoint), so nobody may
 * keep a denial longer: seconds.
 */
export const clusterNegativeTtlMax = 5

/** TTL of a denial that no setting is about: as long as nodelocaldns keeps one at most, in seconds. */
export const negativeTtlDefault = 30

/**
 * Fills the draft with a denial of our own: `rcode` (NXDOMAIN, or NOERROR for NODATA), no answer, and an SOA whose TTL
 * is its MINIMUM (RFC 2308 section 5; CoreDNS reads the one, others the smaller of both). Its owner is the part of the
 * question name that begins at `ownerOffset`: a strict ancestor, since dnsmasq 2.90 mistakes an SOA at the asked name
 * itself for its data.
 */
export function draftNegative(draft: Draft, rcode: number, ownerOffset: number, ttl: number): void {
  draft.reset(rcode)
  writeU16(draft.bytes, 0, pointerToQuestion(ownerOffset))
  draft.length = writeSoa(draft.bytes, 2, ttl)
  draft.authorities = 1
}

/** A compression pointer to the part of the question name that begins at `offset` (RFC 1035 section 4.1.4). */
export function pointerToQuestion(offset: number): number {
  return pointer | (HEADER + offset)
}

/** The top bits of a compression pointer. */
export const pointer = 0xc000

/** Where the parent of the asked name begins in it; the root is its own parent. */
export function parentOffset(query: Query): number {
  return query.labelCount > 1 ? (query.labels[1] as number) : query.nameLength - 1
}

/** Writes what follows the owner in our SOA record, TTL and MINIMUM in seconds; returns the offset behind it. */
export function writeSoa(to: Uint8Array, at: number, ttl: number): number {
  to.set(soa, at)
  const end = at + soa.length
  writeU32(to, at + ttlAt, ttl)
  writeU32(to, end - 4, ttl)
  return end
}

const ttlAt = 4
const soa = soaTemplate()

/** Bytes of our SOA without its owner. */
export const soaBytes = soa.length

/**
 * Below .invalid, which nobody can own (RFC 6761 section 6.4): whoever meets the record sees by its name who made it.
 */
function soaTemplate(): Uint8Array {
  const server = nameFromText('dnsweir.invalid') as Uint8Array
  const mailbox = nameFromText('nobody.invalid') as Uint8Array
  const rdata = new Uint8Array(server.length + mailbox.length + 20)
  rdata.set(server)
  rdata.set(mailbox, server.length)
  // There is no zone to transfer; serial, refresh, retry and expire only have to be plausible.
  const numbers = [1, 3600, 600, 86_400, 0]
  numbers.forEach((number, i) => {
    writeU32(rdata, server.length + mailbox.length + 4 * i, number)
  })
  const record = new Uint8Array(10 + rdata.length)
  writeU16(record, 0, Type.SOA)
  writeU16(record, 2, Class.IN)
  writeU16(record, 8, rdata.length)
  record.set(rdata, 10)
  return record
}
