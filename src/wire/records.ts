import { ANCOUNT, ARCOUNT, NSCOUNT, readU16, readU32 } from './header.ts'
import { expandName, sameName } from './name.ts'

/** How many records of one message are looked at; what lies behind is left out as if truncated (a 64 KiB answer holds about 4,000 A records). */
export const recordsMax = 4096

export const ANSWER = 0
export const AUTHORITY = 1
export const ADDITIONAL = 2

/** An index of a message's records: parallel arrays, reused for every message. The message was checked by `checkAnswer` before. */
export class Records {
  count = 0
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  readonly section = new Uint8Array(recordsMax)
  readonly ownerAt = new Int32Array(recordsMax)
  readonly type = new Uint16Array(recordsMax)
  readonly class = new Uint16Array(recordsMax)
  readonly ttl = new Float64Array(recordsMax)
  readonly rdataAt = new Int32Array(recordsMax)
  readonly rdataLength = new Uint16Array(recordsMax)
  private readonly owner = new Uint8Array(256)

  /** Indexes the records of the message `start … end)`, the first of which is at `from`. */
  read(bytes: Uint8Array, start: number, from: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.count = 0
    let here = this.readSection(ANSWER, readU16(bytes, start + ANCOUNT), from)
    here = this.readSection(AUTHORITY, readU16(bytes, start + NSCOUNT), here)
    this.readSection(ADDITIONAL, readU16(bytes, start + ARCOUNT), here)
  }

  private readSection(section: number, count: number, from: number): number {
    const bytes = this.bytes
    let here = from
    for (let left = count; left > 0 && this.count < recordsMax; left--) {
      const i = this.count++
      this.section[i] = section
      this.ownerAt[i] = here
      while ((bytes[here] as number) !== 0 && (bytes[here] as number) < 0xc0) here += (bytes[here] as number) + 1
      here += bytes[here] === 0 ? 1 : 2
      this.type[i] = readU16(bytes, here)
      this.class[i] = readU16(bytes, here + 2)
      const ttl = readU32(bytes, here + 4)
      // RFC 2181 section 8: a TTL with the top bit set is 0.
      this.ttl[i] = ttl > 0x7fffffff ? 0 : ttl
      this.rdataLength[i] = readU16(bytes, here + 8)
      this.rdataAt[i] = here + 10
      here += 10 + (this.rdataLength[i] as number)
    }
    return here
  }

  /** Expands record i's owner to `to`; its length or -1. */
  ownerOf(i: number, to: Uint8Array, toAt: number): number {
    return expandName(this.bytes, this.start, this.ownerAt[i] as number, this.end, to, toAt)
  }

  /** Is record i's owner the uncompressed name at `name[at]`? */
  isOwner(i: number, name: Uint8Array, at: number): boolean {
    return this.ownerOf(i, this.owner, 0) !== -1 && sameName(this.owner, 0, name, at)
  }

  /** Expands the name at rdata offset `offset` of record i to `to`; its length or -1. */
  rdataName(i: number, offset: number, to: Uint8Array, toAt: number): number {
    const at = (this.rdataAt[i] as number) + offset
    return expandName(
      this.bytes,
      this.start,
      at,
      (this.rdataAt[i] as number) + (this.rdataLength[i] as number),
      to,
      toAt,
    )
  }
}

/**
 * Where names stand in the rdata of the types that may carry compressed ones (RFC 3597 section 4): `prefix` bytes, then `names` names, then exactly
 * `suffix` bytes (-1: any number). Only the types of RFC 1035 are compressed again on the way out.
 */
export interface RdataNames {
  readonly prefix: number
  readonly names: number
  readonly suffix: number
  readonly compress: boolean
}

const layouts: (RdataNames | undefined)[] = new Array(256).fill(undefined)
for (const type of [2, 3, 4, 5, 7, 8, 9, 12]) layouts[type] = { prefix: 0, names: 1, suffix: 0, compress: true }
layouts[6] = { prefix: 0, names: 2, suffix: 20, compress: true }
layouts[14] = { prefix: 0, names: 2, suffix: 0, compress: true }
layouts[15] = { prefix: 2, names: 1, suffix: 0, compress: true }
layouts[17] = { prefix: 0, names: 2, suffix: 0, compress: false }
layouts[18] = { prefix: 2, names: 1, suffix: 0, compress: false }
layouts[21] = { prefix: 2, names: 1, suffix: 0, compress: false }
layouts[24] = { prefix: 18, names: 1, suffix: -1, compress: false }
layouts[26] = { prefix: 2, names: 2, suffix: 0, compress: false }
layouts[30] = { prefix: 0, names: 1, suffix: -1, compress: false }
layouts[33] = { prefix: 6, names: 1, suffix: 0, compress: false }
layouts[36] = { prefix: 2, names: 1, suffix: 0, compress: false }
layouts[39] = { prefix: 0, names: 1, suffix: 0, compress: false }

/** Types whose rdata has one length, whoever wrote it: A and AAAA. -1 for all others. */
export function rdataBytes(type: number): number {
  return type === 1 ? 4 : type === 28 ? 16 : -1
}

/** The layout of a type's rdata, undefined where it holds no compressible name: then its bytes are copied as they are. */
export function rdataNames(type: number): RdataNames | undefined {
  return type < 256 ? layouts[type] : undefined
}

/** Types of the authority section that may be kept by their owner alone. */
export function isAuthorityType(type: number): boolean {
  return type === 6 || type === 2 || type === 43
}

/** Where the target's name begins in the rdata, -1 for types without one. */
export function targetOffset(type: number): number {
  switch (type) {
    case 2:
      return 0
    case 15:
      return 2
    case 33:
      return 6
    case 64:
    case 65:
      return 2
    default:
      return -1
  }
}
