import {
  ENTRY_AWAY,
  ENTRY_BUILT_IN,
  entryHeadBytes,
  head,
  headWords,
  labelHash,
  nodeWords,
  setHeadBytes,
} from '../../query/local-table.ts'
import { writeU16, writeU32 } from '../../wire/header.ts'
import { type DraftName, draftNames, joinAliases, setBytes } from './drafts.ts'
import { everythingRecords, localRecords } from './records.ts'
import type { LocalAnswersSettings } from './settings.ts'

/**
 * All that the rule answers from, as the memory of a query/local-table that every shard views. It takes about 4 s of CPU for 150,000 lines of hosts files, and
 * so belongs into a thread that nobody waits for. Throws a sentence on what can't be served.
 *
 * @param files the text of a file by its path, undefined when it was not read
 */
export function compileLocal(
  settings: LocalAnswersSettings,
  files: (path: string) => string | undefined,
): SharedArrayBuffer {
  const drafts = draftNames(localRecords(settings, files))
  const [any] = draftNames(settings.everything === 'off' ? [] : everythingRecords(settings.everything))
  const tree = new DraftTree(drafts)
  joinAliases(drafts, (name) => drafts[tree.find(name) - 1])
  return write(tree, any === undefined ? drafts : [...drafts, any], any)
}

/** Nodes as the table will have them, with drafts (their places in the list, from 1) where it will have entries. */
class DraftTree {
  count = 1
  readonly parent: Uint32Array
  readonly exact: Uint32Array
  readonly wild: Uint32Array
  /** Where the node's label stands: in the owner of a draft. */
  readonly owner: Uint8Array[] = [root]
  readonly labelAt: Uint8Array
  private readonly slots: Int32Array

  constructor(drafts: readonly DraftName[]) {
    const labels = drafts.map(({ owner }) => labelsOf(owner))
    const most = 1 + labels.reduce((sum, { length }) => sum + length, 0)
    this.parent = new Uint32Array(most)
    this.exact = new Uint32Array(most)
    this.wild = new Uint32Array(most)
    this.labelAt = new Uint8Array(most)
    this.slots = new Int32Array(slotsFor(most))
    drafts.forEach(({ owner }, i) => {
      const own = labels[i] as number[]
      const isWild = owner[0] === 1 && owner[1] === star
      let node = 0
      for (let label = own.length - 1; label >= (isWild ? 1 : 0); label--) {
        node = this.child(node, owner, own[label] as number, true)
      }
      ;(isWild ? this.wild : this.exact)[node] = i + 1
    })
  }

  /** As the table finds it: the draft that answers for a name in lower case, 0: none. */
  find(name: Uint8Array): number {
    let node = 0
    for (const at of labelsOf(name).reverse()) {
      const below = this.child(node, name, at, false)
      if (below === 0) return this.wild[node] as number
      node = below
    }
    return this.exact[node] as number
  }

  private child(parent: number, name: Uint8Array, at: number, makes: boolean): number {
    const { slots } = this
    let place = labelHash(parent, name, at) & (slots.length - 1)
    for (;;) {
      const node = slots[place] as number
      if (node === 0) break
      if (
        this.parent[node] === parent &&
        isSame(this.owner[node] as Uint8Array, this.labelAt[node] as number, name, at)
      )
        return node
      place = (place + 1) & (slots.length - 1)
    }
    if (!makes) return 0
    const node = this.count++
    slots[place] = node
    this.parent[node] = parent
    this.owner[node] = name
    this.labelAt[node] = at
    return node
  }
}

function write(tree: DraftTree, drafts: readonly DraftName[], any: DraftName | undefined): SharedArrayBuffer {
  const slots = slotsFor(tree.count)
  const entries = new Map<DraftName, number>()
  // No entry stands at 0.
  let poolBytes = 8
  for (const draft of drafts) {
    entries.set(draft, poolBytes)
    poolBytes += entryBytes(draft)
  }
  const labels = new Uint32Array(tree.count)
  for (let node = 1; node < tree.count; node++) {
    labels[node] = poolBytes
    poolBytes += 1 + labelLength(tree, node)
  }
  const memory = new SharedArrayBuffer((headWords + slots + tree.count * nodeWords) * 4 + poolBytes)
  const words = new Uint32Array(memory, 0, headWords + slots + tree.count * nodeWords)
  const pool = new Uint8Array(memory, words.byteLength)
  words[head.slots] = slots
  words[head.nodes] = tree.count
  words[head.any] = any === undefined ? 0 : (entries.get(any) as number)
  const entryOf = (draft: number): number => (draft === 0 ? 0 : (entries.get(drafts[draft - 1] as DraftName) as number))
  for (let node = 0; node < tree.count; node++) {
    const parent = tree.parent[node] as number
    const at = headWords + slots + node * nodeWords
    words[at] = parent
    words[at + 1] = labels[node] as number
    words[at + 2] = entryOf(tree.exact[node] as number)
    words[at + 3] = entryOf(tree.wild[node] as number)
    if (node === 0) continue
    const from = tree.labelAt[node] as number
    const owner = tree.owner[node] as Uint8Array
    pool.set(owner.subarray(from, from + 1 + labelLength(tree, node)), labels[node])
    let place = labelHash(parent, owner, from) & (slots - 1)
    while (words[headWords + place] !== 0) place = (place + 1) & (slots - 1)
    words[headWords + place] = node
  }
  let most = 0
  for (const draft of drafts) {
    writeEntry(pool, entries.get(draft) as number, draft, draft.alias && entries.get(draft.alias))
    for (const set of draft.sets) most = Math.max(most, setBytes(set))
  }
  words[head.setBytesMax] = most
  return memory
}

function writeEntry(pool: Uint8Array, entry: number, { sets, builtIn, isAway }: DraftName, alias = 0): void {
  pool[entry] = (builtIn ? ENTRY_BUILT_IN : 0) | (isAway ? ENTRY_AWAY : 0)
  writeU16(pool, entry + 1, sets.length)
  writeU32(pool, entry + 3, alias)
  let at = entry + entryHeadBytes
  for (const { type, ttl, rdatas } of sets) {
    const bytes = at + 10
    writeU16(pool, at, type)
    writeU32(pool, at + 2, ttl)
    writeU16(pool, at + 6, rdatas.length)
    at += setHeadBytes
    const first = at
    for (const rdata of rdatas) {
      writeU16(pool, at, rdata.length)
      pool.set(rdata, at + 2)
      at += 2 + rdata.length
    }
    writeU32(pool, bytes, at - first)
  }
}

function entryBytes({ sets }: DraftName): number {
  let bytes = entryHeadBytes
  for (const { rdatas } of sets) {
    bytes += setHeadBytes
    for (const { length } of rdatas) bytes += 2 + length
  }
  return bytes
}

const root = Uint8Array.of(0)
const star = 0x2a

/** A third to two thirds of them stay empty. */
function slotsFor(nodes: number): number {
  let slots = 4
  while (slots < nodes * 1.5) slots *= 2
  return slots
}

function labelsOf(name: Uint8Array): number[] {
  const labels: number[] = []
  for (let at = 0; name[at] !== 0; at += (name[at] as number) + 1) labels.push(at)
  return labels
}

function labelLength({ owner, labelAt }: DraftTree, node: number): number {
  return (owner[node] as Uint8Array)[labelAt[node] as number] as number
}

function isSame(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  const length = a[aAt] as number
  for (let i = 0; i <= length; i++) if (a[aAt + i] !== b[bAt + i]) return false
  return true
}
