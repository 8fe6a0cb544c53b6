import { readU16, writeU16 } from '../../wire/header.ts'
import { skipName } from '../../wire/name.ts'

/**
 * Does the rdata of an SVCB or HTTPS record, `length` bytes at `at`, hold an ipv6hint (RFC 9460 section 2.2)? False for
 * malformed rdata, which clients must not use (section 2.2).
 */
export function hasHint(bytes: Uint8Array, at: number, length: number): boolean {
  const end = at + length
  let here = skipName(bytes, at + priorityBytes, end)
  if (here === -1) return false
  let found = false
  while (here < end) {
    if (here + 4 > end) return false
    const key = readU16(bytes, here)
    const valueLength = readU16(bytes, here + 2)
    if (key === mandatory && valueLength % 2 !== 0) return false
    if (key === ipv6hint) found = true
    here += 4 + valueLength
  }
  return found && here === end
}

/**
 * Takes ipv6hint out of the rdata where it stands, and out of its list of mandatory keys, since a key that is listed
 * there and missing makes the record malformed (RFC 9460 section 8). Returns the length left; malformed rdata stays.
 */
export function stripHint(bytes: Uint8Array, at: number, length: number): number {
  if (!hasHint(bytes, at, length)) return length
  const end = at + length
  let from = skipName(bytes, at + priorityBytes, end)
  let to = from
  while (from < end) {
    const key = readU16(bytes, from)
    const after = from + 4 + readU16(bytes, from + 2)
    if (key === mandatory) to = moveMandatory(bytes, from, after, to)
    else if (key !== ipv6hint) {
      bytes.copyWithin(to, from, after)
      to += after - from
    }
    from = after
  }
  return to - at
}

/** Moves the list of mandatory keys to `to`, which is not behind `from`; returns the offset behind what is left of it. */
function moveMandatory(bytes: Uint8Array, from: number, after: number, to: number): number {
  const list = to + 4
  let end = list
  for (let i = from + 4; i < after; i += 2) {
    const key = readU16(bytes, i)
    if (key === ipv6hint) continue
    writeU16(bytes, end, key)
    end += 2
  }
  // An empty list is malformed.
  if (end === list) return to
  writeU16(bytes, to, mandatory)
  writeU16(bytes, to + 2, end - list)
  return end
}

const priorityBytes = 2
/** SvcParamKeys (RFC 9460 section 14.3.2). */
const mandatory = 0
const ipv6hint = 6
