import { readU32, writeU16, writeU32 } from './header.ts'
import { lower } from './name.ts'
import type { Records } from './records.ts'
import { rdataBytes, rdataNames } from './records.ts'
import { soaOfOursBytes, writeSoaOfOurs } from './soa.ts'

const knownMax = 48

/**
 * Writes records behind a question, compressing names (RFC 1035 section 4.1.4) against the question name and against names it wrote before. Pointers
 * count from the start of a message whose question is at 12, so the bytes serve any reply with a question name of the same length.
 *
 * Known names: their bytes, expanded, in `text`; the first `literal` bytes of each stand as labels at `message`, the rest is behind a pointer.
 */
export class RecordWriter {
  readonly body: Uint8Array
  length = 0
  /** Offset in `body` of each record's TTL. */
  readonly ttlAt = new Uint16Array(4096)
  count = 0
  /** Set when a record did not fit or a name in it was malformed: the whole body is no good. */
  failed = false
  private base = 0
  private readonly text = new Uint8Array(knownMax * 256)
  private readonly textLength = new Int32Array(knownMax)
  private readonly literal = new Int32Array(knownMax)
  private readonly message = new Int32Array(knownMax)
  private known = 0
  private readonly name = new Uint8Array(256)

  constructor(capacity: number) {
    this.body = new Uint8Array(capacity)
  }

  /** Starts anew behind a question for the lower-case name `name`. */
  start(name: Uint8Array, nameLength: number): void {
    this.length = 0
    this.count = 0
    this.known = 0
    this.failed = false
    this.base = 12 + nameLength + 4
    this.remember(name, nameLength, nameLength, 12)
  }

  /** Writes record i of `records` with the given TTL. */
  record(records: Records, i: number, ttl: number): void {
    const ownerLength = records.ownerOf(i, this.name, 0)
    if (ownerLength === -1) {
      this.failed = true
      return
    }
    const type = records.type[i] as number
    this.putName(this.name, ownerLength, true)
    if (!this.fits(10)) return
    writeU16(this.body, this.length, type)
    writeU16(this.body, this.length + 2, records.class[i] as number)
    this.ttlAt[this.count++] = this.length + 4
    writeU32(this.body, this.length + 4, ttl)
    const lengthAt = this.length + 8
    this.length += 10
    this.rdata(records, i, type)
    if (!this.failed) writeU16(this.body, lengthAt, this.length - lengthAt - 2)
  }

  private rdata(records: Records, i: number, type: number): void {
    const from = records.rdataAt[i] as number
    const length = records.rdataLength[i] as number
    const layout = rdataNames(type)
    if (layout === undefined) {
      const wanted = rdataBytes(type)
      if (wanted !== -1 && wanted !== length) this.failed = true
      this.copy(records.bytes, from, length)
      return
    }
    if (length < layout.prefix) {
      this.failed = true
      return
    }
    this.copy(records.bytes, from, layout.prefix)
    let offset = layout.prefix
    for (let n = 0; n < layout.names; n++) {
      const expanded = records.rdataName(i, offset, this.name, 0)
      if (expanded === -1) {
        this.failed = true
        return
      }
      this.putName(this.name, expanded, layout.compress)
      offset += stored(records.bytes, from + offset)
    }
    if (layout.suffix !== -1 && length - offset !== layout.suffix) this.failed = true
    this.copy(records.bytes, from + offset, length - offset)
  }

  /** A negative answer's SOA of our own: owner is the question name from `ownerOffset` on (FIELD: a strict ancestor). */
  soa(ownerOffset: number, ttl: number): void {
    if (!this.fits(soaOfOursBytes)) return
    this.ttlAt[this.count++] = this.length + 6
    this.length = writeSoaOfOurs(this.body, this.length, ownerOffset, ttl)
  }

  /** Forgets all but the first `records`, which end at `length`. Nothing may be written behind them: known names may be gone. */
  cut(length: number, records: number): void {
    this.length = length
    this.count = records
  }

  /** No record lives longer than `ttl`. */
  capTtls(ttl: number): void {
    for (let r = 0; r < this.count; r++) {
      const at = this.ttlAt[r] as number
      if (readU32(this.body, at) > ttl) writeU32(this.body, at, ttl)
    }
  }

  /** None of the first `records` lives shorter than `ttl`. */
  raiseTtls(ttl: number, records: number): void {
    for (let r = 0; r < records; r++) {
      const at = this.ttlAt[r] as number
      if (readU32(this.body, at) < ttl) writeU32(this.body, at, ttl)
    }
  }

  private putName(name: Uint8Array, length: number, compress: boolean): void {
    let literal = length
    let pointer = -1
    for (let from = 0; compress && name[from] !== 0; from += (name[from] as number) + 1) {
      pointer = this.find(name, from, length)
      if (pointer !== -1) {
        literal = from
        break
      }
    }
    if (!this.fits(literal + 2)) return
    const at = this.base + this.length
    for (let i = 0; i < literal; i++) this.body[this.length + i] = name[i] as number
    this.length += literal
    if (pointer !== -1) {
      writeU16(this.body, this.length, 0xc000 | pointer)
      this.length += 2
    }
    if (literal > 1 && this.known < knownMax) this.remember(name, length, literal, at)
  }

  /** The message offset at which the suffix `name[from … length)` stands already, or -1. */
  private find(name: Uint8Array, from: number, length: number): number {
    const wanted = length - from
    for (let k = 0; k < this.known; k++) {
      const offset = (this.textLength[k] as number) - wanted
      const at = (this.message[k] as number) + offset
      if (offset < 0 || offset >= (this.literal[k] as number) || at > 0x3fff) continue
      if (this.isLabelStart(k, offset) && this.equals(k, offset, name, from, wanted)) return at
    }
    return -1
  }

  private isLabelStart(k: number, offset: number): boolean {
    let here = 0
    while (here < offset) here += (this.text[k * 256 + here] as number) + 1
    return here === offset
  }

  private equals(k: number, offset: number, name: Uint8Array, from: number, length: number): boolean {
    const at = k * 256 + offset
    for (let i = 0; i < length; i++) {
      if (lower(this.text[at + i] as number) !== lower(name[from + i] as number)) return false
    }
    return true
  }

  private remember(name: Uint8Array, length: number, literal: number, message: number): void {
    const k = this.known++
    for (let i = 0; i < length; i++) this.text[k * 256 + i] = name[i] as number
    this.textLength[k] = length
    this.literal[k] = literal
    this.message[k] = message
  }

  private copy(bytes: Uint8Array, from: number, length: number): void {
    if (length < 0) this.failed = true
    if (this.failed || !this.fits(length)) return
    for (let i = 0; i < length; i++) this.body[this.length + i] = bytes[from + i] as number
    this.length += length
  }

  private fits(bytes: number): boolean {
    if (this.length + bytes <= this.body.length && this.count < this.ttlAt.length) return true
    this.failed = true
    return false
  }
}

/** Bytes that the name at `at` takes where it stands: up to its root or pointer. */
function stored(bytes: Uint8Array, at: number): number {
  let here = at
  while ((bytes[here] as number) !== 0 && (bytes[here] as number) < 0xc0) here += (bytes[here] as number) + 1
  return here + (bytes[here] === 0 ? 1 : 2) - at
}
