import type { Query } from '../../query/query.ts'
import type { Reply } from '../../query/reply.ts'
import { Type } from '../../wire/codes.ts'
import { AD, ANCOUNT, ARCOUNT, FLAGS, HEADER, NSCOUNT, readU16, writeU16 } from '../../wire/header.ts'
import { skipRecord } from '../../wire/incoming.ts'
import { skipName } from '../../wire/name.ts'
import { ADDITIONAL, Records, recordsMax } from '../../wire/records.ts'
import { RecordWriter } from '../../wire/writer.ts'
import { hasHint, stripHint } from './svc-params.ts'

/** May a reply to this type bring IPv6 addresses along: as hints, or in its additional section? */
export function bringsAddresses(type: number): boolean {
  return isService(type) || type === Type.SRV || type === Type.MX || type === Type.NS
}

/**
 * Takes the IPv6 addresses out of a reply that brings them along:
 *
 *   HTTPS alpn ipv4hint ipv6hint │ RRSIG HTTPS │ NS │ AAAA A       →       HTTPS alpn ipv4hint │ NS │ A
 *
 * What stays is written anew, since names may be pointers into what goes. A reply that can't be read stays as it is.
 */
export class HintStripper {
  private readonly records = new Records()
  private readonly writer = new RecordWriter(65_535)
  /** Records that stay, by section. */
  private readonly kept = new Uint16Array(3)

  strip(query: Query, reply: Reply): void {
    const { bytes, at } = reply
    const answer = at + HEADER + query.nameLength + 4
    const found = find(reply, answer)
    if (found === 0 || !this.rewrite(query, reply, answer, found)) return
    const { writer, kept } = this
    for (let i = 0; i < writer.length; i++) bytes[answer + i] = writer.body[i] as number
    reply.length = answer - at + writer.length
    for (let s = 0; s < kept.length; s++) writeU16(bytes, at + ANCOUNT + 2 * s, kept[s] as number)
    // AD speaks of the answer and authority sections alone (RFC 4035 section 3.2.3).
    if (found !== glue) writeU16(bytes, at + FLAGS, readU16(bytes, at + FLAGS) & ~AD)
  }

  /** Fills the writer; false when a name in the reply is bad, or when it would grow. */
  private rewrite(query: Query, reply: Reply, answer: number, found: number): boolean {
    const { records, writer, kept } = this
    records.read(reply.bytes, reply.at, answer, reply.at + reply.length)
    writer.start(query.name, query.nameLength)
    kept.fill(0)
    for (let i = 0; i < records.count; i++) {
      if (this.goes(i, found)) continue
      writer.record(records, i, records.ttl[i] as number)
      if (writer.failed) return false
      if (isService(records.type[i] as number)) this.shorten(records.rdataLength[i] as number)
      const section = records.section[i] as number
      kept[section] = (kept[section] as number) + 1
    }
    return answer - reply.at + writer.length <= reply.length
  }

  /** An address of the additional section, or a signature over an RRset that is no longer what was signed. */
  private goes(i: number, found: number): boolean {
    const { records } = this
    const type = records.type[i] as number
    const isSignature = type === Type.RRSIG && (records.rdataLength[i] as number) >= 2
    const about = isSignature ? readU16(records.bytes, records.rdataAt[i] as number) : type
    if (about === Type.AAAA) return records.section[i] === ADDITIONAL
    return isSignature && isService(about) && (found & hintIn(about)) !== 0
  }

  /** Strips the record that was written last; its rdata holds no compressed name, so it stands there as it was. */
  private shorten(rdataLength: number): void {
    const { writer } = this
    const rdata = writer.length - rdataLength
    const left = stripHint(writer.body, rdata, rdataLength)
    writeU16(writer.body, rdata - 2, left)
    writer.length = rdata + left
  }
}

/** What has to go from the reply, as bits; 0 for nothing, or when its records don't parse. */
function find({ bytes, at, length }: Reply, answer: number): number {
  const end = at + length
  const additional = readU16(bytes, at + ANCOUNT) + readU16(bytes, at + NSCOUNT)
  const count = additional + readU16(bytes, at + ARCOUNT)
  if (count > recordsMax) return 0
  let found = 0
  let here = answer
  for (let i = 0; i < count; i++) {
    const after = skipRecord(bytes, here, end)
    if (after === -1) return 0
    const fixed = skipName(bytes, here, end)
    const type = readU16(bytes, fixed)
    if (type === Type.AAAA && i >= additional) found |= glue
    else if (isService(type) && hasHint(bytes, fixed + 10, after - fixed - 10)) found |= hintIn(type)
    here = after
  }
  return found
}

function isService(type: number): boolean {
  return type === Type.SVCB || type === Type.HTTPS
}

/** The bit for a hint in a record of this type. */
function hintIn(type: number): number {
  return type === Type.SVCB ? 1 : 2
}

/** The bit for an AAAA record in the additional section. */
const glue = 4
