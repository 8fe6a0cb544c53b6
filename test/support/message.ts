/**
 * DNS messages for the tests: a builder and a strict parser of their own, so that the program's parser is checked by
 * a second opinion. Nothing here is shared with src/.
 */
import { randomInt } from 'node:crypto'
import { nameBytes, readData, readName, recordBytes, TYPES, take16, take32, typeNumber, u16, u32 } from './records.ts'

export { nameBytes, recordBytes, TYPES, typeNumber } from './records.ts'

export const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const

export interface EdnsOption {
  readonly code: number
  readonly data: Buffer
}
export interface Edns {
  readonly size: number
  readonly version: number
  readonly dnssecOk: boolean
  readonly options: readonly EdnsOption[]
  /** Info codes of Extended DNS Errors, RFC 8914. */
  readonly ede: readonly number[]
}
export interface Question {
  readonly name: string
  readonly type: number
  readonly class: number
}
export interface Rr {
  readonly name: string
  readonly type: number
  readonly class: number
  readonly ttl: number
  /** A presentation form: addresses, names, numbers; hex for what is not known here. */
  readonly data: string
}
export interface Message {
  readonly id: number
  readonly qr: boolean
  readonly opcode: number
  readonly aa: boolean
  readonly tc: boolean
  readonly rd: boolean
  readonly ra: boolean
  readonly z: boolean
  readonly ad: boolean
  readonly cd: boolean
  /** With the upper bits of the OPT record, RFC 6891 6.1.3. */
  readonly rcode: number
  readonly questions: readonly Question[]
  /** The question section as it stood on the wire, letter case and all. */
  readonly questionBytes: Buffer
  readonly answers: readonly Rr[]
  readonly authority: readonly Rr[]
  /** Without the OPT record. */
  readonly additional: readonly Rr[]
  readonly edns: Edns | undefined
  readonly bytes: Buffer
}

export interface EdnsAsked {
  readonly size?: number
  readonly version?: number
  readonly dnssecOk?: boolean
  readonly flags?: number
  readonly options?: readonly EdnsOption[]
}
export interface QueryParts {
  readonly id?: number
  readonly class?: number
  readonly opcode?: number
  readonly qr?: boolean
  readonly rd?: boolean
  readonly ad?: boolean
  readonly cd?: boolean
  readonly z?: boolean
  readonly edns?: EdnsAsked
}

/** A query for `name`; RD is set unless told otherwise. */
export function query(name: string, type: string | number = 'A', parts: QueryParts = {}): Buffer {
  const { id = randomInt(65536), opcode = 0, rd = true, edns } = parts
  const flags =
    (parts.qr ? 0x8000 : 0) |
    (opcode << 11) |
    (rd ? 0x100 : 0) |
    (parts.z ? 0x40 : 0) |
    (parts.ad ? 0x20 : 0) |
    (parts.cd ? 0x10 : 0)
  const question = Buffer.concat([nameBytes(name), u16(typeNumber(type)), u16(parts.class ?? 1)])
  return Buffer.concat([header(id, flags, [1, 0, 0, edns ? 1 : 0]), question, edns ? optRecord(edns) : empty])
}

export interface ReplyParts {
  readonly rcode?: number
  readonly aa?: boolean
  readonly tc?: boolean
  readonly ad?: boolean
  readonly ra?: boolean
  /** Records as text: `name ttl type data`, without class. */
  readonly answers?: readonly string[]
  readonly authority?: readonly string[]
  readonly additional?: readonly string[]
  readonly edns?: EdnsAsked
  /** Overrides for replies that are wrong on purpose. */
  readonly id?: number
  readonly qr?: boolean
  readonly opcode?: number
  readonly question?: Buffer
  readonly questionCount?: number
}

/** A reply to a parsed query: its id, question bytes, RD and CD are echoed. */
export function reply(to: Message, parts: ReplyParts = {}): Buffer {
  const { answers = [], authority = [], additional = [], rcode = 0, edns } = parts
  const flags =
    ((parts.qr ?? true) ? 0x8000 : 0) |
    ((parts.opcode ?? to.opcode) << 11) |
    (parts.aa ? 0x400 : 0) |
    (parts.tc ? 0x200 : 0) |
    (to.rd ? 0x100 : 0) |
    ((parts.ra ?? true) ? 0x80 : 0) |
    (parts.ad ? 0x20 : 0) |
    (to.cd ? 0x10 : 0) |
    (rcode & 15)
  const counts = [
    parts.questionCount ?? to.questions.length,
    answers.length,
    authority.length,
    additional.length + (edns ? 1 : 0),
  ]
  return Buffer.concat([
    header(parts.id ?? to.id, flags, counts),
    parts.question ?? to.questionBytes,
    ...[...answers, ...authority, ...additional].map(recordBytes),
    edns ? optRecord(edns, rcode >> 4) : empty,
  ])
}

/** Parses a whole message; throws on anything malformed, trailing bytes included. */
export function parse(bytes: Buffer): Message {
  if (bytes.length < 12) throw new Error(`message of ${bytes.length} bytes`)
  const flags = bytes.readUInt16BE(2)
  const counts = [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at)) as [number, number, number, number]
  const cursor = { at: 12 }
  const questions = Array.from({ length: counts[0] }, () => {
    const name = readName(bytes, cursor)
    return { name, type: take16(bytes, cursor), class: take16(bytes, cursor) }
  })
  const questionBytes = bytes.subarray(12, cursor.at)
  let edns: Edns | undefined
  let extendedRcode = 0
  const readSection = (count: number): Rr[] => {
    const records: Rr[] = []
    for (let i = 0; i < count; i++) {
      const name = readName(bytes, cursor)
      const type = take16(bytes, cursor)
      const rrClass = take16(bytes, cursor)
      const ttl = take32(bytes, cursor)
      const length = take16(bytes, cursor)
      const end = cursor.at + length
      if (end > bytes.length) throw new Error('rdata past the end')
      if (type === TYPES['OPT']) {
        if (edns || name !== '.') throw new Error('second or non-root OPT')
        extendedRcode = ttl >>> 24
        edns = readEdns(rrClass, ttl, bytes.subarray(cursor.at, end))
      } else {
        records.push({ name, type, class: rrClass, ttl, data: readData(bytes, type, cursor.at, end) })
      }
      cursor.at = end
    }
    return records
  }
  const answers = readSection(counts[1])
  const authority = readSection(counts[2])
  const additional = readSection(counts[3])
  if (cursor.at !== bytes.length) throw new Error(`${bytes.length - cursor.at} bytes after the last record`)
  const bit = (mask: number): boolean => (flags & mask) !== 0
  return {
    id: bytes.readUInt16BE(0),
    qr: bit(0x8000),
    opcode: (flags >> 11) & 15,
    aa: bit(0x400),
    tc: bit(0x200),
    rd: bit(0x100),
    ra: bit(0x80),
    z: bit(0x40),
    ad: bit(0x20),
    cd: bit(0x10),
    rcode: (flags & 15) | (extendedRcode << 4),
    questions,
    questionBytes,
    answers,
    authority,
    additional,
    edns,
    bytes,
  }
}

function readEdns(size: number, ttl: number, data: Buffer): Edns {
  const options: EdnsOption[] = []
  for (let at = 0; at < data.length; ) {
    const length = data.readUInt16BE(at + 2)
    if (at + 4 + length > data.length) throw new Error('EDNS option past the end')
    options.push({ code: data.readUInt16BE(at), data: data.subarray(at + 4, at + 4 + length) })
    at += 4 + length
  }
  const ede = options.filter(({ code }) => code === 15).map((option) => option.data.readUInt16BE(0))
  return { size, version: (ttl >>> 16) & 255, dnssecOk: (ttl & 0x8000) !== 0, options, ede }
}

function optRecord({ size = 1232, version = 0, dnssecOk, flags = 0, options = [] }: EdnsAsked, upper = 0): Buffer {
  const data = Buffer.concat(options.map((o) => Buffer.concat([u16(o.code), u16(o.data.length), o.data])))
  const ttl = ((upper << 24) | (version << 16) | (dnssecOk ? 0x8000 : 0) | flags) >>> 0
  return Buffer.concat([Buffer.from([0]), u16(41), u16(size), u32(ttl), u16(data.length), data])
}

function header(id: number, flags: number, counts: readonly number[]): Buffer {
  return Buffer.concat([id, flags, ...counts].map(u16))
}

const empty = Buffer.alloc(0)
