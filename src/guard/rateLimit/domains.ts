import { NameSet } from '../../query/name-set.ts'
import type { Query } from '../../query/query.ts'
import { nameFromText } from '../../wire/text.ts'
import type { PlanNames } from '../rule.ts'

/**
 * Which part of a name says whose it is: that part has a bucket of its own, for all names below it.
 *
 *   below a cluster domain or search suffix   that domain, the longest       default.svc.[cluster.local]
 *   below a reverse zone that has a route     that zone                      1.0.[233.10.in-addr.arpa]
 *   any other                                 the last two labels            u123.x.[flood.test], 4.3.2.1.[in-addr.arpa]
 *   one label, the root                       the root, for all of them      wpad[.]
 *
 * So all reverse questions for foreign addresses share one bucket: a scan of the internet's addresses, one name in each
 * network, is a flood below one domain. No list of public suffixes is asked: names below co.uk share a bucket, too.
 */
export class Domains {
  private readonly known: NameSet

  constructor({ clusterDomains, searchSuffixes, routeZones }: PlanNames) {
    const reverse = routeZones.names.filter((name) => arpa.some((zone) => endsWith(name, zone)))
    this.known = new NameSet([...clusterDomains.names, ...searchSuffixes.names, ...reverse])
  }

  /** Offset in `query.name` at which that part begins. */
  find(query: Query): number {
    const { labels, nameLength } = query
    // Errors may come without a name.
    if (nameLength === 0) return 0
    const { labelCount } = query
    if (this.known.longestSuffix(query) !== -1) return labels[this.known.matchedLabel] as number
    return labelCount > 1 ? (labels[labelCount - 2] as number) : nameLength - 1
  }
}

const arpa = ['in-addr.arpa', 'ip6.arpa'].map((name) => nameFromText(name) as Uint8Array)

function endsWith(name: Uint8Array, zone: Uint8Array): boolean {
  const from = name.length - zone.length
  return from > 0 && zone.every((byte, i) => name[from + i] === byte)
}
