import type { Draft } from '../query/draft.ts'
import type { Query } from '../query/query.ts'
import { HEADER } from '../wire/header.ts'
import { writeSoaOfOurs } from '../wire/soa.ts'
import type { PlanNames } from './rule.ts'

export { soaBodyBytes as soaBytes, writeSoaBody as writeSoa } from '../wire/soa.ts'

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
  draft.length = writeSoaOfOurs(draft.bytes, 0, ownerOffset, ttl)
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

/** What a name that becomes another one takes along: below a cluster domain denials live 5 s, wherever it leads (FIELD 2). */
export function denialTtlMaxOf(query: Query, { clusterDomains }: PlanNames): number {
  return clusterDomains.longestSuffix(query) === -1 ? 0 : clusterNegativeTtlMax
}
