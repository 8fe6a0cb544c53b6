import {
  bytesFromEncoded,
  MalformedRdata,
  type RdataCursor,
  type RdataField,
  takeBytes,
  uintBytes,
  uintOf,
} from './rdata-fields.ts'
import { addressFromText, addressToText, bytesFromText, bytesToText, quoted } from './text.ts'
import { type Token, ZoneTextError } from './zone-tokens.ts'

/**
 * The SvcParams of SVCB and HTTPS (RFC 9460 §2.1, §2.2): `key`, `key=value` or `key="value"` in any order in text; on
 * the wire key (16 bits), length (16 bits), value, in strictly ascending order of keys.
 */
export const svcParams: RdataField = {
  fromText(tokens) {
    const { column } = tokens
    const params = new Map<number, Uint8Array>()
    while (tokens.peek) {
      const token = tokens.take('a SvcParam')
      const { key, value } = paramFromToken(token)
      if (params.has(key)) throw new ZoneTextError(token.column, `SvcParam ${keyName(key)} stands here twice`)
      params.set(key, value)
    }
    const ascending = [...params].sort(([a], [b]) => a - b)
    const wrong = contradiction(params)
    if (wrong) throw new ZoneTextError(column, wrong)
    return Buffer.concat(ascending.flatMap(([key, value]) => [uintBytes(key, 2), uintBytes(value.length, 2), value]))
  },
  toText(cursor) {
    const params = new Map<number, Uint8Array>()
    const words: string[] = []
    let last = -1
    while (cursor.at < cursor.bytes.length) {
      const key = takeUint(cursor)
      const value = takeBytes(cursor, takeUint(cursor))
      if (key <= last || key > keyMax) throw new MalformedRdata()
      const text = valueForm(key).toText(value)
      words.push(text === '' ? keyName(key) : `${keyName(key)}="${text}"`)
      params.set(key, value)
      last = key
    }
    if (contradiction(params)) throw new MalformedRdata()
    return words.join(' ')
  },
}

const takeUint = (cursor: RdataCursor): number => uintOf(takeBytes(cursor, 2))

/** One key's value: text between the quotes, escapes still in it, '' for a key without a value. */
interface ParamValue {
  /** Undefined when the text is not such a value. */
  fromText(text: string): Uint8Array | undefined
  /** Throws MalformedRdata. */
  toText(value: Uint8Array): string
}

function paramFromToken({ text, form, column }: Token): { key: number; value: Uint8Array } {
  const [word = ''] = text.split('=', 1)
  const key = form === 'string' ? undefined : keyCode(word)
  if (key === undefined)
    throw new ZoneTextError(column, `${quoted(text)} is no SvcParam: alpn="h2,h3", port=443, key7=...`)
  const given = text.slice(word.length + 1)
  // `keyNNNNN` takes its value as bytes, also for keys that have a name (§2.1); toText below then judges them.
  const value = word === keyName(key) ? valueForm(key).fromText(given) : opaque.fromText(given)
  try {
    if (value && value.length <= 0xffff) {
      valueForm(key).toText(value)
      return { key, value }
    }
  } catch (error) {
    if (!(error instanceof MalformedRdata)) throw error
  }
  throw new ZoneTextError(column, `${quoted(text)} has no value that ${keyName(key)} can have`)
}

const opaque: ParamValue = { fromText: (text) => bytesFromText(text), toText: (value) => bytesToText(value, '"\\') }

const port: ParamValue = {
  fromText: (text) => (/^[0-9]{1,5}$/.test(text) && Number(text) <= 0xffff ? uintBytes(Number(text), 2) : undefined),
  toText: (value) => String(uintOf(exactly(value, 2))),
}

const ech: ParamValue = {
  fromText: (text) => bytesFromEncoded(text, 'base64'),
  toText: (value) => Buffer.from(atLeastOne(value)).toString('base64'),
}

const noDefaultAlpn: ParamValue = {
  fromText: (text) => (text === '' ? new Uint8Array() : undefined),
  toText: (value) => bytesToText(exactly(value, 0), ''),
}

/** Keys in ascending order without repetition (§8). */
const mandatory: ParamValue = {
  fromText(text) {
    const keys = text.split(',').map(keyCode)
    return keys.includes(undefined)
      ? undefined
      : Buffer.concat(ascending(keys as number[]).map((key) => uintBytes(key, 2)))
  },
  toText(value) {
    const keys = keysOf(value)
    if (keys.some((key, at) => key > keyMax || key <= (keys[at - 1] ?? -1))) throw new MalformedRdata()
    return keys.map(keyName).join(',')
  },
}

const ascending = (keys: number[]): number[] => keys.sort((a, b) => a - b)

const keysOf = (value: Uint8Array): number[] => pieces(value, 2).map(uintOf)

const addresses = (size: 4 | 16): ParamValue => ({
  fromText(text) {
    const all = text.split(',').map(addressFromText)
    return all.every((bytes) => bytes?.length === size) ? Buffer.concat(all as Uint8Array[]) : undefined
  },
  toText: (value) => pieces(value, size).map(addressToText).join(','),
})

/**
 * Protocol ids, each after its length byte. In text commas part them, and a comma or backslash within one is escaped by
 * a second layer of backslashes inside the string's own (§2.1, appendix A.1).
 */
const alpn: ParamValue = {
  fromText(text) {
    const bytes = bytesFromText(text)
    if (bytes === undefined) return undefined
    const ids: number[][] = [[]]
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] === comma) ids.push([])
      else {
        const byte = bytes[at] === backslash ? bytes[++at] : bytes[at]
        if (byte === undefined) return undefined
        ids.at(-1)?.push(byte)
      }
    }
    return ids.every((id) => id.length <= 255) ? Uint8Array.from(ids.flatMap((id) => [id.length, ...id])) : undefined
  },
  toText(value) {
    const cursor = { bytes: atLeastOne(value), at: 0 }
    const text: number[] = []
    while (cursor.at < value.length) {
      const id = atLeastOne(takeBytes(cursor, takeBytes(cursor, 1)[0] as number))
      if (text.length > 0) text.push(comma)
      for (const byte of id) text.push(...(byte === comma || byte === backslash ? [backslash, byte] : [byte]))
    }
    return bytesToText(Uint8Array.from(text), '"\\')
  },
}

const comma = 0x2c
const backslash = 0x5c
const keyMax = 65534 // 65535 is reserved as invalid (§14.3.2)
const keyNames = ['mandatory', 'alpn', 'no-default-alpn', 'port', 'ipv4hint', 'ech', 'ipv6hint']
const values = [mandatory, alpn, noDefaultAlpn, port, addresses(4), ech, addresses(16)]

const valueForm = (key: number): ParamValue => values[key] ?? opaque

const keyName = (key: number): string => keyNames[key] ?? `key${key}`

function keyCode(text: string): number | undefined {
  const known = keyNames.indexOf(text)
  if (known >= 0) return known
  return /^key(0|[1-9][0-9]{0,4})$/.test(text) && Number(text.slice(3)) <= keyMax ? Number(text.slice(3)) : undefined
}

/** What the keys say about each other (§7.1.1, §8), or undefined when they agree. */
function contradiction(params: ReadonlyMap<number, Uint8Array>): string | undefined {
  const asked = params.get(0)
  const missing = asked && keysOf(asked).find((key) => !params.has(key))
  if (missing !== undefined) return `mandatory names ${keyName(missing)}, which is missing`
  if (asked && keysOf(asked).includes(0)) return 'mandatory cannot name itself'
  return params.has(2) && !params.has(1) ? 'no-default-alpn needs alpn beside it' : undefined
}

function exactly(value: Uint8Array, length: number): Uint8Array {
  if (value.length !== length) throw new MalformedRdata()
  return value
}

function atLeastOne(value: Uint8Array): Uint8Array {
  if (value.length === 0) throw new MalformedRdata()
  return value
}

/** One piece of `size` bytes or more of them. */
function pieces(value: Uint8Array, size: number): Uint8Array[] {
  if (value.length === 0 || value.length % size !== 0) throw new MalformedRdata()
  return Array.from({ length: value.length / size }, (_, at) => value.subarray(at * size, (at + 1) * size))
}
