import { RULE_EXEMPT, rule as ruleCounters } from '../../metrics/catalog.ts'
import { NameSet } from '../../query/name-set.ts'
import type { Reply } from '../../query/reply.ts'
import { ASK, PASS } from '../../query/verdict.ts'
import { Ede, Rcode, Type } from '../../wire/codes.ts'
import { FLAGS, RCODE, readU16 } from '../../wire/header.ts'
import { lowerName } from '../../wire/name.ts'
import { nameFromText } from '../../wire/text.ts'
import { clusterNegativeTtlMax, negativeTtlDefault } from '../negative.ts'
import type { PlanNames, RuleKind } from '../rule.ts'
import { type AaaaFilterSettings, aaaaFilterSettings } from './settings.ts'
import { AddressStripper } from './strip.ts'

/** Asks A for AAAA and lets the rcode follow: no addresses, and a name stays as existing or missing as it is. */
export const aaaaFilter: RuleKind<AaaaFilterSettings> = {
  name: 'aaaaFilter',
  settings: aaaaFilterSettings,

  create(settings, { names, counters, mark, index }) {
    const except = exceptions(settings, names)
    const answersDnssec = settings.whenDnssec === 'answer'
    const exempt = ruleCounters.at(index, RULE_EXEMPT)
    const stripper = new AddressStripper()

    return {
      check(query) {
        if (query.type !== Type.AAAA || except.longestSuffix(query) !== -1) return PASS
        // NODATA without a proof is bogus to a validator behind us (RFC 4035 section 5.4).
        if (!answersDnssec && (query.dnssecOk === 1 || query.checkingDisabled === 1)) {
          if (query.dry === 0) counters.add(exempt)
          return PASS
        }
        query.askType = Type.A
        query.marks |= mark
        return ASK
      },

      finish(query, reply) {
        const inCluster = names.clusterDomains.longestSuffix(query) !== -1
        stripper.strip(query, reply, inCluster ? clusterNegativeTtlMax : negativeTtlDefault)
        if (rcodeOf(reply) !== Rcode.NOERROR) return
        reply.ede = Ede.FILTERED
        reply.edeText = edeText
      },
    }
  },
}

const edeText = new TextEncoder().encode('aaaaFilter')

function rcodeOf(reply: Reply): number {
  return readU16(reply.bytes, reply.at + FLAGS) & RCODE
}

/**
 * `ipv4only.arpa` tells a host behind NAT64 its prefix by the very AAAA records that we would take away (RFC 7050, RFC
 * 8880).
 */
function exceptions(settings: AaaaFilterSettings, names: PlanNames): NameSet {
  const listed = settings.except === 'clusterDomains' ? names.clusterDomains.names : settings.except.map(wireOf)
  return new NameSet([...listed, wireOf('ipv4only.arpa')])
}

function wireOf(text: string): Uint8Array {
  const name = nameFromText(text)
  if (name === undefined) throw new Error(`guard.aaaaFilter: ${text} is no domain name`)
  lowerName(name, 0, name.length, name, 0)
  return name
}
