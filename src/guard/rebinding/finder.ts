import { Type } from '../../wire/codes.ts'
import { readU16 } from '../../wire/header.ts'
import { skipName } from '../../wire/name.ts'
import { isPrivateV4, isPrivateV6 } from './private.ts'

/** The records of an answer: as it came, or as it is kept. */
export interface AnswerRecords {
  readonly body: Uint8Array
  typeOf(record: number): number
  rdataAt(record: number): number
  rdataLength(record: number): number
}

/** Finds private addresses in an answer: A, AAAA, and the hints of SVCB and HTTPS, which clients use as addresses (RFC 9460 section 7.3). */
export class PrivateFinder {
  /** Where the address that was found stands in the answer's `body`. */
  at = 0
  /** Its bytes: 4 or 16. */
  length = 0

  /** Is there one in the records from `from` up to `to`? */
  find(answer: AnswerRecords, from: number, to: number): boolean {
    for (let record = from; record < to; record++) {
      const type = answer.typeOf(record)
      if (type === Type.A || type === Type.AAAA) {
        if (this.look(answer.body, answer.rdataAt(record), answer.rdataLength(record), type === Type.A ? 4 : 16))
          return true
      } else if ((type === Type.HTTPS || type === Type.SVCB) && this.findHint(answer, record)) return true
    }
    return false
  }

  /** Reads as far as the record can be read: what is malformed further on is for the client to refuse (RFC 9460 section 2.2). */
  private findHint(answer: AnswerRecords, record: number): boolean {
    const { body } = answer
    const end = answer.rdataAt(record) + answer.rdataLength(record)
    let here = skipName(body, answer.rdataAt(record) + priorityBytes, end)
    while (here !== -1 && here + 4 <= end) {
      const key = readU16(body, here)
      const length = readU16(body, here + 2)
      const value = here + 4
      here = value + length
      if (here > end) return false
      if (key === ipv4hint && this.look(body, value, length, 4)) return true
      if (key === ipv6hint && this.look(body, value, length, 16)) return true
    }
    return false
  }

  /** Looks at the addresses of `size` bytes each that stand one behind the other. */
  private look(bytes: Uint8Array, from: number, length: number, size: number): boolean {
    for (let at = from; at + size <= from + length; at += size) {
      if (!(size === 4 ? isPrivateV4(bytes, at) : isPrivateV6(bytes, at))) continue
      this.at = at
      this.length = size
      return true
    }
    return false
  }
}

const priorityBytes = 2
/** SvcParamKeys (RFC 9460 section 14.3.2). */
const ipv4hint = 4
const ipv6hint = 6
