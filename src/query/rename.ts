import { HEADER, readU16 } from '../wire/header.ts'
import { lowerName } from '../wire/name.ts'
import type { LocalTable } from './local-table.ts'
import { indexName } from './open.ts'
import type { Query } from './query.ts'

/**
 * How the name that is looked up came of the one that was asked, in `query.alias`. Its records are sent behind a CNAME or a chain of them (query/alias),
 * for the question as it was asked. Once per query.
 *
 *   ALIAS_NONE       they are the same
 *   ALIAS_STRIPPED   a search suffix was taken off
 *   any other        an entry of `query.aliases`: CNAMEs of the operator's that lead away
 */
export const ALIAS_NONE = 0
export const ALIAS_STRIPPED = 1

/** The name loses its labels from `label` on, which are then a suffix of the question alone. */
export function stripName(query: Query, label: number, seed: number): void {
  const at = query.labels[label] as number
  query.alias = ALIAS_STRIPPED
  query.nameLength = at + 1
  query.name[at] = 0
  begin(query, seed)
}

/** The name becomes the one that `entry`, an alias, leads to. */
export function followAlias(query: Query, table: LocalTable, entry: number, seed: number): void {
  query.alias = entry
  query.aliases = table
  readTarget(query)
  begin(query, seed)
}

/** Reads the name that is looked up once more: for a query that waited (query/ticket). */
export function reopenName(query: Query, seed: number): void {
  const { bytes, name, nameLength } = query
  if (query.alias > ALIAS_STRIPPED) readTarget(query)
  else {
    lowerName(bytes, query.at + HEADER, nameLength - 1, name, 0)
    name[nameLength - 1] = 0
  }
  indexName(query, seed)
}

/** The name is the one that was asked, as far as `name` and `labels` do not say. */
export function forgetAlias(query: Query): void {
  query.nameLength = query.askedLength
  query.alias = ALIAS_NONE
}

function begin(query: Query, seed: number): void {
  query.askType = query.type
  query.marks = 0
  indexName(query, seed)
}

function readTarget(query: Query): void {
  const { pool } = query.aliases as LocalTable
  const target = (query.aliases as LocalTable).targetOf(query.alias)
  query.nameLength = readU16(pool, target)
  lowerName(pool, target + 2, query.nameLength, query.name, 0)
}
