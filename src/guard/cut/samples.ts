import type { Query } from '../../query/query.ts'
import type { Savings } from '../rule.ts'
import type { Cuts } from './cuts.ts'
import type { Scopes } from './scopes.ts'
import type { CutSettings } from './settings.ts'

/** How long the answer about a sample is awaited, in ms: above any deadline of a client. */
const awaitMs = 5000

/**
 * Which names below a missing parent go upstream all the same: the first few below a new cut, then one in many. Some servers deny a name and
 * answer below it (dnsmasq with `local=` and `address=`): a sample that exists tells.
 *
 * A search walk asks for the same external name below each suffix. What its label has cost in cluster zones, where the schema is known, is
 * taken off the first samples below a suffix, so that a walk costs four questions per external parent, however many suffixes there are.
 */
export class Samples {
  private readonly cuts: Cuts
  private readonly settings: CutSettings
  private readonly savings: Savings
  private readonly spent: Uint8Array
  private readonly spentUntil: Float64Array

  constructor(cuts: Cuts, settings: CutSettings, savings: Savings) {
    this.cuts = cuts
    this.settings = settings
    this.savings = savings
    this.spent = new Uint8Array(settings.parents.length)
    this.spentUntil = new Float64Array(settings.parents.length)
  }

  /** Is the query's name to go upstream, or to wait for one that did? `scopes` has found its parent, which is in `slot`. */
  takes(query: Query, slot: number, scopes: Scopes): boolean {
    const { cuts } = this
    const { hash, receivedAt: now } = query
    if (cuts.isAwaited(slot, hash, now)) return true
    if (cuts.wasSampled(slot, hash) || cuts.countedHash[slot] === hash) return false
    cuts.countedHash[slot] = hash
    const isFirst = (cuts.sampled[slot] as number) < this.firstOf(scopes, cuts.scope[slot] as number, now)
    cuts.unsampled[slot] = (cuts.unsampled[slot] as number) + 1
    if (!isFirst && (cuts.unsampled[slot] as number) < this.settings.sampleOneIn) return false
    cuts.unsampled[slot] = 0
    this.savings.lookedUp(query)
    cuts.sample(slot, hash, isFirst, now + awaitMs)
    return true
  }

  /** In cluster zones the schema is known, so none is let through at first. */
  private firstOf(scopes: Scopes, scope: number, now: number): number {
    if (scopes.isCluster(scope)) return 0
    const { parent } = scopes
    const spent = scopes.isElsewhere || now >= (this.spentUntil[parent] as number) ? 0 : (this.spent[parent] as number)
    return this.settings.samples - spent
  }

  /** The parent that `scopes` found is asked for. */
  spend(scopes: Scopes, scope: number, now: number): void {
    const { parent } = scopes
    if (scopes.isElsewhere || !scopes.isCluster(scope)) return
    if (now >= (this.spentUntil[parent] as number)) this.spent[parent] = 0
    this.spent[parent] = Math.min((this.spent[parent] as number) + 1, 255)
    this.spentUntil[parent] = now + this.settings.maxTtl
  }
}
