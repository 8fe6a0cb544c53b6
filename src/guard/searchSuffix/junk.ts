import type { NameSet } from '../../query/name-set.ts'
import type { Query } from '../../query/query.ts'
import type { PlanNames } from '../rule.ts'

/**
 * Names that only a search list can have made. Junk by form is
 *
 *      L . Z . S        web.default.svc . cluster.local . example.org
 *
 * Z a cluster domain, L and S not empty, and either S is a search suffix, or Z can't be a public zone (two labels or
 * more, ending in `local` or `internal`) and L ends in `svc` or `pod`. Names at or below a route's zone, a local answer
 * or another cluster domain never are: somebody may really serve them.
 *
 * Labels are compared, not text: a label may hold a dot byte.
 */
export class JunkByForm {
  /** After a find: the label at which S begins. */
  suffixLabel = 0
  /** After a find that found none: the name has the form, and somebody may really serve it. */
  isSpared = false
  /** After a find: S among the search suffixes, -1 when it is none. */
  suffix = -1
  private readonly zones: readonly Zone[]
  private readonly names: PlanNames

  constructor(names: PlanNames) {
    this.names = names
    this.zones = distinct(names.clusterDomains).map(zoneOf)
  }

  /** The label at which Z.S begins, the shortest Z.S where there are several; -1 for a name that isn't junk. */
  find(query: Query): number {
    const { zones } = this
    this.isSpared = false
    for (let suffix = query.labelCount - 1; suffix > 1; suffix--) {
      for (let i = 0; i < zones.length; i++) {
        const zone = zones[i] as Zone
        const begin = suffix - zone.labels
        if (begin < 1 || !stands(zone, query, begin, suffix)) continue
        const known = this.searchSuffix(query, suffix)
        if (known === -1 && !(zone.isPrivate && endsLikeCluster(query, begin))) continue
        if (this.isBelowAnother(query, i)) {
          this.isSpared = true
          continue
        }
        this.suffixLabel = suffix
        this.suffix = known
        this.isSpared = this.isServed(query)
        return this.isSpared ? -1 : begin
      }
    }
    return -1
  }

  private searchSuffix(query: Query, label: number): number {
    return this.names.searchSuffixes.find(query.name, query.labels[label] as number, query.nameLength)
  }

  private isServed(query: Query): boolean {
    return this.names.routeZones.longestSuffix(query) !== -1 || this.names.localNames.labelOf(query) !== -1
  }

  private isBelowAnother(query: Query, except: number): boolean {
    for (let i = 0; i < this.zones.length; i++) {
      const zone = this.zones[i] as Zone
      const begin = query.labelCount - zone.labels
      if (i !== except && begin >= 0 && stands(zone, query, begin, query.labelCount)) return true
    }
    return false
  }
}

interface Zone {
  /** Wire form without the root's 0. */
  readonly bytes: Uint8Array
  readonly labels: number
  /** It can't be a public zone, so that a schema word before it is proof enough without a suffix that we know. */
  readonly isPrivate: boolean
}

function zoneOf(name: Uint8Array): Zone {
  let labels = 0
  let last = 0
  for (let at = 0; name[at] !== 0; at += (name[at] as number) + 1) {
    labels++
    last = at
  }
  const top = String.fromCharCode(...name.subarray(last + 1, name.length - 1))
  return { bytes: name.subarray(0, -1), labels, isPrivate: labels > 1 && (top === 'local' || top === 'internal') }
}

/** A name that is listed twice must not count as "another" of itself. */
function distinct(set: NameSet): readonly Uint8Array[] {
  return set.names.filter((name, i) => set.find(name, 0, name.length) === i)
}

/**
 * Are the labels from `begin` up to `end` exactly the zone's? Both are label numbers; `labelCount` stands for the root.
 */
function stands(zone: Zone, query: Query, begin: number, end: number): boolean {
  const { name, labels } = query
  const { bytes } = zone
  const from = labels[begin] as number
  const to = end === query.labelCount ? query.nameLength - 1 : (labels[end] as number)
  if (to - from !== bytes.length) return false
  for (let i = 0; i < bytes.length; i++) if (name[from + i] !== bytes[i]) return false
  return true
}

/** Is the label left of `begin` one of the two that all names of a cluster have there? */
function endsLikeCluster(query: Query, begin: number): boolean {
  const { name } = query
  const at = query.labels[begin - 1] as number
  if (name[at] !== 3) return false
  const word = ((name[at + 1] as number) << 16) | ((name[at + 2] as number) << 8) | (name[at + 3] as number)
  return word === svc || word === pod
}

/** The words in ASCII. */
const svc = 0x737663
const pod = 0x706f64
