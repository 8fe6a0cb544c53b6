import type { Draft } from '../../query/draft.ts'
import type { Query } from '../../query/query.ts'
import { Class, Rcode, Type } from '../../wire/codes.ts'
import { AA, HEADER, writeU16, writeU32 } from '../../wire/header.ts'
import { parentOffset, pointer, pointerToQuestion, soaBytes, writeSoa } from '../negative.ts'
import { aliasesMax, type LocalName, type RRset } from './tree.ts'

/**
 * The most that the records of one name and type may take, so that they fit into any message (65,535 bytes) behind a
 * chain of aliases.
 */
export const setBytesMax = 60_000

/**
 * What the draft must hold for these sets: aliases, the largest one, and an SOA. Throws a sentence when one is too
 * large to be sent.
 */
export function draftBytesFor(sets: Iterable<RRset>): number {
  let most = 0
  for (const set of sets) most = Math.max(most, setBytes(set))
  if (most > setBytesMax)
    throw new Error(`guard.localAnswers: records of one name and type take ${most} bytes, more than a reply can hold`)
  return most + aliasesMax * aliasBytesMax + 2 + soaBytes
}

/**
 * Fills the draft with the records of the asked type, over aliases if need be; NODATA where the last name has none.
 * Each reply begins with another record of the set, so that clients which take the first spread over all.
 */
export function draftAnswer(draft: Draft, query: Query, local: LocalName, negativeTtl: number): void {
  draft.reset(Rcode.NOERROR)
  draft.flags = AA
  // Where the sections begin in the message, for pointers to names in the draft itself.
  const base = HEADER + query.nameLength + 4
  let owner = pointerToQuestion(0)
  let parent = pointerToQuestion(parentOffset(query))
  let name = local
  while (name.alias !== undefined && query.type !== Type.CNAME) {
    const target = (name.sets[0] as RRset).rdatas[0] as Uint8Array
    addSet(draft, name.sets[0] as RRset, owner, query)
    const at = base + draft.length - target.length
    owner = pointer | at
    parent = pointer | (target[0] === 0 ? at : at + 1 + (target[0] as number))
    name = name.alias
  }
  const { sets } = name
  for (let i = 0; i < sets.length; i++) {
    const set = sets[i] as RRset
    if (set.type === query.type) {
      addSet(draft, set, owner, query)
      return
    }
  }
  writeU16(draft.bytes, draft.length, parent)
  draft.length = writeSoa(draft.bytes, draft.length + 2, negativeTtl)
  draft.authorities = 1
}

function addSet(draft: Draft, set: RRset, owner: number, query: Query): void {
  const { bytes } = draft
  const { rdatas, type, ttl } = set
  const first = set.turn
  if (query.dry === 0) set.turn = first + 1 === rdatas.length ? 0 : first + 1
  let at = draft.length
  for (let i = 0; i < rdatas.length; i++) {
    const rdata = rdatas[first + i < rdatas.length ? first + i : first + i - rdatas.length] as Uint8Array
    writeU16(bytes, at, owner)
    writeU16(bytes, at + 2, type)
    writeU16(bytes, at + 4, Class.IN)
    writeU32(bytes, at + 6, ttl)
    writeU16(bytes, at + 10, rdata.length)
    bytes.set(rdata, at + recordHeadBytes)
    at += recordHeadBytes + rdata.length
  }
  draft.length = at
  draft.answers += rdatas.length
}

/** Owner as a pointer, type, class, TTL, length. */
const recordHeadBytes = 12
const aliasBytesMax = recordHeadBytes + 255

function setBytes({ rdatas }: RRset): number {
  return rdatas.reduce((sum, rdata) => sum + recordHeadBytes + rdata.length, 0)
}
