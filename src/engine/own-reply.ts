import * as metric from '../metrics/catalog.ts'
import type { Draft } from '../query/draft.ts'
import { OPEN_ANY, OPEN_BADVERS, OPEN_NOTIMP, OPEN_REFUSED } from '../query/open.ts'
import { Rcode } from '../wire/codes.ts'

/** RFC 8482 section 4.2: an HINFO record with CPU "RFC8482" and an empty OS in place of everything. TTL 3600 s. */
const anyRecord = Uint8Array.from([
  ...[0xc0, 12, 0, 13, 0, 1, 0, 0, 0x0e, 0x10, 0, 9, 7, 0x52, 0x46, 0x43, 0x38, 0x34, 0x38, 0x32, 0],
])
/** RFC 6891 section 9. */
const badVersion = 16

/** What can't walk the road is answered at once (RFC 8906: always answer): fills the draft, returns the outcome. */
export function draftOwnReply(draft: Draft, opened: number): number {
  if (opened === OPEN_ANY) {
    draft.reset(Rcode.NOERROR)
    draft.bytes.set(anyRecord)
    draft.length = anyRecord.length
    draft.answers = 1
    return metric.outcomes.rule
  }
  draft.reset(rcodeOf(opened))
  return metric.outcomes.error
}

function rcodeOf(opened: number): number {
  switch (opened) {
    case OPEN_NOTIMP:
      return Rcode.NOTIMP
    case OPEN_BADVERS:
      return badVersion
    case OPEN_REFUSED:
      return Rcode.REFUSED
    default:
      return Rcode.FORMERR
  }
}
