import { NameSet } from '../../query/name-set.ts'
import type { Query } from '../../query/query.ts'
import { nameToText } from '../../wire/text.ts'
import type { PlanNames } from '../rule.ts'

/** No parent of this name is to be asked for. */
export const NO_SCOPE = -1

/**
 * Where a name may be cut: at its parent below a search suffix, or where an external name fits the schema of a cluster zone.
 *
 *   www.google . com . example.org                    parent com.example.org, left of a suffix
 *       google . com . svc.cluster.local              parent com.svc.cluster.local: is there a namespace `com`?
 *       google . com . default.svc.cluster.local      parent com.default.svc.cluster.local: is there a service `com`?
 *
 * Scopes are numbered: suffixes first, then cluster domains. After `find`, `label` is where the parent begins in the query's name.
 */
export class Scopes {
  /** The label at which the parent begins. */
  label = 0
  /** The parent is none of the listed ones. */
  isElsewhere = false
  /** Which of the listed parents it is, when it is one. */
  parent = -1
  readonly count: number
  private readonly names: PlanNames
  private readonly suffixes: number
  /** Parents without the root's 0, so that they can be found within names. */
  private readonly parents: NameSet
  private readonly parentLabelsMax: number
  private readonly except: NameSet

  constructor(names: PlanNames, parents: readonly Uint8Array[], except: readonly Uint8Array[]) {
    this.names = names
    this.suffixes = names.searchSuffixes.names.length
    this.count = this.suffixes + names.clusterDomains.names.length
    this.parents = new NameSet(parents.map((name) => name.subarray(0, -1)))
    this.parentLabelsMax = parents.reduce((most, name) => Math.max(most, labelsIn(name)), 0)
    this.except = new NameSet(except)
  }

  /** Do the numbers mean the same in both? */
  equals(other: Scopes): boolean {
    const same = (one: NameSet, two: NameSet): boolean =>
      one.names.length === two.names.length &&
      one.names.every((name, i) => Buffer.compare(name, two.names[i] as Uint8Array) === 0)
    return (
      same(this.names.searchSuffixes, other.names.searchSuffixes) &&
      same(this.names.clusterDomains, other.names.clusterDomains)
    )
  }

  /** The scope's number, or NO_SCOPE. */
  find(query: Query): number {
    const { names } = this
    const zone = names.clusterDomains.longestSuffix(query)
    if (zone !== -1) {
      // The automatic suffixes at or below a cluster domain are left out of the plan; what is below one is the schema's matter.
      return this.isInCluster(query, names.clusterDomains.matchedLabel) ? this.suffixes + zone : NO_SCOPE
    }
    const suffix = names.searchSuffixes.longestSuffix(query)
    if (suffix === -1) return NO_SCOPE
    return this.isBelowSuffix(query, names.searchSuffixes.matchedLabel) ? suffix : NO_SCOPE
  }

  /** Why `find` said NO_SCOPE. For explain: allocates. */
  whyNone(query: Query): string {
    const { except, names } = this
    const excepted = except.longestSuffix(query)
    if (excepted !== -1) return `${textOf(except, excepted)} is in except`
    const { clusterDomains, searchSuffixes, servedBelow, localNames } = names
    const zone = clusterDomains.longestSuffix(query)
    const suffix = zone === -1 ? searchSuffixes.longestSuffix(query) : -1
    if (zone === -1 && suffix === -1) return 'it is below no search suffix and no cluster domain'
    const base = zone === -1 ? searchSuffixes : clusterDomains
    for (let label = 0; label < base.matchedLabel; label++) {
      const at = query.labels[label] as number
      if (servedBelow.find(query.name, at, query.nameLength) === -1 && !localNames.has(query, label)) continue
      return `names at or below ${nameToText(query.name.slice(at, query.nameLength))} are served by a route or answered here`
    }
    return zone === -1
      ? `it stands directly below ${textOf(base, suffix)}, or below a label that begins with _`
      : `none of parents stands in ${textOf(base, zone)} where a namespace or a service does`
  }

  isCluster(scope: number): boolean {
    return scope >= this.suffixes
  }

  /** The suffix or cluster domain of a scope. */
  nameOf(scope: number): Uint8Array {
    const { searchSuffixes, clusterDomains } = this.names
    return (
      scope < this.suffixes ? searchSuffixes.names[scope] : clusterDomains.names[scope - this.suffixes]
    ) as Uint8Array
  }

  /** `end`: the label at which the suffix begins. The highest listed parent is taken: what is below it is below that as well. */
  private isBelowSuffix(query: Query, end: number): boolean {
    for (let length = 1; length <= this.parentLabelsMax && end - length >= 1; length++) {
      const label = end - length
      if (this.isParent(query, label, end)) return this.isFree(query, label, false)
    }
    // RFC 2782: below a label that begins with _ there are names although it may be denied itself (FIELD 2).
    if (end < 2 || startsWithUnderscore(query, end - 1)) return false
    return this.isFree(query, end - 1, true)
  }

  /** `end`: the label at which the cluster domain begins; left of it stands svc, then the namespace, then the service. */
  private isInCluster(query: Query, end: number): boolean {
    if (end < 3 || !isSvc(query, end - 1)) return false
    if (this.isParent(query, end - 2, end - 1)) return this.isFree(query, end - 2, false)
    return end >= 4 && this.isParent(query, end - 3, end - 2) && this.isFree(query, end - 3, false)
  }

  private isParent(query: Query, from: number, to: number): boolean {
    const end = to === query.labelCount ? query.nameLength - 1 : (query.labels[to] as number)
    this.parent = this.parents.find(query.name, query.labels[from] as number, end)
    return this.parent !== -1
  }

  /** Nobody serves the parent or anything below it, as far as the plan knows. */
  private isFree(query: Query, label: number, isElsewhere: boolean): boolean {
    const at = query.labels[label] as number
    const { servedBelow, localNames } = this.names
    if (servedBelow.find(query.name, at, query.nameLength) !== -1 || localNames.has(query, label)) return false
    if (this.except.longestSuffix(query) !== -1) return false
    this.label = label
    this.isElsewhere = isElsewhere
    return true
  }
}

function textOf(set: NameSet, index: number): string {
  return nameToText(set.names[index] as Uint8Array)
}

function labelsIn(name: Uint8Array): number {
  let count = 0
  for (let at = 0; name[at] !== 0; at += (name[at] as number) + 1) count++
  return count
}

function startsWithUnderscore(query: Query, label: number): boolean {
  return query.name[(query.labels[label] as number) + 1] === 0x5f
}

function isSvc(query: Query, label: number): boolean {
  const { name } = query
  const at = query.labels[label] as number
  return name[at] === 3 && name[at + 1] === 0x73 && name[at + 2] === 0x76 && name[at + 3] === 0x63
}
