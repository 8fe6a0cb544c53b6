/** Names and records of DNS messages for the tests, as bytes and as text: message.ts builds and parses with them. */
import { isIP } from 'node:net'

/** A place in a message that moves on as it is read. */
export interface Cursor {
  at: number
}

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

export function readData(bytes: Buffer, type: number, at: number, end: number): string {
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

/** Reads a name, following pointers strictly backwards (RFC 9267). */
export function readName(bytes: Buffer, cursor: Cursor): string {
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

export const u16 = (n: number): Buffer => Buffer.from([(n >> 8) & 255, n & 255])
export const u32 = (n: number): Buffer => Buffer.from([n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255])

export function take16(bytes: Buffer, cursor: Cursor): number {
  cursor.at += 2
  return bytes.readUInt16BE(cursor.at - 2)
}

export function take32(bytes: Buffer, cursor: Cursor): number {
  cursor.at += 4
  return bytes.readUInt32BE(cursor.at - 4)
}
