import { NameSet } from '../../query/name-set.ts'
import type { Query } from '../../query/query.ts'
import { nameToText } from '../../wire/text.ts'
import type { PlanNames } from '../rule.ts'

/** Names that somebody may really serve in a cluster domain, beside Kubernetes. */
export class Served {
  private readonly extra: NameSet
  private readonly names: PlanNames
  private readonly ancestors: NameSet

  constructor(extra: readonly Uint8Array[], zones: NameSet, names: PlanNames) {
    this.extra = new NameSet(extra)
    this.names = names
    const all = [...extra, ...zones.names, ...names.routeZones.names]
    this.ancestors = new NameSet(all.flatMap(ancestorsOf))
  }

  /** A route or a local answer for the zone itself, or above it, says nothing of the names in it: it is the normal case. */
  has(query: Query, zone: number): boolean {
    const { extra, ancestors } = this
    const { routeZones, localNames } = this.names
    const local = localNames.labelOf(query)
    return (
      extra.longestSuffix(query) !== -1 ||
      (routeZones.longestSuffix(query) !== -1 && routeZones.matchedLabel < zone) ||
      (local !== -1 && local < zone) ||
      // An NXDOMAIN here would deny the name below it too (RFC 8020 section 2).
      ancestors.find(query.name, 0, query.nameLength) !== -1 ||
      localNames.has(query, 0)
    )
  }

  /** By whom, for a name that it has. For explain: allocates. */
  why(query: Query, zone: number): string {
    const { extra } = this
    const { routeZones, localNames } = this.names
    const listed = extra.longestSuffix(query)
    if (listed !== -1) return `it is at or below ${textOf(extra, listed)}, which is in extra`
    const route = routeZones.longestSuffix(query)
    if (route !== -1 && routeZones.matchedLabel < zone)
      return `it is at or below ${textOf(routeZones, route)}, the zone of a route`
    const local = localNames.labelOf(query)
    if (local !== -1 && local < zone) {
      const at = query.labels[local] as number
      return `it is at or below ${nameToText(query.name.slice(at, query.nameLength))}, which is answered here`
    }
    return 'a name below it is served, which an NXDOMAIN for it would deny (RFC 8020)'
  }
}

function textOf(set: NameSet, index: number): string {
  return nameToText(set.names[index] as Uint8Array)
}

function ancestorsOf(name: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = []
  for (let at = 0; name[at] !== 0; at += (name[at] as number) + 1) if (at > 0) found.push(name.subarray(at))
  return found
}
