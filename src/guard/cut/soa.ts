import type { Probed } from '../../query/probed.ts'
import { Type } from '../../wire/codes.ts'
import { ANCOUNT, HEADER, NSCOUNT, readU16 } from '../../wire/header.ts'
import { skipRecord } from '../../wire/incoming.ts'
import { expandName, isAtOrBelow, lowerName, skipName } from '../../wire/name.ts'

/** What an SOA may take: the owner's place, and rdata with both names written out. Longer ones are not worth keeping. */
export const soaBytesMax = 256

/** Serial, refresh, retry, expire, MINIMUM. */
const numbersBytes = 20

/**
 * The SOA that came with a denial, in a form that can stand behind any name below the one that was asked: rdata with its names in full.
 * One object, read again for each probe.
 */
export class SoaReader {
  /** Bytes of the owner's name, which the asked one ends in; 0 for no SOA. */
  ownerLength = 0
  readonly rdata = new Uint8Array(2 * 255 + numbersBytes)
  rdataLength = 0
  private readonly owner = new Uint8Array(256)

  /** False when there is none that can be kept. */
  read({ message, at, length, name, nameLength }: Probed): boolean {
    this.ownerLength = 0
    const end = at + length
    let here = skipName(message, at + HEADER, end) + 4
    for (let left = readU16(message, at + ANCOUNT); left > 0; left--) here = skipRecord(message, here, end)
    for (let left = readU16(message, at + NSCOUNT); left > 0; left--) {
      const fixed = skipName(message, here, end)
      if (readU16(message, fixed) === Type.SOA) {
        const ownerLength = expandName(message, at, here, end, this.owner, 0)
        return this.keepRdata(message, at, fixed + 10, end) && this.isAbove(name, nameLength, ownerLength)
      }
      here = skipRecord(message, here, end)
    }
    return false
  }

  /** An SOA of another branch is none of this denial's (RFC 2308 section 3). */
  private isAbove(name: Uint8Array, nameLength: number, ownerLength: number): boolean {
    lowerName(this.owner, 0, ownerLength, this.owner, 0)
    if (!isAtOrBelow(name, 0, nameLength, this.owner, 0, ownerLength)) return false
    this.ownerLength = ownerLength
    return true
  }

  private keepRdata(message: Uint8Array, start: number, from: number, end: number): boolean {
    const server = expandName(message, start, from, end, this.rdata, 0)
    const mailboxAt = skipName(message, from, end)
    const mailbox = expandName(message, start, mailboxAt, end, this.rdata, server)
    const numbersAt = skipName(message, mailboxAt, end)
    if (server === -1 || mailbox === -1 || numbersAt + numbersBytes > end) return false
    this.rdataLength = server + mailbox + numbersBytes
    for (let i = 0; i < numbersBytes; i++) this.rdata[server + mailbox + i] = message[numbersAt + i] as number
    return this.rdataLength <= soaBytesMax
  }
}
