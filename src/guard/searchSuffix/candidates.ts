import type { Query } from '../../query/query.ts'
import type { PlanNames } from '../rule.ts'

/** Suffixes that may turn out to be search suffixes; the least supported makes room. */
const candidatesMax = 16
const nameSlot = 256
/** Bits of which each client sets one: how many are set tells about how many there were (linear counting). */
const clientBits = 64

/** What the search suffixes that nobody told us of may be, with what speaks for each. Fixed memory: 300 bytes each. */
export class Candidates {
  length = 0
  private readonly names: PlanNames
  private readonly bytes = new Uint8Array(candidatesMax * nameSlot)
  private readonly nameLength = new Uint8Array(candidatesMax)
  private readonly lookupCount = new Float64Array(candidatesMax)
  private readonly belowCount = new Float64Array(candidatesMax)
  private readonly countedFrom = new Float64Array(candidatesMax)
  private readonly clients = new Uint8Array(candidatesMax * clientBits)
  private readonly dueAt = new Float64Array(candidatesMax)
  private total = 0

  constructor(names: PlanNames) {
    this.names = names
  }

  lookups(at: number): number {
    return this.lookupCount[at] as number
  }

  /** ms at which it may be said (again). */
  sayAt(at: number): number {
    return this.dueAt[at] as number
  }

  /** Counts a query below each candidate that it is below of. */
  count({ name, nameLength }: Query): void {
    this.total++
    for (let at = 0; at < this.length; at++) {
      if (this.isBelow(at, name, 0, nameLength)) this.belowCount[at] = (this.belowCount[at] as number) + 1
    }
  }

  /**
   * `denied[from … from + length)` was denied, and the query came right after from the same client: true when the first is a longer
   * expansion of the second, or both are expansions of one name.
   */
  take(denied: Uint8Array, from: number, length: number, query: Query, client: number): boolean {
    const common = commonLabels(denied, from, length, query)
    if (common === 0 || common === length - 1) return false
    const isBare = common === query.nameLength - 1
    if (!isBare && !this.isKnown(query, common)) return false
    const at = this.find(denied, from + common, from + length)
    if (at === -1) return !isBare
    this.lookupCount[at] = (this.lookupCount[at] as number) + 1
    this.clients[at * clientBits + (client % clientBits)] = 1
    return true
  }

  /** What to say of one; allocates. */
  report(at: number, sayAt: number): { lookups: number; clients: number; percent: number; name: Uint8Array } {
    this.dueAt[at] = sayAt
    const unset = this.clients
      .subarray(at * clientBits, (at + 1) * clientBits)
      .reduce((sum, bit) => sum - bit, clientBits)
    const since = this.total - (this.countedFrom[at] as number)
    return {
      lookups: this.lookups(at),
      clients: unset === 0 ? clientBits : Math.round(-clientBits * Math.log(unset / clientBits)),
      percent: Math.round((100 * (this.belowCount[at] as number)) / Math.max(since, 1)),
      name: this.bytes.slice(at * nameSlot, at * nameSlot + (this.nameLength[at] as number)),
    }
  }

  /** Is what follows `common` bytes of the query's name a suffix, cluster domain or candidate? */
  private isKnown({ name, nameLength }: Query, common: number): boolean {
    const { searchSuffixes, clusterDomains } = this.names
    if (searchSuffixes.find(name, common, nameLength) !== -1) return true
    for (let at = common; at < nameLength - 1; at += (name[at] as number) + 1) {
      if (clusterDomains.find(name, at, nameLength) !== -1) return true
    }
    for (let at = 0; at < this.length; at++) {
      if (nameLength - common === this.nameLength[at] && this.isBelow(at, name, common, nameLength)) return true
    }
    return false
  }

  /** The candidate `bytes[from … to)`, a new one if need be; -1 for a suffix that the plan knows. */
  private find(bytes: Uint8Array, from: number, to: number): number {
    for (let at = 0; at < this.length; at++) {
      if (this.nameLength[at] === to - from && this.isBelow(at, bytes, from, to)) return at
    }
    const { searchSuffixes, clusterDomains } = this.names
    if (searchSuffixes.find(bytes, from, to) !== -1) return -1
    for (let at = from; at < to - 1; at += (bytes[at] as number) + 1)
      if (clusterDomains.find(bytes, at, to) !== -1) return -1
    const at = this.length < candidatesMax ? this.length++ : this.least()
    for (let i = from; i < to; i++) this.bytes[at * nameSlot + i - from] = bytes[i] as number
    this.nameLength[at] = to - from
    this.lookupCount[at] = 0
    this.belowCount[at] = 0
    this.countedFrom[at] = this.total
    this.dueAt[at] = 0
    this.clients.fill(0, at * clientBits, (at + 1) * clientBits)
    return at
  }

  private least(): number {
    let least = 0
    for (let at = 1; at < this.length; at++) if (this.lookups(at) < this.lookups(least)) least = at
    return least
  }

  private isBelow(at: number, bytes: Uint8Array, from: number, to: number): boolean {
    const length = this.nameLength[at] as number
    let here = from
    while (to - here > length) here += (bytes[here] as number) + 1
    if (to - here !== length) return false
    for (let i = 0; i < length; i++) if (this.bytes[at * nameSlot + i] !== bytes[here + i]) return false
    return true
  }
}

/** Bytes of the whole labels that both names begin with. */
function commonLabels(denied: Uint8Array, from: number, length: number, { name, nameLength }: Query): number {
  let common = 0
  while (common < nameLength - 1 && common < length - 1) {
    const label = (name[common] as number) + 1
    if (common + label >= length) return common
    for (let i = 0; i < label; i++) if (name[common + i] !== denied[from + common + i]) return common
    common += label
  }
  return common
}
