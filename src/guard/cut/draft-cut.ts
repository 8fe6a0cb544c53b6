import type { Query } from '../../query/query.ts'
import { Class, Ede, Rcode, Type } from '../../wire/codes.ts'
import { writeU16, writeU32 } from '../../wire/header.ts'
import { draftNegative, pointerToQuestion } from '../negative.ts'
import type { Host, Savings } from '../rule.ts'
import type { Cuts } from './cuts.ts'
import { soaBytesMax } from './soa.ts'

/**
 * NXDOMAIN for a name below the parent in `slot`, which begins at `parentAt` in it: with the SOA that the parent's denial had, else with one
 * of ours owned by the parent (FIELD 3.5). It lives as long as the parent's denial still does; TTL and MINIMUM are alike (FIELD 3.3).
 */
export function draftCut({ draft, savings }: Host, query: Query, cuts: Cuts, slot: number, parentAt: number): void {
  // As the cache ages its answers: by whole seconds since it came.
  const ttl = Math.min(
    Math.ceil(((cuts.until[slot] as number) - query.receivedAt) / 1000),
    cuts.seconds[slot] as number,
  )
  const length = cuts.soaLength[slot] as number
  if (length === 0) draftNegative(draft, Rcode.NXDOMAIN, parentAt, ttl)
  else {
    const { bytes } = draft
    draft.reset(Rcode.NXDOMAIN)
    writeU16(bytes, 0, pointerToQuestion(query.nameLength - (cuts.ownerLength[slot] as number)))
    writeU16(bytes, 2, Type.SOA)
    writeU16(bytes, 4, Class.IN)
    writeU32(bytes, 6, ttl)
    writeU16(bytes, 10, length)
    for (let i = 0; i < length; i++) bytes[12 + i] = cuts.soas[slot * soaBytesMax + i] as number
    writeU32(bytes, 12 + length - 4, ttl)
    draft.length = 12 + length
    draft.authorities = 1
  }
  draft.ede = Ede.BLOCKED
  draft.edeText = edeText
  savings.row = rowOf(cuts.scope[slot] as number, savings)
  savings.answerBytes = cuts.answerBytes[slot] as number
}

/** Scopes are numbered: suffixes first, then cluster domains. */
function rowOf(scope: number, { suffixRows, domainRows }: Savings): number {
  const suffixes = suffixRows.length
  return (scope < suffixes ? suffixRows[scope] : domainRows[scope - suffixes]) as number
}

const edeText = new TextEncoder().encode('cut: the parent does not exist')
