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
import { type LocalTable, setHeadBytes } from './local-table.ts'
import type { Query } from './query.ts'
import { ALIAS_STRIPPED } from './rename.ts'
import type { Reply } from './reply.ts'

/** Owner as a pointer to the question, type, class, TTL, rdata length. */
const headBytes = 12

/**
 * A reply whose records are those of another name (query/rename): the client gets its own question back, and they stand behind a CNAME, or behind the
 * operator's own chain of them.
 *
 *   question N.S │ N.S CNAME N │ records of N, made for the question N
 *   question L │ L CNAME M │ M CNAME N │ records of N, made for the question N
 *
 * Writes the CNAMEs behind the question; returns where the records go, -1 when there is no room for the CNAMEs alone.
 */
export function openAlias(query: Query, reply: Reply): number {
  if (query.alias === ALIAS_STRIPPED) return openStripped(query, reply)
  const { pool } = query.aliases as LocalTable
  const end = reply.at + reply.limit - (query.hasOpt === 1 ? optBytes : 0)
  let here = reply.questionEnd
  let owner = HEADER
  for (let entry = query.alias; entry !== 0; entry = (query.aliases as LocalTable).aliasOf(entry)) {
    const set = (query.aliases as LocalTable).firstSet(entry)
    const record = set + setHeadBytes
    const length = readU16(pool, record)
    if (here + headBytes + length > end) return -1
    writeHead(reply.bytes, here, owner, length)
    writeU32(reply.bytes, here + 6, readU32(pool, set + 2))
    here += headBytes
    owner = here - reply.at
    for (let i = 0; i < length; i++) reply.bytes[here + i] = pool[record + 2 + i] as number
    here += length
  }
  return here
}

function openStripped(query: Query, { bytes, questionEnd }: Reply): number {
  const { nameLength } = query
  writeHead(bytes, questionEnd, HEADER, nameLength)
  const to = questionEnd + headBytes
  const from = query.at + HEADER
  for (let i = 0; i < nameLength - 1; i++) bytes[to + i] = query.bytes[from + i] as number
  bytes[to + nameLength - 1] = 0
  return to + nameLength
}

/** All but the TTL of a CNAME that is owned by the name at offset `owner` of the message. */
function writeHead(bytes: Uint8Array, at: number, owner: number, rdataLength: number): void {
  writeU16(bytes, at, 0xc000 | owner)
  writeU16(bytes, at + 2, Type.CNAME)
  writeU16(bytes, at + 4, Class.IN)
  writeU16(bytes, at + 10, rdataLength)
}

/** Brings the records written from `body` on in line with where they stand, and gives a CNAME of ours their lowest TTL. */
export function sealAlias(query: Query, reply: Reply, body: number): void {
  const { bytes, at, questionEnd } = reply
  const answers = readU16(bytes, at + ANCOUNT)
  const records = answers + readU16(bytes, at + NSCOUNT)
  const all = records + readU16(bytes, at + ARCOUNT)
  if (query.denialTtlMax !== 0 && records > answers) capTtls(reply, body, records, query.denialTtlMax)
  // The CNAMEs end in the name that the records were made for.
  const nameAt = body - query.nameLength - at
  const fits = body - at + (query.hasOpt === 1 ? optBytes : 0) <= reply.limit
  if (!fits) empty(reply, TC)
  else if (!relocateRecords(bytes, at, all, nameAt, HEADER + query.nameLength + 4, body - at))
    empty(reply, Rcode.SERVFAIL)
  else {
    if (query.alias === ALIAS_STRIPPED) {
      writeU32(bytes, questionEnd + 6, lowestTtl(reply, body, answers === 0 ? records : answers))
    }
    writeU16(bytes, at + ANCOUNT, answers + cnames(query))
  }
  if (reply.ede !== -1 || query.alias !== ALIAS_STRIPPED) return
  reply.ede = Ede.FORGED_ANSWER
  reply.edeText = edeText
}

/** There is no room for the CNAMEs: the client is to ask again over TCP. */
export function cutAlias(reply: Reply): void {
  empty(reply, TC)
}

function cnames({ alias, aliases }: Query): number {
  if (alias === ALIAS_STRIPPED) return 1
  let count = 0
  for (let entry = alias; entry !== 0; entry = (aliases as LocalTable).aliasOf(entry)) count++
  return count
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

/** Of the first `records`. */
function capTtls({ bytes, at, length }: Reply, body: number, records: number, most: number): void {
  let here = body
  for (let i = 0; i < records; i++) {
    const ttlAt = skipName(bytes, here, at + length) + 4
    writeU32(bytes, ttlAt, Math.min(readU32(bytes, ttlAt), most))
    here = skipRecord(bytes, here, at + length)
  }
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
