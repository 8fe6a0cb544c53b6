import { hashBytes } from '../../base/hash.ts'
import { cuts as events, RULE_EXEMPT, rule as ruleCounters } from '../../metrics/catalog.ts'
import type { Probed } from '../../query/probed.ts'
import type { Query } from '../../query/query.ts'
import { PASS, PROBE, REPLY, type Verdict } from '../../query/verdict.ts'
import { wireName } from '../../wire/text.ts'
import type { Host, Rule, RuleKind } from '../rule.ts'
import { Cuts, cutsMax, EXISTS, MISSING } from './cuts.ts'
import { draftCut } from './draft-cut.ts'
import { explainCut } from './explain.ts'
import { Judge } from './judge.ts'
import { Samples } from './samples.ts'
import { NO_SCOPE, Scopes } from './scopes.ts'
import { type CutSettings, cutSettings } from './settings.ts'
import { Watch } from './watch.ts'
import { withdrawal } from './withdrawal.ts'

/** Nothing exists below a name that does not exist (RFC 8020): asks for the parent first, and answers below missing ones. */
export const cut: RuleKind<CutSettings> = {
  name: 'cut',
  settings: cutSettings,
  deniesJunk: true,
  saves: true,
  create: (settings, host, before) => new CutRule(settings, host, before instanceof CutRule ? before : undefined),
}

class CutRule implements Rule {
  private readonly settings: CutSettings
  private readonly host: Host
  private readonly scopes: Scopes
  private readonly cuts: Cuts
  private readonly judge: Judge
  private readonly samples: Samples
  private readonly watch: Watch
  /** What a verdict is made of: where it only observes, what the watch has learned. */
  private readonly known: Cuts
  /** 1 for scopes in which a name below a missing parent was seen to exist. */
  private readonly isWithdrawn: Uint8Array

  /** @param before hands over what it knows; what it withdrew is tried again */
  constructor(settings: CutSettings, host: Host, before: CutRule | undefined) {
    this.settings = settings
    this.host = host
    this.scopes = new Scopes(host.names, settings.parents.map(wireName), settings.except.map(wireName))
    this.cuts = before?.scopes.equals(this.scopes) === true ? before.cuts : new Cuts(cutsMax, host.hashSeed)
    this.isWithdrawn = new Uint8Array(this.scopes.count)
    this.judge = new Judge(this.scopes, settings.maxTtl, host.savings)
    this.samples = new Samples(this.cuts, settings, host.savings)
    this.watch = new Watch(settings, host, this.scopes, this.judge)
    this.known = host.observed ? this.watch.parents : this.cuts
  }

  check(query: Query): Verdict {
    const { scopes, known, host } = this
    const scope = scopes.find(query)
    if (scope === NO_SCOPE || this.isWithdrawn[scope] === 1 || query.recursionDesired === 0) return PASS
    if (scopes.isElsewhere && this.settings.elsewhere !== 'enforce') return PASS
    // A validator behind us would call an unsigned denial bogus (FIELD 3.6).
    if (this.settings.whenDnssec === 'pass' && (query.dnssecOk === 1 || query.checkingDisabled === 1)) {
      if (query.dry === 0) host.counters.add(ruleCounters.at(host.index, RULE_EXEMPT))
      return PASS
    }
    const from = query.labels[scopes.label] as number
    const slot = known.find(query.name, from, query.nameLength)
    const state = known.stateAt(slot, query.receivedAt)
    if (state === EXISTS) return PASS
    if (state === MISSING) {
      if (query.dry === 0 && !host.observed && this.samples.takes(query, slot, scopes)) {
        host.counters.add(events.sampled)
        query.probeLabel = 0
        return PROBE
      }
      draftCut(host, query, known, slot, from)
      return REPLY
    }
    // It has waited, and still nothing is known: then the name itself is asked for.
    if (query.probes > 0 || host.observed) return PASS
    if (query.dry === 0) {
      known.scope[known.take(query.name, from, query.nameLength)] = scope
      this.samples.spend(scopes, scope, query.receivedAt)
      host.counters.add(events.probed)
    }
    query.probeLabel = scopes.label
    return PROBE
  }

  readonly idle = (): void => this.watch.refill()
  readonly explain = (query: Query, verdict: Verdict): string =>
    explainCut(query, verdict, this.settings, this.scopes, this.known, this.isWithdrawn)

  /** Where it only observes, it learns from what others deny. */
  denied(query: Query, isOurs: boolean): Verdict {
    if (!isOurs) this.watch.denied(query)
    return PASS
  }

  probed(probed: Probed, now: number): void {
    const { name, nameLength } = probed
    const { cuts } = this
    const slot = cuts.find(name, 0, nameLength)
    if (slot !== -1)
      this.host.counters.add(this.judge.learn(cuts, slot, probed, now) ? events.missing : events.existing)
    this.watch.probed(probed, now)
    const hash = hashBytes(this.host.hashSeed, name, 0, nameLength)
    for (let at = (name[0] as number) + 1; at < nameLength; at += (name[at] as number) + 1) {
      const above = cuts.find(name, at, nameLength)
      if (above !== -1 && cuts.endAwaiting(above, hash) && this.judge.exists(probed)) this.withdraw(above, probed, at)
    }
  }

  /** A name below a missing parent exists: whoever serves this suffix does not keep to RFC 8020. */
  private withdraw(slot: number, { name, nameLength }: Probed, parentAt: number): void {
    const scope = this.cuts.scope[slot] as number
    if (this.isWithdrawn[scope] === 1) return
    this.isWithdrawn[scope] = 1
    this.cuts.forget(scope)
    this.host.counters.add(events.withdrawn)
    this.host.event(withdrawal(this.scopes.nameOf(scope), name.slice(0, nameLength), name.slice(parentAt, nameLength)))
  }
}
