/**
 * DNS messages for the tests: a builder and a strict parser of their own, so that the program's parser is checked by
 * a second opinion. Nothing here is shared with src/.
 */
import { randomInt } from 'node:crypto'
import { isIP } from 'node:net'

export const TYPES: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  HINFO: 13,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  DS: 43,
  RRSIG: 46,
  NSEC: 47,
  SVCB: 64,
  HTTPS: 65,
  NXNAME: 128,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
}
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

/** Wire form of a dotted name; `\DDD` and `\.` are understood. */
export function nameBytes(name: string): Buffer {
  const labels: number[][] = [[]]
  const text = Buffer.from(name === '.' ? '' : name, 'latin1')
  for (let i = 0; i < text.length; i++) {
    const at = text[i] as number
    if (at === 0x2e) labels.push([])
    else if (at !== 0x5c) (labels.at(-1) as number[]).push(at)
    else if (/^\d{3}$/.test(text.toString('latin1', i + 1, i + 4))) {
      ;(labels.at(-1) as number[]).push(Number(text.toString('latin1', i + 1, i + 4)))
      i += 3
    } else (labels.at(-1) as number[]).push(text[++i] as number)
  }
  if (labels.at(-1)?.length === 0) labels.pop()
  return Buffer.from([...labels.flatMap((label) => [label.length, ...label]), 0])
}

/** One record from `name ttl type data`, class IN. */
export function recordBytes(text: string): Buffer {
  const [name = '', ttl = '', type = '', ...data] = text.split(/ +/)
  const rdata = dataBytes(type, data)
  return Buffer.concat([nameBytes(name), u16(typeNumber(type)), u16(1), u32(Number(ttl)), u16(rdata.length), rdata])
}

export function typeNumber(type: string | number): number {
  const known = typeof type === 'number' ? type : (TYPES[type] ?? Number(/^TYPE(\d+)$/.exec(type)?.[1]))
  if (Number.isNaN(known)) throw new Error(`unknown type ${type}`)
  return known
}

function dataBytes(type: string, data: string[]): Buffer {
  const [first = ''] = data
  if (type === 'A') return Buffer.from(first.split('.').map(Number))
  if (type === 'AAAA') return ipv6Bytes(first)
  if (['CNAME', 'NS', 'PTR', 'DNAME'].includes(type)) return nameBytes(first)
  if (type === 'MX') return Buffer.concat([u16(Number(first)), nameBytes(data[1] ?? '')])
  if (type === 'SRV') return Buffer.concat([...data.slice(0, 3).map((n) => u16(Number(n))), nameBytes(data[3] ?? '')])
  if (type === 'SOA') {
    return Buffer.concat([nameBytes(first), nameBytes(data[1] ?? ''), ...data.slice(2).map((n) => u32(Number(n)))])
  }
  if (type === 'TXT') return Buffer.concat(data.map((s) => Buffer.from([s.length, ...Buffer.from(s)])))
  return Buffer.from(first, 'hex')
}

function readData(bytes: Buffer, type: number, at: number, end: number): string {
  const cursor = { at }
  const name = (): string => readName(bytes, cursor)
  const n16 = (): number => take16(bytes, cursor)
  const n32 = (): number => take32(bytes, cursor)
  let text: string
  if (type === TYPES['A'] && end - at === 4) return bytes.subarray(at, end).join('.')
  if (type === TYPES['AAAA'] && end - at === 16) return ipv6Text(bytes.subarray(at, end))
  if ([TYPES['CNAME'], TYPES['NS'], TYPES['PTR'], TYPES['DNAME']].includes(type)) text = name()
  else if (type === TYPES['MX']) text = `${n16()} ${name()}`
  else if (type === TYPES['SRV']) text = `${n16()} ${n16()} ${n16()} ${name()}`
  else if (type === TYPES['SOA']) text = `${name()} ${name()} ${n32()} ${n32()} ${n32()} ${n32()} ${n32()}`
  else return bytes.toString('hex', at, end)
  if (cursor.at !== end) throw new Error(`rdata of type ${type} does not fill its length`)
  return text
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

/** Reads a name, following pointers strictly backwards (RFC 9267). */
function readName(bytes: Buffer, cursor: { at: number }): string {
  let text = ''
  let at = cursor.at
  let jumpedFrom = -1
  let total = 1
  for (;;) {
    const length = bytes.readUInt8(at)
    if (length >= 0xc0) {
      const target = bytes.readUInt16BE(at) & 0x3fff
      if (jumpedFrom < 0) cursor.at = at + 2
      if (target >= (jumpedFrom < 0 ? at : jumpedFrom)) throw new Error('pointer does not go backwards')
      jumpedFrom = target
      at = target
    } else if (length > 63) throw new Error('label type')
    else if (length === 0) {
      if (jumpedFrom < 0) cursor.at = at + 1
      return text === '' ? '.' : text
    } else {
      total += length + 1
      if (total > 255) throw new Error('name of more than 255 bytes')
      if (at + 1 + length > bytes.length) throw new Error('label past the end')
      text += `${labelText(bytes.subarray(at + 1, at + 1 + length))}.`
      at += length + 1
    }
  }
}

function labelText(label: Buffer): string {
  return Array.from(label, (c) => {
    if (c === 0x2e || c === 0x5c) return `\\${String.fromCharCode(c)}`
    return c > 0x20 && c < 0x7f ? String.fromCharCode(c) : `\\${String(c).padStart(3, '0')}`
  }).join('')
}

function ipv6Bytes(text: string): Buffer {
  if (isIP(text) !== 6) throw new Error(`not an IPv6 address: ${text}`)
  const [head = '', tail] = text.split('::')
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const left = groups(head)
  const right = tail === undefined ? [] : groups(tail)
  const all = [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
  return Buffer.concat(all.map(u16))
}

/** Canonical by way of the URL parser, RFC 5952. */
function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16))
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}

function header(id: number, flags: number, counts: readonly number[]): Buffer {
  return Buffer.concat([id, flags, ...counts].map(u16))
}

const empty = Buffer.alloc(0)
const u16 = (n: number): Buffer => Buffer.from([(n >> 8) & 255, n & 255])
const u32 = (n: number): Buffer => Buffer.from([n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255])

function take16(bytes: Buffer, cursor: { at: number }): number {
  cursor.at += 2
  return bytes.readUInt16BE(cursor.at - 2)
}

function take32(bytes: Buffer, cursor: { at: number }): number {
  cursor.at += 4
  return bytes.readUInt32BE(cursor.at - 4)
}
