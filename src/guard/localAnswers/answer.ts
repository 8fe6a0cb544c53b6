import type { Draft } from '../../query/draft.ts'
import { type LocalTable, setHeadBytes } from '../../query/local-table.ts'
import type { Query } from '../../query/query.ts'
import { Class, Rcode, Type } from '../../wire/codes.ts'
import { AA, HEADER, readU16, readU32, writeU16, writeU32 } from '../../wire/header.ts'
import { parentOffset, pointer, pointerToQuestion, soaBytes, writeSoa } from '../negative.ts'
import { aliasesMax, recordHeadBytes } from './limits.ts'

/** What the draft must hold for the names of the table: aliases, the largest set, and an SOA. */
export function draftBytesFor(table: LocalTable): number {
  return table.setBytesMax + aliasesMax * aliasBytesMax + 2 + soaBytes
}

const aliasBytesMax = recordHeadBytes + 255

/**
 * Fills the draft with the records of the asked type, over aliases if need be; NODATA where the last name has none, and the aliases alone where they
 * lead away.
 * Each reply begins with another record of the set, so that clients which take the first spread over all.
 */
export function draftAnswer(draft: Draft, query: Query, table: LocalTable, found: number, negativeTtl: number): void {
  draft.reset(Rcode.NOERROR)
  draft.flags = AA
  // Where the sections begin in the message, for pointers to names in the draft itself.
  const base = HEADER + query.nameLength + 4
  let owner = pointerToQuestion(0)
  let parent = pointerToQuestion(parentOffset(query))
  let entry = found
  while (query.type !== Type.CNAME && table.aliasOf(entry) !== 0) {
    const set = table.firstSet(entry)
    addSet(draft, table, set, owner, query)
    const target = set + setHeadBytes
    const at = base + draft.length - readU16(table.pool, target)
    const firstLabel = table.pool[target + 2] as number
    owner = pointer | at
    parent = pointer | (firstLabel === 0 ? at : at + 1 + firstLabel)
    entry = table.aliasOf(entry)
  }
  const set = table.leadsAway(entry) ? table.firstSet(entry) : table.setOf(entry, query.type)
  if (set !== 0) return addSet(draft, table, set, owner, query)
  writeU16(draft.bytes, draft.length, parent)
  draft.length = writeSoa(draft.bytes, draft.length + 2, negativeTtl)
  draft.authorities = 1
}

function addSet(draft: Draft, table: LocalTable, set: number, owner: number, query: Query): void {
  const { pool } = table
  const records = readU16(pool, set + 6)
  const first = table.turnOf(set, query.dry === 0)
  let from = set + setHeadBytes
  for (let i = 0; i < first; i++) from += 2 + readU16(pool, from)
  for (let i = 0; i < records; i++) {
    if (first + i === records) from = set + setHeadBytes
    from = addRecord(draft, pool, set, from, owner)
  }
  draft.answers += records
}

/** Writes the record at `pool[from]`; returns where the next one begins. */
function addRecord(draft: Draft, pool: Uint8Array, set: number, from: number, owner: number): number {
  const { bytes, length: at } = draft
  const rdataLength = readU16(pool, from)
  writeU16(bytes, at, owner)
  writeU16(bytes, at + 2, readU16(pool, set))
  writeU16(bytes, at + 4, Class.IN)
  writeU32(bytes, at + 6, readU32(pool, set + 2))
  writeU16(bytes, at + 10, rdataLength)
  const to = at + recordHeadBytes
  for (let i = 0; i < rdataLength; i++) bytes[to + i] = pool[from + 2 + i] as number
  draft.length = to + rdataLength
  return from + 2 + rdataLength
}
