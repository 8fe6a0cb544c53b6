import { readU16, writeU16 } from './header.ts'
import { rdataNames } from './records.ts'

/** Names stand in front of this offset in a message, or no pointer reaches them (RFC 1035 section 4.1.4: 14 bits). */
const pointerMax = 0x3fff

/**
 * Records that were written for one question stand behind another: their compression pointers are brought in line. All stay as long as they
 * are, so TTLs and rdata keep their places.
 *
 *   made for    header │ question N │ body        →   now in    header │ question N.S │ CNAME N │ body
 *                      12           bodyWas                                                   └ nameAt … bodyAt
 *
 * A pointer into the question N goes to where N stands now, one into the body moves with it. False when one can't be expressed.
 *
 * @param start where the message begins; the other offsets count from there
 * @param nameAt where the name of the question the records were made for stands now
 * @param bodyWas where the first record stood
 * @param bodyAt where it stands now
 */
export function relocateRecords(
  bytes: Uint8Array,
  start: number,
  records: number,
  nameAt: number,
  bodyWas: number,
  bodyAt: number,
): boolean {
  let here = start + bodyAt
  for (let i = 0; i < records; i++) {
    here = movePointer(bytes, here, nameAt, bodyWas, bodyAt)
    if (here === -1) return false
    const rdata = here + 10
    const end = rdata + readU16(bytes, here + 8)
    const layout = rdataNames(readU16(bytes, here))
    if (layout !== undefined) {
      let name = rdata + layout.prefix
      for (let n = 0; n < layout.names; n++) {
        name = movePointer(bytes, name, nameAt, bodyWas, bodyAt)
        if (name === -1) return false
      }
    }
    here = end
  }
  return true
}

/** Moves the pointer that the name at `at` ends in, if it does; returns the offset behind the name, or -1. The name is known to be sound. */
function movePointer(bytes: Uint8Array, at: number, nameAt: number, bodyWas: number, bodyAt: number): number {
  let here = at
  while ((bytes[here] as number) !== 0 && (bytes[here] as number) < 0xc0) here += (bytes[here] as number) + 1
  if (bytes[here] === 0) return here + 1
  const target = readU16(bytes, here) & pointerMax
  const moved = target < bodyWas ? target - 12 + nameAt : target - bodyWas + bodyAt
  if (moved > pointerMax) return -1
  writeU16(bytes, here, 0xc000 | moved)
  return here + 2
}
