import { Type } from '../../wire/codes.ts'
import { nameToText } from '../../wire/text.ts'
import { aliasesMax, recordHeadBytes, setBytesMax } from './limits.ts'
import { type LocalRecord, textKey } from './records.ts'

/** A name with records of its own, or a wildcard, before it is written to the table. */
export interface DraftName {
  /** Lower-case wire form; begins with the label `*` for a wildcard. */
  readonly owner: Uint8Array
  /** From the program and not from the operator. */
  readonly builtIn: boolean
  readonly sets: DraftSet[]
  /** Where its CNAME leads, if that has records here. */
  alias: DraftName | undefined
  /** Its chain of CNAMEs ends at a name that has none here. */
  isAway: boolean
}

export interface DraftSet {
  readonly type: number
  /** One for all records (RFC 2181 section 5.2), the lowest given. */
  ttl: number
  readonly rdatas: Uint8Array[]
}

/** Records by name and type, none twice. Throws a sentence on what no reply could hold, and on aliases with other records beside them. */
export function draftNames(records: readonly LocalRecord[]): DraftName[] {
  const names = new Map<string, DraftName>()
  // Only of sets with more than one record, which are few.
  const seen = new Map<DraftSet, Set<string>>()
  for (const { owner, type, ttl, rdata, builtIn } of records) {
    const key = textKey(owner)
    let name = names.get(key)
    if (name === undefined) {
      name = { owner, builtIn, sets: [], alias: undefined, isAway: false }
      names.set(key, name)
    }
    const set = name.sets.find((one) => one.type === type)
    if (set === undefined) name.sets.push({ type, ttl, rdatas: [rdata] })
    else addTo(set, ttl, rdata, seen)
  }
  const drafts = [...names.values()]
  for (const draft of drafts) checkSets(draft)
  return drafts
}

/** Joins each alias with the name that it leads to. Throws a sentence on chains that are too long to be sent. @param find the draft that answers for a name */
export function joinAliases(drafts: readonly DraftName[], find: (name: Uint8Array) => DraftName | undefined): void {
  const aliases = drafts.filter((draft) => targetOf(draft) !== undefined)
  for (const draft of aliases) draft.alias = find(lowered(targetOf(draft) as Uint8Array))
  for (const draft of aliases) draft.isAway = targetOf(endOf(draft)) !== undefined
}

/** The name at the end of its chain: the last alias where that leads away. */
function endOf(draft: DraftName): DraftName {
  let end = draft
  for (let steps = 1; end.alias !== undefined; steps++) {
    if (steps > aliasesMax) {
      throw new Error(
        `guard.localAnswers: ${nameToText(draft.owner)} leads over more than ${aliasesMax} aliases, or in a circle`,
      )
    }
    end = end.alias
  }
  return end
}

function targetOf({ sets: [set] }: DraftName): Uint8Array | undefined {
  return set?.type === Type.CNAME ? set.rdatas[0] : undefined
}

function addTo(set: DraftSet, ttl: number, rdata: Uint8Array, seen: Map<DraftSet, Set<string>>): void {
  const known = seen.get(set) ?? new Set(set.rdatas.map(textKey))
  seen.set(set, known)
  set.ttl = Math.min(set.ttl, ttl)
  if (known.has(textKey(rdata))) return
  known.add(textKey(rdata))
  set.rdatas.push(rdata)
}

/** What the records of a set take in a reply. */
export function setBytes({ rdatas }: DraftSet): number {
  return rdatas.reduce((sum, rdata) => sum + recordHeadBytes + rdata.length, 0)
}

function checkSets({ owner, sets }: DraftName): void {
  for (const set of sets) {
    const bytes = setBytes(set)
    if (bytes > setBytesMax)
      throw new Error(
        `guard.localAnswers: records of one name and type take ${bytes} bytes, more than a reply can hold`,
      )
    if (set.type === Type.CNAME && (sets.length > 1 || set.rdatas.length > 1))
      throw new Error(`guard.localAnswers: ${nameToText(owner)} is an alias, so it can have no other record`)
  }
}

function lowered(name: Uint8Array): Uint8Array {
  return Uint8Array.from(name, (byte) => (byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte))
}
