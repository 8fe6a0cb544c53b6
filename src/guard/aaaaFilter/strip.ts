import type { Query } from '../../query/query.ts'
import type { Reply } from '../../query/reply.ts'
import { Rcode, Type } from '../../wire/codes.ts'
import {
  AD,
  ANCOUNT,
  ARCOUNT,
  FLAGS,
  HEADER,
  NSCOUNT,
  RCODE,
  readU16,
  readU32,
  TC,
  writeU16,
} from '../../wire/header.ts'
import { skipRecord } from '../../wire/incoming.ts'
import { expandName, skipName } from '../../wire/name.ts'
import { optBytes } from '../../wire/outgoing.ts'
import { parentOffset, pointerToQuestion, soaBytes, writeSoa } from '../negative.ts'
import { ChainCopy, isChain } from './chain.ts'

/**
 * Turns the reply to an A question into the one to AAAA, where it stands:
 *
 *   header │ question │ CNAME CNAME A A │ NS │ glue       →       header │ question │ CNAME CNAME │ SOA │
 *
 * Only a reply with addresses changes: NODATA, NXDOMAIN (with or without a chain) and failures hold for AAAA as they
 * hold for A.
 */
export class AddressStripper {
  private readonly chain = new ChainCopy()
  private readonly owner = new Uint8Array(256)
  private kept = 0
  /** Behind the chain's records that stand before the first address. */
  private keptEnd = 0
  /** A chain record stands behind an address. */
  private disordered = false
  private address = -1
  private lowestTtl = 0
  /** How far the reply may go. */
  private end = 0

  /** After `strip`: how long the answer section is good for, -1 when it is empty. */
  get seconds(): number {
    return this.lowestTtl === ttlMost ? -1 : this.lowestTtl
  }

  /** @param ttlMax of the SOA, in seconds: an upper bound beside the TTLs of chain and addresses */
  strip(query: Query, reply: Reply, ttlMax: number): void {
    const { bytes, at } = reply
    // What we make up is never authentic data (RFC 4035 section 3.2.3), and a proof for A is none for AAAA.
    const flags = readU16(bytes, at + FLAGS) & ~AD
    writeU16(bytes, at + FLAGS, flags)
    if ((flags & RCODE) !== Rcode.NOERROR) return
    const answer = at + HEADER + query.nameLength + 4
    this.end = at + reply.limit - (query.hasOpt === 1 ? optBytes : 0)
    if (!this.scan(reply, answer)) fail(reply, answer)
    else if ((flags & TC) !== 0 && (this.address === -1 || this.disordered)) truncate(reply, answer)
    else if (this.address !== -1) {
      // If TC was set, it meant further addresses, for the chain stands before them.
      writeU16(bytes, at + FLAGS, flags & ~TC)
      this.replaceAddresses(query, reply, answer, ttlMax)
    }
  }

  private replaceAddresses(query: Query, reply: Reply, answer: number, ttlMax: number): void {
    const { bytes, at } = reply
    const ownerLength = expandName(bytes, at, this.address, at + reply.length, this.owner, 0)
    if (ownerLength === -1) {
      fail(reply, answer)
      return
    }
    const end = this.disordered ? this.chain.rewrite(reply, answer, this.end) : this.keptEnd
    const soaAt = end === -1 ? -1 : this.writeOwner(query, reply, end, ownerLength)
    if (soaAt === -1) {
      truncate(reply, answer)
      return
    }
    reply.length = writeSoa(bytes, soaAt, Math.min(this.lowestTtl, ttlMax)) - at
    writeCounts(reply, this.kept, 1)
  }

  /** Finds what to keep; false when the answer section doesn't parse. */
  private scan(reply: Reply, answer: number): boolean {
    const { bytes, at } = reply
    const end = at + reply.length
    this.kept = 0
    this.keptEnd = answer
    this.disordered = false
    this.address = -1
    this.lowestTtl = ttlMost
    let here = answer
    for (let left = readU16(bytes, at + ANCOUNT); left > 0; left--) {
      const after = skipRecord(bytes, here, end)
      if (after === -1) return false
      const fixed = skipName(bytes, here, end)
      this.lowestTtl = Math.min(this.lowestTtl, readU32(bytes, fixed + 4))
      if (isChain(bytes, fixed)) {
        this.kept++
        if (here === this.keptEnd) this.keptEnd = after
        else this.disordered = true
      } else if (this.address === -1 && readU16(bytes, fixed) === Type.A) this.address = here
      here = after
    }
    return true
  }

  /**
   * The SOA's owner is the parent of the chain's last name, which owns the addresses; without a chain that is an
   * ancestor of the question. Returns the offset behind it, or -1 when there is no room for it and the SOA.
   */
  private writeOwner(query: Query, reply: Reply, to: number, ownerLength: number): number {
    const { bytes } = reply
    const room = this.end - soaBytes - to
    if (this.kept === 0) {
      if (room < 2) return -1
      writeU16(bytes, to, pointerToQuestion(parentOffset(query)))
      return to + 2
    }
    const skip = ownerLength > 1 ? (this.owner[0] as number) + 1 : 0
    const length = ownerLength - skip
    if (length > room) return -1
    for (let i = 0; i < length; i++) bytes[to + i] = this.owner[skip + i] as number
    return to + length
  }
}

/** To be asked again over TCP, where there is room: addresses that were left out before we came can't be judged. */
function truncate(reply: Reply, answer: number): void {
  writeU16(reply.bytes, reply.at + FLAGS, readU16(reply.bytes, reply.at + FLAGS) | TC)
  reply.length = answer - reply.at
  writeCounts(reply, 0, 0)
}

/** Never NODATA for what we could not read: that would say that the name exists. */
function fail(reply: Reply, answer: number): void {
  const flags = readU16(reply.bytes, reply.at + FLAGS) & ~RCODE
  writeU16(reply.bytes, reply.at + FLAGS, flags | Rcode.SERVFAIL)
  reply.length = answer - reply.at
  writeCounts(reply, 0, 0)
}

/** RFC 2181 section 8. */
const ttlMost = 0x7fffffff

function writeCounts({ bytes, at }: Reply, answers: number, authorities: number): void {
  writeU16(bytes, at + ANCOUNT, answers)
  writeU16(bytes, at + NSCOUNT, authorities)
  writeU16(bytes, at + ARCOUNT, 0)
}
