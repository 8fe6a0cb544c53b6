import { hashByte, hashEnd, hashStart } from '../base/hash.ts'

/** A name with its labels, lower case: a query's, or an answer's. */
export interface LabelledName {
  readonly name: Uint8Array
  readonly nameLength: number
  /** Where each label's length byte stands, leftmost first. */
  readonly labels: Uint8Array
  readonly labelCount: number
}

/**
 * A set of names in lower-case wire form, asked by the suffixes of a query's name. Built at start or reload.
 *
 * A suffix is hashed only when a member has its length, which for the few names of a plan is rare; candidates are compared in full.
 */
export class NameSet {
  readonly names: readonly Uint8Array[]
  private readonly table: Int32Array
  private readonly mask: number
  /** 1 for each length that a member has. */
  private readonly lengths = new Uint8Array(256)
  /** 1 for each byte that a member has before the root's 0: most names that have no suffix here are told by that one alone. */
  private readonly lastBytes = new Uint8Array(256)

  /** @param names wire form, lower case, each ending in the root's 0 */
  constructor(names: readonly Uint8Array[]) {
    this.names = names
    let size = 8
    while (size < names.length * 4) size *= 2
    this.mask = size - 1
    this.table = new Int32Array(size).fill(-1)
    names.forEach((name, i) => {
      this.lengths[name.length] = 1
      // Every name ends in the root.
      if (name.length === 1) this.lastBytes.fill(1)
      else this.lastBytes[lastByte(name, name.length)] = 1
      let place = hashOf(name, 0, name.length) & this.mask
      while (this.table[place] !== -1) place = (place + 1) & this.mask
      this.table[place] = i
    })
  }

  /** Index of the exact name `bytes[from … to)`, or -1. */
  find(bytes: Uint8Array, from: number, to: number): number {
    if (this.lengths[to - from] !== 1 || this.lastBytes[lastByte(bytes, to)] !== 1) return -1
    let place = hashOf(bytes, from, to) & this.mask
    for (;;) {
      const i = this.table[place] as number
      if (i === -1) return -1
      if (equal(this.names[i] as Uint8Array, bytes, from, to)) return i
      place = (place + 1) & this.mask
    }
  }

  /**
   * The longest member that is the query's name or an ancestor of it: returns its index, or -1. `label` of the match
   * (index into `query.labels`; `labelCount` for the root) is left in `matchedLabel`.
   */
  longestSuffix(query: LabelledName, fromLabel = 0): number {
    if (this.lastBytes[lastByte(query.name, query.nameLength)] === 0) return -1
    return this.walk(query, fromLabel)
  }

  /** Where the last successful `longestSuffix` matched. */
  matchedLabel = 0

  private walk(query: LabelledName, fromLabel: number): number {
    for (let label = fromLabel; label <= query.labelCount; label++) {
      const from = label === query.labelCount ? query.nameLength - 1 : (query.labels[label] as number)
      const found = this.find(query.name, from, query.nameLength)
      if (found !== -1) {
        this.matchedLabel = label
        return found
      }
    }
    return -1
  }
}

/** The byte before the final one of a name that ends at `to`; any for the root. */
function lastByte(bytes: Uint8Array, to: number): number {
  return to > 1 ? (bytes[to - 2] as number) : 0
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let h = hashStart(0)
  for (let i = from; i < to; i++) h = hashByte(h, bytes[i] as number)
  return hashEnd(h)
}

function equal(name: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[from + i]) return false
  return true
}
