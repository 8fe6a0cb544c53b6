import { Class, Ede, Rcode, Type } from '../wire/codes.ts'
import {
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
  writeU32,
} from '../wire/header.ts'
import { skipRecord } from '../wire/incoming.ts'
import { skipName } from '../wire/name.ts'
import { optBytes } from '../wire/outgoing.ts'
import { relocateRecords } from '../wire/relocate.ts'
import type { Query } from './query.ts'
import type { Reply } from './reply.ts'

/** Owner as a pointer to the question, type, class, TTL, rdata length. */
const headBytes = 12

/**
 * A reply about a name that lost its search suffix: the client gets its own question back, and the records of the real name behind a CNAME.
 *
 *   question N.S │ N.S CNAME N │ records of N, made for the question N
 *
 * Writes the CNAME behind the question; returns where the records go.
 */
export function openAlias(query: Query, { bytes, questionEnd }: Reply): number {
  const { nameLength } = query
  writeU16(bytes, questionEnd, 0xc000 | HEADER)
  writeU16(bytes, questionEnd + 2, Type.CNAME)
  writeU16(bytes, questionEnd + 4, Class.IN)
  writeU16(bytes, questionEnd + 10, nameLength)
  const to = questionEnd + headBytes
  const from = query.at + HEADER
  for (let i = 0; i < nameLength - 1; i++) bytes[to + i] = query.bytes[from + i] as number
  bytes[to + nameLength - 1] = 0
  return to + nameLength
}

/** Brings the records written from `body` on in line with where they stand, and gives the CNAME their lowest TTL. */
export function sealAlias(query: Query, reply: Reply, body: number): void {
  const { bytes, at, questionEnd } = reply
  const answers = readU16(bytes, at + ANCOUNT)
  const records = answers + readU16(bytes, at + NSCOUNT)
  const nameAt = questionEnd + headBytes - at
  const all = records + readU16(bytes, at + ARCOUNT)
  const fits = body - at + (query.hasOpt === 1 ? optBytes : 0) <= reply.limit
  if (!fits) empty(reply, TC)
  else if (!relocateRecords(bytes, at, all, nameAt, HEADER + query.nameLength + 4, body - at))
    empty(reply, Rcode.SERVFAIL)
  else {
    writeU32(bytes, questionEnd + 6, lowestTtl(reply, body, answers === 0 ? records : answers))
    writeU16(bytes, at + ANCOUNT, answers + 1)
  }
  if (reply.ede !== -1) return
  reply.ede = Ede.FORGED_ANSWER
  reply.edeText = edeText
}

const edeText = new TextEncoder().encode('searchSuffix: suffix stripped')

/** Of the first `records`; 0 where there is none. */
function lowestTtl({ bytes, at, length }: Reply, body: number, records: number): number {
  let lowest = records === 0 ? 0 : 0x7fffffff
  let here = body
  for (let i = 0; i < records; i++) {
    lowest = Math.min(lowest, readU32(bytes, skipName(bytes, here, at + length) + 4))
    here = skipRecord(bytes, here, at + length)
  }
  return lowest
}

/** Nothing but the question: with TC, to be asked again over TCP, or as a failure. */
function empty(reply: Reply, flags: number): void {
  const { bytes, at } = reply
  const kept = readU16(bytes, at + FLAGS) & ~(flags === TC ? 0 : RCODE)
  writeU16(bytes, at + FLAGS, kept | flags)
  writeU16(bytes, at + ANCOUNT, 0)
  writeU16(bytes, at + NSCOUNT, 0)
  writeU16(bytes, at + ARCOUNT, 0)
  reply.length = reply.questionEnd - at
}
