import { NameSet } from '../../query/name-set.ts'
import { Type } from '../../wire/codes.ts'
import { nameToText } from '../../wire/text.ts'
import { type LocalRecord, textKey } from './records.ts'

/** A name with records of its own, or a wildcard. */
export interface LocalName {
  readonly sets: readonly RRset[]
  /** Where its CNAME leads; it has no other set then. */
  readonly alias: LocalName | undefined
  /** From the program and not from the operator: it yields to routes and cluster domains. */
  readonly builtIn: boolean
}

export interface RRset {
  readonly type: number
  /** One for all records (RFC 2181 section 5.2), the lowest given. */
  readonly ttl: number
  readonly rdatas: readonly Uint8Array[]
  /** Which record the next reply begins with. */
  turn: number
}

/** More aliases in a row than anybody needs; the longest reply follows from it. */
export const aliasesMax = 8

/**
 * The local names as a tree, asked from the root down, as wildcards are defined (RFC 4592 section 3.3.1):
 *
 *   .  ─▶ lan ─▶ db        db.lan. A 10.0.0.5          lan: an empty node, exists without records
 *            └─▶ wild*     *.wild.lan. A 10.0.0.8      wild*: a node with a wildcard below it
 *
 * A name that isn't there belongs to the wildcard of its closest ancestor that is there. So a query that is about none
 * of our names ends at its top-level label, with one short hash.
 */
export class LocalTree {
  private readonly nodes: NameSet
  /** -1 when there are no names at all. */
  private readonly root: number
  private readonly exact: readonly (LocalName | undefined)[]
  private readonly wild: readonly (LocalName | undefined)[]

  /** Throws a sentence on aliases that can't be followed here. */
  constructor(records: readonly LocalRecord[]) {
    const drafts = group(records)
    const nodes = new Map<string, Uint8Array>()
    for (const { owner } of drafts.values()) {
      for (const name of ancestry(owner)) nodes.set(textKey(name), name)
    }
    const names = [...nodes.values()]
    this.nodes = new NameSet(names)
    this.root = names.findIndex(({ length }) => length === 1)
    this.exact = names.map((name) => drafts.get(textKey(name)))
    this.wild = names.map((name) => drafts.get(`\x01*${textKey(name)}`))
    for (const draft of drafts.values()) this.link(draft)
    for (const draft of drafts.values()) followable(draft)
  }

  /**
   * The name's records or those of a wildcard that it matches; undefined for a name that isn't ours. `labels`: where
   * its labels begin.
   */
  find(name: Uint8Array, nameLength: number, labels: ArrayLike<number>, labelCount: number): LocalName | undefined {
    let node = this.root
    if (node === -1) return undefined
    for (let label = labelCount - 1; label >= 0; label--) {
      const below = this.nodes.find(name, labels[label] as number, nameLength)
      if (below === -1) return this.wild[node]
      node = below
    }
    return this.exact[node]
  }

  /** All record sets, for whoever must know how large they are. */
  sets(): RRset[] {
    return this.exact.flatMap((name) => name?.sets ?? [])
  }

  private link(draft: DraftName): void {
    const cname = draft.sets.find(({ type }) => type === Type.CNAME)
    const [target, second] = cname?.rdatas ?? []
    if (target === undefined) return
    if (second !== undefined || draft.sets.length > 1) {
      throw new Error(`guard.localAnswers: ${nameToText(draft.owner)} is an alias, so it can have no other record`)
    }
    const lower = Uint8Array.from(target, (byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte))
    const labels = labelsOf(lower)
    draft.alias = this.find(lower, lower.length, labels, labels.length)
    if (draft.alias !== undefined) return
    const alias = nameToText(draft.owner)
    throw new Error(
      `guard.localAnswers: ${alias} is an alias of ${nameToText(target)}, which has no record here: ` +
        'only local names can be followed',
    )
  }
}

interface DraftName extends LocalName {
  readonly owner: Uint8Array
  readonly sets: RRset[]
  alias: LocalName | undefined
}

function group(records: readonly LocalRecord[]): Map<string, DraftName> {
  const names = new Map<string, DraftName>()
  const sets = new Map<string, { type: number; ttl: number; rdatas: Uint8Array[]; turn: number }>()
  const seen = new Set<string>()
  for (const { owner, type, ttl, rdata, builtIn } of records) {
    const key = textKey(owner)
    const name = names.get(key) ?? { owner, sets: [], alias: undefined, builtIn }
    names.set(key, name)
    const set = sets.get(`${type} ${key}`)
    if (set === undefined) {
      const first = { type, ttl, rdatas: [rdata], turn: 0 }
      sets.set(`${type} ${key}`, first)
      name.sets.push(first)
    } else {
      set.ttl = Math.min(set.ttl, ttl)
      if (!seen.has(`${type} ${key} ${textKey(rdata)}`)) set.rdatas.push(rdata)
    }
    seen.add(`${type} ${key} ${textKey(rdata)}`)
  }
  return names
}

/** The name, for a wildcard also its parent, and all ancestors up to the root. */
function ancestry(owner: Uint8Array): Uint8Array[] {
  return [0, ...labelsOf(owner), owner.length - 1].map((at) => owner.subarray(at))
}

function labelsOf(name: Uint8Array): number[] {
  const labels: number[] = []
  for (let at = 0; name[at] !== 0; at += (name[at] as number) + 1) labels.push(at)
  return labels
}

function followable(draft: DraftName): void {
  let steps = 0
  for (let name: LocalName | undefined = draft; name?.alias !== undefined; name = name.alias) {
    if (++steps <= aliasesMax) continue
    throw new Error(
      `guard.localAnswers: ${nameToText(draft.owner)} leads over more than ${aliasesMax} aliases, or in a circle`,
    )
  }
}
