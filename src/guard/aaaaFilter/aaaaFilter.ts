import { RULE_EXEMPT, RULE_OBSERVED, rule as ruleCounters } from '../../metrics/catalog.ts'
import type { Reply } from '../../query/reply.ts'
import { ASK, PASS } from '../../query/verdict.ts'
import { Ede, Rcode, Type } from '../../wire/codes.ts'
import { FLAGS, RCODE, readU16, TC } from '../../wire/header.ts'
import { clusterNegativeTtlMax, negativeTtlDefault } from '../negative.ts'
import type { RuleKind } from '../rule.ts'
import { explainFilter } from './explain.ts'
import { bringsAddresses, HintStripper } from './hints.ts'
import { Scope, WITHIN } from './scope.ts'
import { type AaaaFilterSettings, aaaaFilterSettings } from './settings.ts'
import { AddressStripper } from './strip.ts'

/**
 * Asks A for AAAA and lets the rcode follow: no addresses, and a name stays as existing or missing as it is. Replies to
 * other types lose the IPv6 addresses that they bring along: ipv6hint (RFC 9460 section 7.3), and AAAA as additional.
 */
export const aaaaFilter: RuleKind<AaaaFilterSettings> = {
  name: 'aaaaFilter',
  settings: aaaaFilterSettings,
  saves: true,

  create(settings, { names, onLink, counters, mark, index, observed, savings }) {
    const scope = new Scope(settings, names, onLink)
    const answersDnssec = settings.whenDnssec === 'answer'
    const exempt = ruleCounters.at(index, RULE_EXEMPT)
    const wouldFinish = ruleCounters.at(index, RULE_OBSERVED)
    const addresses = new AddressStripper()
    const hints = new HintStripper()

    return {
      check(query) {
        const isAsked = query.type === Type.AAAA
        if ((!isAsked && !bringsAddresses(query.type)) || scope.placeOf(query) !== WITHIN) return PASS
        // NODATA without a proof and an RRset without its signature are bogus to a validator behind us (RFC 4035
        // sections 5.3 and 5.4).
        if (!answersDnssec && (query.dnssecOk === 1 || query.checkingDisabled === 1)) {
          if (query.dry === 0) counters.add(exempt)
          return PASS
        }
        if (isAsked) {
          query.askType = Type.A
          query.marks |= mark
          return ASK
        }
        // The guard counts no PASS and leaves its marks, so observing falls to the rule here.
        if (!observed) query.marks |= mark
        else if (query.dry === 0) counters.add(wouldFinish)
        return PASS
      },

      finish(query, reply) {
        if (query.type !== Type.AAAA) {
          hints.strip(query, reply)
          return
        }
        const inCluster = names.clusterDomains.longestSuffix(query) !== -1
        addresses.strip(query, reply, inCluster ? clusterNegativeTtlMax : negativeTtlDefault)
        if (rcodeOf(reply) !== Rcode.NOERROR) return
        // NXDOMAIN holds for all types anyway, so it spares nobody anything.
        if (query.dry === 0 && !isTruncated(reply)) savings.sharedA(query, addresses.seconds)
        reply.ede = Ede.FILTERED
        reply.edeText = edeText
      },

      explain: (query, verdict) => explainFilter(query, verdict, settings, scope, onLink),
    }
  },
}

const edeText = new TextEncoder().encode('aaaaFilter: IPv6 addresses are taken out')

/** By the limiter perhaps, which answered nothing. */
function isTruncated(reply: Reply): boolean {
  return (readU16(reply.bytes, reply.at + FLAGS) & TC) !== 0
}

function rcodeOf(reply: Reply): number {
  return readU16(reply.bytes, reply.at + FLAGS) & RCODE
}
