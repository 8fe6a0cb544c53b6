import type { Reply } from '../../query/reply.ts'
import { Type } from '../../wire/codes.ts'
import { ANCOUNT, readU16, writeU16 } from '../../wire/header.ts'
import { skipRecord } from '../../wire/incoming.ts'
import { expandName, nameBytesMax, skipName } from '../../wire/name.ts'

/** Is the record an alias or a signature over one? `fixed` is where its type stands. */
export function isChain(bytes: Uint8Array, fixed: number): boolean {
  const type = readU16(bytes, fixed)
  const about = type === Type.RRSIG && readU16(bytes, fixed + 8) >= 2 ? readU16(bytes, fixed + 10) : type
  return about === Type.CNAME || about === Type.DNAME
}

/**
 * Writes the chain of a reply anew where addresses stand between its records: names in it may point into those, so all
 * are written in full. An answer that this program cached has its chain in front, so this is for what it may one day
 * pass on as it came.
 */
export class ChainCopy {
  private readonly copy = new Uint8Array(chainBytesMax)

  /**
   * Leaves the chain's records alone in the answer section, which begins at `answer` and is known to parse. Returns the
   * offset behind them, or -1 when they don't fit before `limit` or hold a bad name.
   */
  rewrite(reply: Reply, answer: number, limit: number): number {
    const { bytes, at } = reply
    const end = at + reply.length
    let here = answer
    let length = 0
    for (let left = readU16(bytes, at + ANCOUNT); left > 0; left--) {
      const fixed = skipName(bytes, here, end)
      const after = skipRecord(bytes, here, end)
      if (isChain(bytes, fixed)) {
        length = this.take(reply, here, fixed, after, length)
        if (length === -1) return -1
      }
      here = after
    }
    if (answer + length > limit) return -1
    for (let i = 0; i < length; i++) bytes[answer + i] = this.copy[i] as number
    return answer + length
  }

  /** Copies one record behind `to` bytes; returns how many there are then, or -1. */
  private take(reply: Reply, record: number, fixed: number, after: number, to: number): number {
    const { bytes, at } = reply
    const { copy } = this
    const end = at + reply.length
    if (to + 2 * nameBytesMax + (after - record) > copy.length) return -1
    const owner = expandName(bytes, at, record, end, copy, to)
    if (owner === -1) return -1
    const head = to + owner
    const rdata = head + 10
    for (let i = 0; i < 10; i++) copy[head + i] = bytes[fixed + i] as number
    if (readU16(bytes, fixed) === Type.RRSIG) {
      // The name in a signature is never compressed (RFC 4034 section 3.1.7).
      for (let i = fixed + 10; i < after; i++) copy[rdata + i - fixed - 10] = bytes[i] as number
      return rdata + after - fixed - 10
    }
    const target = expandName(bytes, at, fixed + 10, end, copy, rdata)
    if (target === -1) return -1
    writeU16(copy, head + 8, target)
    return rdata + target
  }
}

/** Sixteen links of two full names each, and as much again for their signatures. */
const chainBytesMax = 16_384
