import { RULE_EXEMPT, rule as ruleCounters, stripped } from '../../metrics/catalog.ts'
import type { Probed } from '../../query/probed.ts'
import type { Query } from '../../query/query.ts'
import { PASS, REPLY, REWRITE, type Verdict } from '../../query/verdict.ts'
import { Ede, Rcode } from '../../wire/codes.ts'
import { clusterNegativeTtlMax, draftNegative } from '../negative.ts'
import type { Host, Rule, RuleKind } from '../rule.ts'
import { explainSuffix } from './explain.ts'
import { JunkByForm } from './junk.ts'
import { Learn } from './learn.ts'
import { type SearchSuffixSettings, searchSuffixSettings } from './settings.ts'
import { Stripper } from './strip.ts'
import { Wildcards } from './wildcards.ts'

/** Answers NXDOMAIN for names that only a search list can have made, or for the name without its suffix; no resolver behind us sees them. */
export const searchSuffix: RuleKind<SearchSuffixSettings> = {
  name: 'searchSuffix',
  settings: searchSuffixSettings,
  deniesJunk: true,
  saves: true,
  create: (settings, host, before) =>
    new SearchSuffix(settings, host, before instanceof SearchSuffix ? before : undefined),
}

class SearchSuffix implements Rule {
  private readonly host: Host
  private readonly junk: JunkByForm
  private readonly stripper: Stripper | undefined
  private readonly wildcards: Wildcards
  private readonly learn: Learn | undefined
  private readonly ttl: number
  private readonly answersDnssec: boolean
  private readonly exempt: number

  /** @param before hands over what it found of wildcards */
  constructor(settings: SearchSuffixSettings, host: Host, before: SearchSuffix | undefined) {
    this.host = host
    this.junk = new JunkByForm(host.names)
    this.stripper = settings.action === 'strip' ? new Stripper(host.names, this.junk, host.hashSeed) : undefined
    this.wildcards = new Wildcards(host)
    if (before !== undefined) this.wildcards.adopt(before.wildcards)
    this.learn = settings.learn && host.isFirstShard ? new Learn(host) : undefined
    this.ttl = Math.ceil(settings.negativeTtl / 1000)
    this.answersDnssec = settings.whenDnssec === 'answer'
    this.exempt = ruleCounters.at(host.index, RULE_EXEMPT)
  }

  check(query: Query): Verdict {
    const { names, draft, counters, savings } = this.host
    this.learn?.seen(query)
    const owner = this.junk.find(query)
    if (owner === -1) return PASS
    // A validator behind us would call an unsigned denial bogus and turn to its next server (RFC 4035 section 5).
    if (this.isExempt(query)) {
      if (query.dry === 0) counters.add(this.exempt)
      return PASS
    }
    const inCluster = names.clusterDomains.longestSuffix(query) !== -1
    const ttl = inCluster ? Math.min(this.ttl, clusterNegativeTtlMax) : this.ttl
    // Z.S: no zone's apex, so nobody takes our SOA for a zone's own record.
    draftNegative(draft, Rcode.NXDOMAIN, query.labels[owner] as number, ttl)
    draft.ede = Ede.BLOCKED
    draft.edeText = edeText
    if (this.junk.suffix !== -1) savings.row = savings.suffixRows[this.junk.suffix] as number
    return REPLY
  }

  denied(query: Query): Verdict {
    this.learn?.denied(query)
    // FIELD 3.6: nor is an alias of ours for those who ask for proof, whatever `whenDnssec` says of denials.
    if (this.stripper === undefined || query.dnssecOk === 1 || query.checkingDisabled === 1) return PASS
    const label = this.stripper.labelOf(query)
    if (label === -1) return PASS
    // The guard can't give a name back that an observer took.
    if (this.host.observed) return REWRITE
    this.stripper.strip(query, label)
    if (query.dry === 0) this.host.counters.add(stripped)
    return REWRITE
  }

  probed(probed: Probed, now: number): void {
    this.wildcards.probed(probed, now)
  }

  idle(now: number): void {
    this.wildcards.idle(now)
    this.learn?.idle(now)
  }

  explain(query: Query, verdict: Verdict): string {
    return explainSuffix(query, verdict, this.host.names, this.junk, this.stripper)
  }

  private isExempt(query: Query): boolean {
    return !this.answersDnssec && (query.dnssecOk === 1 || query.checkingDisabled === 1)
  }
}

const edeText = new TextEncoder().encode('searchSuffix: a search suffix behind a cluster domain')
