import type { Query } from '../../query/query.ts'
import { ALIAS_NONE, stripName } from '../../query/rename.ts'
import { denialTtlMaxOf } from '../negative.ts'
import type { PlanNames } from '../rule.ts'
import type { JunkByForm } from './junk.ts'

/** A name of one label is never asked for alone: resolvers don't, unless they are told to (`ndots:0`). */
const labelsLeftMin = 2

const none = new Uint8Array(0)

/** Takes the search suffix off a name that does not exist, so that the real name can be answered for at once. */
export class Stripper {
  private readonly names: PlanNames
  private readonly junk: JunkByForm
  private readonly hashSeed: number
  /** The labels before the suffix. */
  private readonly real = { name: none, nameLength: 0, labels: none, labelCount: 0 }

  constructor(names: PlanNames, junk: JunkByForm, hashSeed: number) {
    this.names = names
    this.junk = junk
    this.hashSeed = hashSeed
  }

  /** The label at which the suffix begins that `strip` takes off; -1 for none: once per name, by the longest suffix. */
  labelOf(query: Query): number {
    if (query.alias !== ALIAS_NONE) return -1
    const label = this.suffixLabel(query)
    return label < labelsLeftMin || this.leadsAway(query, label) ? -1 : label
  }

  /** A local alias that is to be looked up has its own CNAMEs to stand behind: whoever goes on with its search list asks for it alone. */
  private leadsAway({ name, nameLength, labels }: Query, label: number): boolean {
    const { real } = this
    const { localNames } = this.names
    real.name = name
    real.nameLength = nameLength
    real.labels = labels
    real.labelCount = label
    const entry = localNames.find(real)
    return entry !== 0 && localNames.leadsAway(entry)
  }

  /** The query has its real name from now on. */
  strip(query: Query, label: number): void {
    query.denialTtlMax = denialTtlMaxOf(query, this.names)
    stripName(query, label, this.hashSeed)
  }

  private suffixLabel(query: Query): number {
    const { searchSuffixes } = this.names
    if (searchSuffixes.longestSuffix(query) !== -1) return searchSuffixes.matchedLabel
    return this.junk.find(query) === -1 ? -1 : this.junk.suffixLabel
  }
}
