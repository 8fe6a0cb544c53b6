import { copyOctets } from '../base/octets.ts'
import { Rcode } from '../wire/codes.ts'
import {
  AA,
  AD,
  ANCOUNT,
  ARCOUNT,
  CD,
  FLAGS,
  HEADER,
  ID,
  NSCOUNT,
  OPCODE,
  QDCOUNT,
  QR,
  RA,
  RD,
  readU16,
  readU32,
  TC,
  writeU16,
  writeU32,
} from '../wire/header.ts'
import { skipRecord } from '../wire/incoming.ts'
import { optBytes, payloadSizeOurs, writeOpt } from '../wire/outgoing.ts'
import { cutAlias, openAlias, sealAlias } from './alias.ts'
import type { Draft } from './draft.ts'
import type { Query } from './query.ts'
import { ALIAS_NONE, ALIAS_STRIPPED } from './rename.ts'
import type { Reply } from './reply.ts'

/** The most a UDP reply may hold for this client: what it offered, never above ours (RFC 9715), never below 512. */
export function replyLimit(query: Query): number {
  if (query.streamed) return 65535
  return Math.min(query.payloadSize, payloadSizeOurs)
}

/**
 * Writes the draft as this client's reply: its id, its letters in the question, RD and CD as it sent them (RFC 1035 section 4.1.1, RFC 4035 section 3.2.2),
 * TTLs aged, addresses rotated, behind CNAMEs where another name was looked up. `reply.bytes`, `at` and `limit` are given; OPT follows
 * in `sealReply`.
 */
export function writeReply(query: Query, draft: Draft, rotation: number, reply: Reply): void {
  const { bytes, at } = reply
  reply.ede = draft.ede
  reply.edeText = draft.edeText
  writeHeader(query, draft, bytes, at)
  let here = at + HEADER
  if (query.nameLength > 0) {
    const from = query.at + HEADER
    const length = query.askedLength + 4
    copyOctets(query.view, from, reply.view, here, length)
    here += length
    writeU16(bytes, at + QDCOUNT, 1)
  } else writeU16(bytes, at + QDCOUNT, 0)
  reply.questionEnd = here
  // The operator's own CNAMEs are true whatever became of their target; one of ours is there for the records behind it.
  const isAlias =
    query.alias > ALIAS_STRIPPED ||
    (query.alias === ALIAS_STRIPPED && (draft.length > 0 || draft.rcode === Rcode.NXDOMAIN))
  if (isAlias) here = openAlias(query, reply)
  if (here === -1) return cutAlias(reply)
  const room = reply.limit - (here - at) - (query.hasOpt ? optBytes : 0)
  if (draft.length > room) writeTruncated(draft, room, rotation, reply, here)
  else {
    writeU16(bytes, at + ANCOUNT, draft.answers)
    writeU16(bytes, at + NSCOUNT, draft.authorities)
    writeU16(bytes, at + ARCOUNT, draft.additionals)
    copyOctets(draft.view, draft.at, reply.view, here, draft.length)
    ageTtls(draft, draft.length, bytes, here)
    if (draft.rotateCount > 1) rotate(draft, rotation, draft.rotateCount, bytes, here)
    reply.length = here - at + draft.length
  }
  if (isAlias) sealAlias(query, reply, here)
}

function writeHeader(query: Query, draft: Draft, bytes: Uint8Array, at: number): void {
  let flags = QR | RA | (query.flags & (OPCODE | RD | CD)) | draft.flags | (draft.rcode & 15)
  // What stands behind an alias of our own is nobody's word (RFC 4035 section 3.2.3).
  if (query.alias !== ALIAS_NONE) flags &= ~(AA | AD)
  // AA is about the first owner of the answer section (RFC 1035 section 4.1.1).
  if (query.alias > ALIAS_STRIPPED) flags |= AA
  // RFC 6840 section 5.8: AD only for clients that said they understand it.
  if ((query.flags & AD) === 0 && query.dnssecOk === 0) flags &= ~AD
  writeU16(bytes, at + ID, query.id)
  writeU16(bytes, at + FLAGS, flags)
}

function ageTtls(draft: Draft, length: number, to: Uint8Array, toAt: number): void {
  if (draft.age === 0 && draft.staleTtl === 0) return
  for (let i = 0; i < draft.ttlCount; i++) {
    const offset = readU16(draft.bytes, draft.ttlAt + 2 * i)
    if (offset >= length) return
    const at = toAt + offset
    writeU32(to, at, draft.staleTtl || Math.max(readU32(to, at) - draft.age, 0))
  }
}

/** Record k goes where record k − rotation stood: one TTL and one size make the rest of the message the same. */
function rotate(draft: Draft, rotation: number, written: number, to: Uint8Array, toAt: number): void {
  const { rotateStride: stride, rotateCount: count } = draft
  const shift = rotation % count
  if (shift === 0) return
  const from = draft.at + draft.rotateAt
  const at = toAt + draft.rotateAt
  // Only the rdata moves, the last bytes of each record: owner, type, class and TTL are alike.
  const rdata = stride - 12
  for (let k = 0; k < written; k++) {
    const source = from + ((k + shift) % count) * stride + 12
    const target = at + k * stride + 12
    for (let i = 0; i < rdata; i++) to[target + i] = draft.bytes[source + i] as number
  }
}

/**
 * What does not fit: first the additional section goes, silently (RFC 2181 section 9); then as many whole answer records as there is room for, with
 * TC. Some resolvers (musl before 1.2.4) don't ask again over TCP and live on what they get.
 */
function writeTruncated(draft: Draft, room: number, rotation: number, reply: Reply, here: number): void {
  const { bytes, at } = reply
  const end = draft.at + draft.length
  let from = draft.at
  let answers = 0
  let authorities = 0
  for (let i = 0; i < draft.answers + draft.authorities; i++) {
    const after = skipRecord(draft.bytes, from, end)
    if (after === -1 || after - draft.at > room) break
    from = after
    if (i < draft.answers) answers++
    else authorities++
  }
  const whole = answers === draft.answers && authorities === draft.authorities
  if (!whole) writeU16(bytes, at + FLAGS, readU16(bytes, at + FLAGS) | TC)
  const length = from - draft.at
  writeU16(bytes, at + ANCOUNT, answers)
  writeU16(bytes, at + NSCOUNT, authorities)
  writeU16(bytes, at + ARCOUNT, 0)
  copyOctets(draft.view, draft.at, reply.view, here, length)
  ageTtls(draft, length, bytes, here)
  const rotating = Math.floor((length - draft.rotateAt) / draft.rotateStride)
  if (draft.rotateCount > 1) rotate(draft, rotation, Math.min(rotating, draft.rotateCount), bytes, here)
  reply.length = here - at + length
}

/** Ends the reply: our own OPT iff the client sent one (RFC 6891 section 7), with the extended error where there is room (RFC 8914). */
export function sealReply(query: Query, draft: Draft, reply: Reply): void {
  if (query.hasOpt === 0) return
  const { bytes, at } = reply
  const optAt = at + reply.length
  let end = writeOpt(bytes, optAt, payloadSizeOurs, draft.rcode >> 4, query.dnssecOk)
  const text = reply.edeText
  if (reply.ede !== -1 && end - at + 6 + text.length <= reply.limit) {
    writeU16(bytes, end, 15)
    writeU16(bytes, end + 2, 2 + text.length)
    writeU16(bytes, end + 4, reply.ede)
    for (let i = 0; i < text.length; i++) bytes[end + 6 + i] = text[i] as number
    end += 6 + text.length
    writeU16(bytes, optAt + 9, 6 + text.length)
  }
  reply.length = end - at
  writeU16(bytes, at + ARCOUNT, readU16(bytes, at + ARCOUNT) + 1)
}
