import { addressFromText, addressToText, bytesFromText, bytesToText, nameFromText, nameToText, quoted } from './text.ts'
import { type Tokens, ZoneTextError } from './zone-tokens.ts'

/** Rdata being read: `at` moves on. Fields throw MalformedRdata where the bytes do not fit. */
export interface RdataCursor {
  readonly bytes: Uint8Array
  at: number
}

/** One field of a type's rdata in both directions. */
export interface RdataField {
  /** Takes its words; throws ZoneTextError. */
  fromText(tokens: Tokens): Uint8Array
  /** Takes its bytes; throws MalformedRdata. */
  toText(cursor: RdataCursor): string
}

/** These bytes are not rdata of this type. Thrown within the zone-text files and caught at their exports. */
export class MalformedRdata extends Error {}

/** `length` bytes at the cursor, which moves past them. */
export function takeBytes(cursor: RdataCursor, length: number): Uint8Array {
  if (cursor.at + length > cursor.bytes.length) throw new MalformedRdata()
  cursor.at += length
  return cursor.bytes.subarray(cursor.at - length, cursor.at)
}

/** All bytes that are left, one at least. */
export function takeRest(cursor: RdataCursor): Uint8Array {
  const length = cursor.bytes.length - cursor.at
  if (length === 0) throw new MalformedRdata()
  return takeBytes(cursor, length)
}

/** An unsigned number of 1, 2 or 4 bytes, in network order. */
export function uint(what: string, size: 1 | 2 | 4): RdataField {
  const max = 256 ** size - 1
  return {
    fromText(tokens) {
      const { text, column } = tokens.takeWord(what)
      if (/^[0-9]{1,10}$/.test(text) && Number(text) <= max) return uintBytes(Number(text), size)
      throw new ZoneTextError(column, `${what} is a number from 0 to ${max}, not ${quoted(text)}`)
    },
    toText: (cursor) => String(uintOf(takeBytes(cursor, size))),
  }
}

/** 32 bits of seconds: `3600` or BIND's `1h30m`. */
export function seconds(what: string): RdataField {
  return {
    fromText(tokens) {
      const { text, column } = tokens.takeWord(what)
      const value = secondsFromText(text)
      if (value !== undefined) return uintBytes(value, 4)
      throw new ZoneTextError(column, `${what} is a number of seconds such as 300 or 1h30m, not ${quoted(text)}`)
    },
    toText: (cursor) => String(uintOf(takeBytes(cursor, 4))),
  }
}

/** `300`, `5m`, `1w2d3h4m5s` in any case → seconds; undefined for anything else and above 32 bits. */
export function secondsFromText(text: string): number | undefined {
  if (text.length > 40 || !/^[0-9]+$|^([0-9]+[smhdw])+$/i.test(text)) return undefined
  const perUnit: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 }
  let total = 0
  for (const [, digits, unit] of text.toLowerCase().matchAll(/([0-9]+)([smhdw]?)/g)) {
    total += Number(digits) * (perUnit[unit as string] ?? 1)
  }
  return total <= 0xffffffff ? total : undefined
}

/** A domain name, uncompressed. Relative ones count as absolute, since there is no $ORIGIN. */
export function name(what: string): RdataField {
  return {
    fromText: (tokens) => takeName(tokens, what),
    toText: takeNameText,
  }
}

/** The next word as a name in wire form. */
export function takeName(tokens: Tokens, what: string): Uint8Array {
  const { text, column } = tokens.takeWord(what)
  if (text === '@') throw new ZoneTextError(column, `"@" needs an $ORIGIN, which there is not; write ${what} in full`)
  const wire = nameFromText(text)
  if (wire === undefined) throw new ZoneTextError(column, `${quoted(text)} is not a domain name`)
  return wire
}

/** An address of 4 or 16 bytes. */
export function address(what: string, size: 4 | 16): RdataField {
  return {
    fromText(tokens) {
      const { text, column } = tokens.takeWord(what)
      const bytes = addressFromText(text)
      if (bytes?.length === size) return bytes
      throw new ZoneTextError(column, `${quoted(text)} is not ${what}`)
    },
    toText: (cursor) => addressToText(takeBytes(cursor, size)),
  }
}

/** A <character-string>: a length byte and up to 255 bytes (RFC 1035 §3.3). */
export function string(what: string): RdataField {
  return {
    fromText(tokens) {
      const { column } = tokens
      const bytes = takeString(tokens, what)
      if (bytes.length <= 255) return Uint8Array.of(bytes.length, ...bytes)
      throw new ZoneTextError(column, `${what} has ${bytes.length} bytes, one string holds 255: split it into several`)
    },
    toText: (cursor) => `"${bytesToText(takeBytes(cursor, takeBytes(cursor, 1)[0] as number), '"\\')}"`,
  }
}

/** Strings to the end of the rdata, one at least (TXT, RFC 1035 §3.3.14). */
export function strings(what: string): RdataField {
  const one = string(what)
  return {
    fromText(tokens) {
      const all = [one.fromText(tokens)]
      while (tokens.peek) all.push(one.fromText(tokens))
      return Buffer.concat(all)
    },
    toText(cursor) {
      const all = [one.toText(cursor)]
      while (cursor.at < cursor.bytes.length) all.push(one.toText(cursor))
      return all.join(' ')
    },
  }
}

/** One string without a length byte, to the end of the rdata; may be empty (CAA, RFC 8659 §4.1). */
export function longString(what: string): RdataField {
  return {
    fromText: (tokens) => takeString(tokens, what),
    toText: (cursor) => `"${bytesToText(takeBytes(cursor, cursor.bytes.length - cursor.at), '"\\')}"`,
  }
}

function takeString(tokens: Tokens, what: string): Uint8Array {
  const { text, form, column } = tokens.take(what)
  if (form === 'keyValue') throw new ZoneTextError(column, `a quote inside ${what}: put it all in quotes`)
  const bytes = bytesFromText(text)
  if (bytes === undefined) throw new ZoneTextError(column, `${quoted(text)} has a broken escape; it is \\DDD or \\c`)
  return bytes
}

/** A tag of letters and digits after its length byte (CAA, RFC 8659 §4.1). */
export function tag(what: string): RdataField {
  return {
    fromText(tokens) {
      const { text, column } = tokens.takeWord(what)
      if (/^[0-9A-Za-z]{1,255}$/.test(text)) return Uint8Array.of(text.length, ...Buffer.from(text))
      throw new ZoneTextError(column, `${what} is letters and digits, not ${quoted(text)}`)
    },
    toText(cursor) {
      const text = bytesToText(takeBytes(cursor, takeBytes(cursor, 1)[0] as number), '')
      if (!/^[0-9A-Za-z]+$/.test(text)) throw new MalformedRdata()
      return text
    },
  }
}

/** Bytes to the end of the rdata, one at least, as hex or base64, which spaces may cut. */
export function restAs(encoding: 'hex' | 'base64', what: string): RdataField {
  return {
    fromText(tokens) {
      const { column } = tokens
      let text = tokens.takeWord(what).text
      while (tokens.peek) text += tokens.takeWord(what).text
      const bytes = bytesFromEncoded(text, encoding)
      if (bytes && bytes.length > 0) return bytes
      throw new ZoneTextError(column, `${quoted(text)} is not ${what} in ${encoding}`)
    },
    toText: (cursor) => Buffer.from(takeRest(cursor)).toString(encoding),
  }
}

/** Strict: Buffer.from skips what it does not know, so the result must write itself back the same. */
export function bytesFromEncoded(text: string, encoding: 'hex' | 'base64'): Uint8Array | undefined {
  const bytes = Buffer.from(text, encoding)
  const back = bytes.toString(encoding)
  return back === (encoding === 'hex' ? text.toLowerCase() : text) ? bytes : undefined
}

/** Network order, `size` bytes. */
export function uintBytes(value: number, size: 1 | 2 | 4): Uint8Array {
  const bytes = Buffer.alloc(size)
  bytes.writeUIntBE(value, 0, size)
  return bytes
}

/** Network order, all of `bytes` (6 at most). */
export const uintOf = (bytes: Uint8Array): number => bytes.reduce((value, byte) => value * 256 + byte, 0)

/** The uncompressed name at the cursor, which moves past it. */
export function takeNameText(cursor: RdataCursor): string {
  const start = cursor.at
  for (;;) {
    const length = takeBytes(cursor, 1)[0] as number
    if (length === 0) break
    if (length > 63 || cursor.at - start > 255) throw new MalformedRdata()
    takeBytes(cursor, length)
  }
  if (cursor.at - start > 255) throw new MalformedRdata()
  return nameToText(cursor.bytes, start)
}
