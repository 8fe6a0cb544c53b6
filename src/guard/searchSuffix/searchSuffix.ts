import { RULE_EXEMPT, rule as ruleCounters } from '../../metrics/catalog.ts'
import { PASS, REPLY } from '../../query/verdict.ts'
import { Ede, Rcode } from '../../wire/codes.ts'
import { clusterNegativeTtlMax, draftNegative } from '../negative.ts'
import type { RuleKind } from '../rule.ts'
import { JunkByForm } from './junk.ts'
import { type SearchSuffixSettings, searchSuffixSettings } from './settings.ts'

/** Answers NXDOMAIN for names that only a search list can have made, so that no resolver behind us ever sees them. */
export const searchSuffix: RuleKind<SearchSuffixSettings> = {
  name: 'searchSuffix',
  settings: searchSuffixSettings,

  create(settings, { names, draft, counters, index }) {
    const junk = new JunkByForm(names)
    const ttl = Math.ceil(settings.negativeTtl / 1000)
    const ttlInCluster = Math.min(ttl, clusterNegativeTtlMax)
    const answersDnssec = settings.whenDnssec === 'answer'
    const exempt = ruleCounters.at(index, RULE_EXEMPT)
    const edeText = new TextEncoder().encode('search suffix behind a cluster domain')

    return {
      check(query) {
        const owner = junk.find(query)
        if (owner === -1) return PASS
        // A validator behind us would call an unsigned denial bogus and turn to its next server (RFC 4035 section 5).
        if (!answersDnssec && (query.dnssecOk === 1 || query.checkingDisabled === 1)) {
          if (query.dry === 0) counters.add(exempt)
          return PASS
        }
        const inCluster = names.clusterDomains.longestSuffix(query) !== -1
        // Z.S: no zone's apex, so nobody takes our SOA for a zone's own record.
        draftNegative(draft, Rcode.NXDOMAIN, query.labels[owner] as number, inCluster ? ttlInCluster : ttl)
        draft.ede = Ede.BLOCKED
        draft.edeText = edeText
        return REPLY
      },
    }
  },
}
