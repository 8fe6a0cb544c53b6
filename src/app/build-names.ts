import { billRowsMax } from '../metrics/bill-table.ts'
import { Class } from '../wire/codes.ts'
import { nameToText } from '../wire/text.ts'
import { recordFromText } from '../wire/zone-text.ts'

/** What is wrong with a record in zone-file syntax, or undefined. */
export function recordProblem(text: string): string | undefined {
  const record = recordFromText(text)
  if ('error' in record) return record.error
  return record.class === Class.IN ? undefined : 'only class IN is answered'
}

/**
 * Of `served` (zones of routes) those at or below one of `bases` (search suffixes, cluster domains), and all names between: a
 * denial of one of these says nothing of what somebody serves below it.
 */
export function servedBelow(served: readonly Uint8Array[], bases: readonly Uint8Array[]): readonly Uint8Array[] {
  const found = new Map<string, Uint8Array>()
  const keyOf = (name: Uint8Array): string => Buffer.from(name).toString('latin1')
  const known = new Set(bases.map(keyOf))
  for (const name of served) {
    const path: Uint8Array[] = []
    for (let at = 0; at < name.length; at += (name[at] as number) + 1) {
      const ancestor = name.subarray(at)
      path.push(ancestor)
      if (known.has(keyOf(ancestor))) for (const one of path) found.set(keyOf(one), one)
      if (name[at] === 0) break
    }
  }
  return [...found.values()]
}

/**
 * The names that have a row in the junk bill, from row 1 on: those of before keep theirs, so that no count is ever called another's; what no row
 * is left for is counted under `other`.
 */
export function billNames(names: readonly Uint8Array[], before: readonly Uint8Array[]): readonly Uint8Array[] {
  const rows = [...before]
  for (const name of names) {
    if (rows.length < billRowsMax - 1 && !rows.some((known) => Buffer.compare(known, name) === 0)) rows.push(name)
  }
  return rows
}

/** Labels of the bill's rows, as an operator writes the names. */
export function billLabels(names: readonly Uint8Array[]): readonly string[] {
  return [otherLabel, ...names.map(billLabel)]
}

/** Labels of those rows of the bill that are a cluster domain's, by row. */
export function zoneLabels(
  names: readonly Uint8Array[],
  clusterDomains: readonly Uint8Array[],
): (string | undefined)[] {
  const isZone = (name: Uint8Array): boolean => clusterDomains.some((zone) => Buffer.compare(zone, name) === 0)
  const isRowless = clusterDomains.some((zone) => !names.some((name) => Buffer.compare(zone, name) === 0))
  return [isRowless ? otherLabel : undefined, ...names.map((name) => (isZone(name) ? billLabel(name) : undefined))]
}

function billLabel(name: Uint8Array): string {
  const text = nameToText(name)
  const bare = text.length > 1 ? text.slice(0, -1) : text
  // A top-level domain may go by that name, too.
  return bare === otherLabel ? text : bare
}

const otherLabel = 'other'
