import { NameSet } from '../../query/name-set.ts'
import type { Query } from '../../query/query.ts'
import { Ede, Rcode, Type } from '../../wire/codes.ts'
import { wireName } from '../../wire/text.ts'
import type { Host, PlanNames } from '../rule.ts'

/** Names that are denied have NXDOMAIN, and so has all below them; zones are there, with nothing in them. */
type Kind = 'denied' | 'zone' | 'empty'

interface Entry {
  readonly name: string
  readonly kind: Kind
}

/** What is to be said of a special-use name. Texts are built once. */
export interface SpecialAnswer {
  readonly rcode: number
  readonly ede: number
  readonly edeText: Uint8Array
}

/**
 * Names that mean the same everywhere, whatever a resolver says (RFC 6761). By `standard` those that no LAN and no cluster serves; by `strict` also those
 * that a LAN's own servers do answer, but no public resolver can:
 *
 *   denied   invalid, onion, alt · strict: local, internal, test     NXDOMAIN, the name itself and below
 *   empty    resolver.arpa                                           NODATA, the name itself and below
 *   zone     strict: home.arpa, the reverse zones of RFC 6303        NODATA for its apex, NXDOMAIN below
 *
 * A route, cluster domain, search suffix or local name at, above or below a name says that somebody serves it: it passes.
 */
export class SpecialUse {
  private readonly entries: readonly Entry[]
  private readonly set: NameSet
  private readonly names: PlanNames
  private readonly ancestors: NameSet

  constructor(setting: 'standard' | 'strict' | 'off', { names, hasPrivateUpstream }: Host) {
    // A private upstream is most likely the one that serves them.
    const isStrict = setting === 'strict' && !hasPrivateUpstream
    this.entries = setting === 'off' ? [] : isStrict ? [...standard, ...strict] : standard
    this.set = new NameSet(this.entries.map(({ name }) => wireName(name)))
    this.names = names
    const { routeZones, clusterDomains, searchSuffixes } = names
    const served = [routeZones, clusterDomains, searchSuffixes].flatMap((set) => set.names)
    this.ancestors = new NameSet(served.flatMap(ancestorsOf))
  }

  /** Undefined for all other names. */
  find(query: Query): SpecialAnswer | undefined {
    const found = this.set.longestSuffix(query)
    if (found === -1) return undefined
    const { kind } = this.entries[found] as Entry
    const isApex = this.set.matchedLabel === 0
    // The zone's parent owns its DS, and proves with it that the zone is not signed (RFC 8375 section 4).
    if (isApex && query.type === Type.DS) return undefined
    if (this.isServed(query)) return undefined
    return kind === 'empty' || (kind === 'zone' && isApex) ? nodata : nxdomain
  }

  /** Where the SOA of its denial is owned: by the special name, and above it when that itself is asked for. */
  ownerOf(query: Query): number {
    const label = this.set.matchedLabel === 0 ? 1 : this.set.matchedLabel
    return label < query.labelCount ? (query.labels[label] as number) : query.nameLength - 1
  }

  private isServed(query: Query): boolean {
    const { localNames } = this.names
    return (
      isServedElsewhere(query, this.names) ||
      localNames.labelOf(query) !== -1 ||
      // An NXDOMAIN here would deny the name below it too (RFC 8020 section 2).
      localNames.has(query, 0) ||
      this.ancestors.find(query.name, 0, query.nameLength) !== -1
    )
  }
}

/**
 * Has the operator said by a route, a cluster domain or a suffix that somebody else knows the name (a Tor proxy for
 * onion)?
 */
export function isServedElsewhere(query: Query, { routeZones, clusterDomains, searchSuffixes }: PlanNames): boolean {
  return (
    routeZones.longestSuffix(query) !== -1 ||
    clusterDomains.longestSuffix(query) !== -1 ||
    searchSuffixes.longestSuffix(query) !== -1
  )
}

const edeText = new TextEncoder().encode('localAnswers: special-use name')
const nxdomain: SpecialAnswer = { rcode: Rcode.NXDOMAIN, ede: Ede.BLOCKED, edeText }
const nodata: SpecialAnswer = { rcode: Rcode.NOERROR, ede: Ede.BLOCKED, edeText }

const as = (kind: Kind, names: readonly string[]): Entry[] => names.map((name) => ({ name, kind }))

const standard: readonly Entry[] = [
  // RFC 6761 section 6.4, RFC 7686 section 2, RFC 9476 section 2.
  ...as('denied', ['invalid', 'onion', 'alt']),
  // RFC 9462 sections 4 and 6.1: clients would learn how to go around us.
  ...as('empty', ['resolver.arpa']),
]

const upTo = (from: number, to: number, name: (n: number) => string): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => name(from + i))

const strict: readonly Entry[] = [
  // RFC 6762 section 3, ICANN's reservation of 2024, RFC 6761 section 6.2.
  ...as('denied', ['local', 'internal', 'test']),
  // RFC 8375 section 4.
  ...as('zone', ['home.arpa']),
  // RFC 6303 section 4.1, RFC 1918.
  ...as('zone', ['10.in-addr.arpa', '168.192.in-addr.arpa', ...upTo(16, 31, (n) => `${n}.172.in-addr.arpa`)]),
  // RFC 6303 section 4.2 and RFC 7793: this network, loopback, link-local, documentation, broadcast, shared addresses.
  ...as('zone', ['0.in-addr.arpa', '127.in-addr.arpa', '254.169.in-addr.arpa', '255.255.255.255.in-addr.arpa']),
  ...as('zone', ['2.0.192.in-addr.arpa', '100.51.198.in-addr.arpa', '113.0.203.in-addr.arpa']),
  ...as(
    'zone',
    upTo(64, 127, (n) => `${n}.100.in-addr.arpa`),
  ),
  // RFC 6303 sections 4.3 to 4.6: unspecified and loopback, ULA, link-local, documentation.
  ...as('zone', [`${'0.'.repeat(32)}ip6.arpa`, `1.${'0.'.repeat(31)}ip6.arpa`, 'd.f.ip6.arpa']),
  ...as(
    'zone',
    [...'89ab'].map((nibble) => `${nibble}.e.f.ip6.arpa`),
  ),
  ...as('zone', ['8.b.d.0.1.0.0.2.ip6.arpa']),
]

function ancestorsOf(name: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = []
  for (let at = 0; name[at] !== 0; at += (name[at] as number) + 1) if (at > 0) found.push(name.subarray(at))
  return found
}
