import { stripName } from '../../query/open.ts'
import type { Query } from '../../query/query.ts'
import type { PlanNames } from '../rule.ts'
import type { JunkByForm } from './junk.ts'

/** A name of one label is never asked for alone: resolvers don't, unless they are told to (`ndots:0`). */
const labelsLeftMin = 2

/** Takes the search suffix off a name that does not exist, so that the real name can be answered for at once. */
export class Stripper {
  private readonly names: PlanNames
  private readonly junk: JunkByForm
  private readonly hashSeed: number

  constructor(names: PlanNames, junk: JunkByForm, hashSeed: number) {
    this.names = names
    this.junk = junk
    this.hashSeed = hashSeed
  }

  /** True when the query has its real name now: once per name, by the longest suffix. */
  strip(query: Query): boolean {
    if (query.suffixLength !== 0) return false
    const label = this.suffixLabel(query)
    if (label < labelsLeftMin) return false
    stripName(query, label, this.hashSeed)
    return true
  }

  private suffixLabel(query: Query): number {
    const { searchSuffixes } = this.names
    if (searchSuffixes.longestSuffix(query) !== -1) return searchSuffixes.matchedLabel
    return this.junk.find(query) === -1 ? -1 : this.junk.suffixLabel
  }
}
