import { type LabelledName, NameSet } from '../../query/name-set.ts'
import { nameToText, wireName } from '../../wire/text.ts'
import type { PlanNames } from '../rule.ts'

/** Names that may lead inside, with all below them. */
export interface Inside {
  readonly inside: NameSet
  /** Which of them the name is at or below, and what that is; undefined for a public name. For explain: allocates. */
  whyInside(name: LabelledName): string | undefined
}

/** Split horizon is normal in a LAN and in a cluster. */
export function insideNames(allow: readonly string[], names: PlanNames): Inside {
  const lists: readonly (readonly [readonly Uint8Array[], string])[] = [
    [allow.map(wireName), 'which is in allow'],
    [names.clusterDomains.names, 'a cluster domain'],
    [names.searchSuffixes.names, 'a search suffix'],
    [names.routeZones.names, 'the zone of a route'],
    [nobodysNames.map(wireName), 'where no stranger can own a name'],
  ]
  const inside = new NameSet(lists.flatMap(([list]) => list))
  return {
    inside,
    whyInside(name) {
      const index = inside.longestSuffix(name)
      if (index === -1) return names.localNames.labelOf(name) === -1 ? undefined : 'a name that is answered here'
      const found = inside.names[index] as Uint8Array
      const [, what] = lists.find(([list]) => list.includes(found)) ?? []
      return `${nameToText(found)}, ${what}`
    },
  }
}

/**
 * No stranger can own a name below these: localhost (RFC 6761 section 6.3), local (RFC 6762), home.arpa (RFC 8375), and
 * internal, which ICANN reserved for private use in 2024.
 */
const nobodysNames = ['localhost', 'local', 'home.arpa', 'internal']
