import { className, opcodeName, rcodeName, typeName } from './codes.ts'
import { FLAGS, HEADER, ID, QDCOUNT, readU16 } from './header.ts'
import { expandName, skipName } from './name.ts'
import { ADDITIONAL, ANSWER, AUTHORITY, Records, rdataNames } from './records.ts'
import { bytesToText, nameToText } from './text.ts'
import { recordToText, type ZoneRecord } from './zone-text.ts'

/** A message for the eye; TTLs in seconds. */
export interface MessageText {
  readonly id: number
  readonly opcode: string
  readonly rcode: string
  /** As dig writes them: `qr`, `aa`, `tc`, `rd`, `ra`, `ad`, `cd`. */
  readonly flags: readonly string[]
  /** `example.org. IN A`; empty when there is none. */
  readonly question: string
  readonly answer: readonly string[]
  readonly authority: readonly string[]
  readonly additional: readonly string[]
  /** The lowest of all records; null where there is none. */
  readonly ttl: number | null
  /** RFC 8914. */
  readonly ede: { readonly code: number; readonly text: string } | null
  readonly size: number
}

/** A whole message of our own making → text. Never for the road: allocates. */
export function messageText(bytes: Uint8Array): MessageText {
  const flags = readU16(bytes, FLAGS)
  const records = new Records()
  const hasQuestion = readU16(bytes, QDCOUNT) === 1
  const nameEnd = hasQuestion ? skipName(bytes, HEADER, bytes.length) : HEADER
  records.read(bytes, 0, hasQuestion ? nameEnd + 4 : HEADER, bytes.length)
  const sections: string[][] = [[], [], []]
  let ttl = Number.POSITIVE_INFINITY
  let extended = 0
  let ede: MessageText['ede'] = null
  for (let i = 0; i < records.count; i++) {
    if (records.type[i] === optType) {
      extended = bytes[(records.rdataAt[i] as number) - 6] as number
      ede = edeOf(bytes, records.rdataAt[i] as number, records.rdataLength[i] as number)
      continue
    }
    const record = recordOf(records, i)
    sections[records.section[i] as number]?.push(recordToText(record))
    ttl = Math.min(ttl, record.ttl)
  }
  return {
    id: readU16(bytes, ID),
    opcode: opcodeName((flags >> 11) & 15),
    rcode: rcodeName((extended << 4) | (flags & 15)),
    flags: flagNames.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name),
    question: hasQuestion ? questionText(bytes, nameEnd) : '',
    answer: sections[ANSWER] as string[],
    authority: sections[AUTHORITY] as string[],
    additional: sections[ADDITIONAL] as string[],
    ttl: ttl === Number.POSITIVE_INFINITY ? null : ttl,
    ede,
    size: bytes.length,
  }
}

const optType = 41
const edeOption = 15
const flagNames = [
  ['qr', 0x8000],
  ['aa', 0x0400],
  ['tc', 0x0200],
  ['rd', 0x0100],
  ['ra', 0x0080],
  ['ad', 0x0020],
  ['cd', 0x0010],
] as const

function questionText(bytes: Uint8Array, nameEnd: number): string {
  const name = nameToText(bytes.subarray(HEADER, nameEnd))
  return `${name} ${className(readU16(bytes, nameEnd + 2))} ${typeName(readU16(bytes, nameEnd))}`
}

function recordOf(records: Records, i: number): ZoneRecord {
  const owner = new Uint8Array(256)
  const length = records.ownerOf(i, owner, 0)
  const type = records.type[i] as number
  return {
    owner: owner.subarray(0, Math.max(length, 0)),
    type,
    class: records.class[i] as number,
    ttl: records.ttl[i] as number,
    rdata: expanded(records, i, type),
  }
}

/** The rdata with its names in full; as it is where one of them is broken. */
function expanded({ bytes, start, rdataAt, rdataLength }: Records, i: number, type: number): Uint8Array {
  const from = rdataAt[i] as number
  const end = from + (rdataLength[i] as number)
  const raw = bytes.slice(from, end)
  const layout = rdataNames(type)
  if (layout === undefined) return raw
  const to = new Uint8Array(raw.length + layout.names * 256)
  to.set(bytes.subarray(from, from + layout.prefix))
  let here = from + layout.prefix
  let length = layout.prefix
  for (let left = layout.names; left > 0; left--) {
    const name = expandName(bytes, start, here, end, to, length)
    if (name === -1) return raw
    length += name
    here = skipName(bytes, here, end)
  }
  to.set(bytes.subarray(here, end), length)
  return to.slice(0, length + end - here)
}

function edeOf(bytes: Uint8Array, from: number, length: number): MessageText['ede'] {
  for (let here = from; here + 4 <= from + length; here += 4 + readU16(bytes, here + 2)) {
    if (readU16(bytes, here) !== edeOption) continue
    const text = bytes.subarray(here + 6, here + 4 + readU16(bytes, here + 2))
    return { code: readU16(bytes, here + 4), text: bytesToText(text, '') }
  }
  return null
}
