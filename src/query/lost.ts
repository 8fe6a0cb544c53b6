import { Rcode } from '../wire/codes.ts'
import { HEADER } from '../wire/header.ts'
import { writeSoaOfOurs } from '../wire/soa.ts'
import type { Draft } from './draft.ts'
import type { Query } from './query.ts'
import { forgetAlias } from './rename.ts'

/** How long a name may be denied whose real name could not be looked up, s. */
const lostTtl = 5
/** What the denial's draft must hold: an SOA of ours. */
export const denialBytes = 128

/**
 * What a query that lost its search suffix is told. Where the real name could not be looked up, it is whole again and `denial` is filled: the
 * name as asked is known not to exist, and saying so lets a resolver go on with its search list, where a failure would end it (musl).
 */
export function toldOf(query: Query, draft: Draft, denial: Draft): Draft {
  if (draft.rcode === Rcode.NOERROR || draft.rcode === Rcode.NXDOMAIN) return draft
  const firstLabel = query.bytes[query.at + HEADER] as number
  forgetAlias(query)
  denial.reset(Rcode.NXDOMAIN)
  denial.length = writeSoaOfOurs(denial.bytes, 0, firstLabel + 1, lostTtl)
  denial.authorities = 1
  denial.ede = draft.ede
  denial.edeText = draft.edeText
  return denial
}
