import type { CacheData } from '../link/plan-data.ts'
import { Type } from '../wire/codes.ts'
import { KIND_FAILURE, KIND_NODATA, KIND_NXDOMAIN, KIND_PARTIAL, KIND_POSITIVE } from '../wire/kind.ts'
import type { Rebuilt } from '../wire/rebuild.ts'

/** Negatives below a cluster domain live this long at most: a service is created in seconds (FIELD 2). */
export const clusterNegativeTtlMax = 5
/** A chain without an end is kept this long at most, s. */
const partialTtlMax = 5
/** RFC 2308 section 7: failures are kept five minutes at most. */
const failureTtlMax = 300

/**
 * For how many seconds an answer is kept, 0: not at all. Each decision stands here, with its RFC; the answer's TTLs are brought in line with it, so that nobody
 * behind us keeps it longer.
 *
 * @param type the type asked
 * @param inCluster the question is at or below a cluster domain
 * @param isOfName a denial without SOA gets one of ours
 */
export function cacheSeconds(
  answer: Rebuilt,
  type: number,
  settings: CacheData,
  inCluster: boolean,
  isOfName = true,
): number {
  switch (answer.kind) {
    case KIND_POSITIVE: {
      // A TTL of 0 says: for this transaction only (RFC 1035 section 3.2.1); the operator's minTtl may overrule that.
      const ttl = Math.min(Math.max(answer.answerTtl, settings.minTtl), settings.maxTtl)
      if (ttl > answer.answerTtl) answer.writer.raiseTtls(ttl, answer.answers)
      else answer.writer.capTtls(settings.maxTtl)
      return ttl
    }
    case KIND_NODATA:
    case KIND_NXDOMAIN:
      return negativeSeconds(answer, settings, inCluster, isOfName)
    case KIND_FAILURE:
      return failureSeconds(0, settings)
    case KIND_PARTIAL:
      // Asked for addresses, a chain to nowhere is most likely a resolver that did not get further. For any other type it is how dnsmasq and the
      // VPC resolver say NODATA behind a CNAME: held back for a moment, and sent on as it came, so that nobody behind us keeps it.
      return type === Type.A ? 0 : Math.min(partialTtlMax, settings.noSoaTtl, chainSeconds(answer, settings))
    default:
      // A referral answers nothing.
      return 0
  }
}

/**
 * For how long a failure is kept: twice as long each time that the same question fails again, between 1 s and 5 min (RFC 9520 section 3.2).
 *
 * @param strikes failures of this question before, one after the other
 */
export function failureSeconds(strikes: number, { failureTtl, maxFailureTtl }: CacheData): number {
  const most = Math.min(Math.max(failureTtl, maxFailureTtl), failureTtlMax)
  return Math.min(Math.max(failureTtl, 1) * 2 ** Math.min(strikes, 10), most)
}

/** RFC 2308 section 5: min(SOA TTL, MINIMUM); without SOA by our own setting, or nothing would be held back (FIELD 3.4). */
function negativeSeconds(answer: Rebuilt, settings: CacheData, inCluster: boolean, isOfName: boolean): number {
  // The cap is for what others say; noSoaTtl is already the operator's own word.
  const wanted = answer.soaTtl === -1 ? settings.noSoaTtl : Math.min(answer.soaTtl, settings.maxNegativeTtl)
  // A chain's own TTLs count too: the negative stands at its end.
  const ttl = Math.min(
    wanted,
    inCluster ? clusterNegativeTtlMax : Number.POSITIVE_INFINITY,
    chainSeconds(answer, settings),
  )
  if (isOfName) answer.sealNegative(ttl)
  return ttl
}

/** How long the chain before a denial is good for; dnsmasq's own names have TTL 0, which `minTtl` is for (FIELD 3.12). */
function chainSeconds(answer: Rebuilt, settings: CacheData): number {
  return Math.max(answer.answerTtl, settings.minTtl)
}
