import { hashByte, hashEnd, hashStart } from '../base/hash.ts'
import { readU16, readU32, writeU16 } from '../wire/header.ts'
import type { LabelledName } from './name-set.ts'

/**
 * The operator's names and their records, compiled once (guard/localAnswers/compile) into memory that all shards only view: however many names there are,
 * a reload costs a shard microseconds. A tree of labels from the root down, as wildcards are defined (RFC 4592 section 3.3.1):
 *
 *   .  ─▶ lan ─▶ db        db.lan. A 10.0.0.5          lan: an empty node, exists without records
 *            └─▶ wild*     *.wild.lan. A 10.0.0.8      wild*: a node with a wildcard below it
 *
 *   header   words: see `head`
 *   slots    hash of (parent node, label) ─▶ node, 0: none; the root is node 0
 *   nodes    four words each: parent · label · exact · wild, the last three places in the pool, 0: none
 *   pool     labels (length, octets in lower case) and entries
 *
 *   entry    flags 1 · sets 2 · alias 4 (entry that its CNAME leads to) │ each set: type 2 · TTL 4 · records 2 · turn 2 · bytes 4 │
 *            each record: length 2 · rdata
 *
 * A name that isn't there belongs to the wildcard of its closest ancestor that is there. So a query that is about none of our names ends at its
 * top-level label, with one short hash.
 */
export class LocalTable {
  readonly pool: Uint8Array
  /** The entry that stands for every name that has none, 0: there is none. */
  readonly any: number
  /** The most that the records of one name and type take in a reply. */
  readonly setBytesMax: number
  private readonly slots: Int32Array
  private readonly nodes: Uint32Array
  private readonly mask: number

  constructor(memory: SharedArrayBuffer = emptyLocalMemory) {
    const words = new Uint32Array(memory, 0, headWords)
    const slots = words[head.slots] as number
    const nodes = words[head.nodes] as number
    this.slots = new Int32Array(memory, headWords * 4, slots)
    this.nodes = new Uint32Array(memory, (headWords + slots) * 4, nodes * nodeWords)
    this.pool = new Uint8Array(memory, (headWords + slots + nodes * nodeWords) * 4)
    this.mask = slots - 1
    this.any = words[head.any] as number
    this.setBytesMax = words[head.setBytesMax] as number
  }

  /** The entry with the name's records, or with those of a wildcard that it matches; 0 for a name that isn't ours. */
  find({ name, labels, labelCount }: LabelledName): number {
    let node = 0
    for (let label = labelCount - 1; label >= 0; label--) {
      const below = this.child(node, name, labels[label] as number)
      if (below === 0) return this.nodes[node * nodeWords + 3] as number
      node = below
    }
    return this.nodes[node * nodeWords + 2] as number
  }

  /**
   * The label at which the longest name of the operator's begins that is the given one or above it (`labelCount` for the root), -1 for none. A wildcard
   * speaks for all below its parent; what the program itself knows of names does not count.
   */
  labelOf({ name, labels, labelCount }: LabelledName): number {
    let found = this.isOperators(0) ? labelCount : -1
    for (let label = labelCount - 1, node = 0; label >= 0; label--) {
      node = this.child(node, name, labels[label] as number)
      if (node === 0) return found
      if (this.isOperators(node)) found = label
    }
    return found
  }

  /** Is the name from `from` (a label) on there, be it only since something is below it? */
  has({ name, labels, labelCount }: LabelledName, from: number): boolean {
    let node = 0
    for (let label = labelCount - 1; label >= from; label--) {
      node = this.child(node, name, labels[label] as number)
      if (node === 0) return false
    }
    return true
  }

  isBuiltIn(entry: number): boolean {
    return ((this.pool[entry] as number) & ENTRY_BUILT_IN) !== 0
  }

  /** Does it lead, by one or more CNAMEs, to a name that has to be looked up? */
  leadsAway(entry: number): boolean {
    return ((this.pool[entry] as number) & ENTRY_AWAY) !== 0
  }

  /** The entry that its CNAME leads to, 0: it has none, or that leads away. */
  aliasOf(entry: number): number {
    return readU32(this.pool, entry + 3)
  }

  /** The record at the end of an alias's chain, its length first: the name it leads to. */
  targetOf(entry: number): number {
    let last = entry
    while (this.aliasOf(last) !== 0) last = this.aliasOf(last)
    return this.firstSet(last) + setHeadBytes
  }

  /** Where its first set begins. */
  firstSet(entry: number): number {
    return entry + entryHeadBytes
  }

  /** The set of records of this type, 0: it has none. */
  setOf(entry: number, type: number): number {
    const { pool } = this
    let set = entry + entryHeadBytes
    for (let left = readU16(pool, entry + 1); left > 0; left--) {
      if (readU16(pool, set) === type) return set
      set += setHeadBytes + readU32(pool, set + 10)
    }
    return 0
  }

  /**
   * Which record of the set a reply begins with, moved on for the next one. All shards move the same one, none of them atomically: at worst two replies
   * begin alike.
   */
  turnOf(set: number, moves: boolean): number {
    const { pool } = this
    const records = readU16(pool, set + 6)
    const turn = readU16(pool, set + 8) % records
    if (moves && records > 1) writeU16(pool, set + 8, turn + 1)
    return turn
  }

  private isOperators(node: number): boolean {
    const exact = this.nodes[node * nodeWords + 2] as number
    const wild = this.nodes[node * nodeWords + 3] as number
    return (exact !== 0 && !this.isBuiltIn(exact)) || (wild !== 0 && !this.isBuiltIn(wild))
  }

  /** The node below `parent` whose label is the one at `name[at]`, 0: there is none. */
  private child(parent: number, name: Uint8Array, at: number): number {
    const { slots, nodes, mask } = this
    let place = labelHash(parent, name, at) & mask
    for (;;) {
      const node = slots[place] as number
      if (node === 0) return 0
      if (nodes[node * nodeWords] === parent && this.isLabel(nodes[node * nodeWords + 1] as number, name, at))
        return node
      place = (place + 1) & mask
    }
  }

  private isLabel(label: number, name: Uint8Array, at: number): boolean {
    const { pool } = this
    const length = pool[label] as number
    for (let i = 0; i <= length; i++) if (pool[label + i] !== name[at + i]) return false
    return true
  }
}

/** Places of the header's words: how many slots (a power of 2) and nodes there are, and the rest as in the class. */
export const head = { slots: 0, nodes: 1, any: 2, setBytesMax: 3 }
export const headWords = 4
export const nodeWords = 4
export const entryHeadBytes = 7
export const setHeadBytes = 14
/** Flags of an entry: from the program and not from the operator, so it yields to routes and cluster domains. */
export const ENTRY_BUILT_IN = 1
export const ENTRY_AWAY = 2

/** Of the label at `name[at]`, its length octet first, below the node `parent`. */
export function labelHash(parent: number, name: Uint8Array, at: number): number {
  let hash = hashStart(parent)
  const end = at + (name[at] as number)
  for (let i = at; i <= end; i++) hash = hashByte(hash, name[i] as number)
  return hashEnd(hash)
}

/** No names at all: one empty slot and the root. */
const emptyLocalMemory = new SharedArrayBuffer((headWords + 1 + nodeWords) * 4 + 1)
new Uint32Array(emptyLocalMemory, 0, 2).set([1, 1])
