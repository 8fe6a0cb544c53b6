import { typeCode, typeName } from './codes.ts'
import { MalformedRdata, type RdataField, takeBytes, uintBytes, uintOf } from './rdata-fields.ts'
import { addressFromText, addressToText, quoted } from './text.ts'
import { ZoneTextError } from './zone-tokens.ts'

/** Hex bytes with dashes between them: EUI48, EUI64 (RFC 7043 §3.2). */
export function dashedHex(what: string, size: 6 | 8): RdataField {
  return {
    fromText(tokens) {
      const { text, column } = tokens.takeWord(what)
      const isRight = text.length === size * 3 - 1 && /^([0-9a-f]{2}-)*[0-9a-f]{2}$/i.test(text)
      if (isRight) return Buffer.from(text.replaceAll('-', ''), 'hex')
      throw new ZoneTextError(column, `${what} is ${size} bytes in hex with dashes between them, not ${quoted(text)}`)
    },
    toText: (cursor) => [...takeBytes(cursor, size)].map((byte) => byte.toString(16).padStart(2, '0')).join('-'),
  }
}

/** Four groups of hex with colons between them: NID, L64 (RFC 6742 §2.1.2). */
export function hexGroups(what: string): RdataField {
  return {
    fromText(tokens) {
      const { text, column } = tokens.takeWord(what)
      if (/^([0-9a-f]{1,4}:){3}[0-9a-f]{1,4}$/i.test(text)) {
        return Buffer.concat(text.split(':').map((group) => Buffer.from(group.padStart(4, '0'), 'hex')))
      }
      throw new ZoneTextError(column, `${what} is four groups of hex with colons between them, not ${quoted(text)}`)
    },
    toText: (cursor) =>
      [0, 1, 2, 3]
        .map(() =>
          Buffer.from(takeBytes(cursor, 2))
            .toString('hex')
            .replace(/^0{1,3}/, ''),
        )
        .join(':'),
  }
}

/** Hex bytes behind a length byte, `-` for none: the salt of NSEC3PARAM (RFC 5155 §4.3). */
export function countedHex(what: string): RdataField {
  return {
    fromText(tokens) {
      const { text, column } = tokens.takeWord(what)
      if (text === '-') return Uint8Array.of(0)
      if (/^([0-9a-f]{2}){1,255}$/i.test(text)) return Uint8Array.of(text.length / 2, ...Buffer.from(text, 'hex'))
      throw new ZoneTextError(column, `${what} is bytes in hex or "-", not ${quoted(text)}`)
    },
    toText(cursor) {
      const length = takeBytes(cursor, 1)[0] as number
      return length === 0 ? '-' : Buffer.from(takeBytes(cursor, length)).toString('hex')
    },
  }
}

/** Types to the end of the rdata, as a map of bits in windows of 256 (RFC 4034 §4.1.2); `mayBeEmpty` for CSYNC (RFC 7477 §2.1.1.2.1). */
export function typeBitmap(what: string, mayBeEmpty = false): RdataField {
  return {
    fromText(tokens) {
      const windows = new Map<number, Uint8Array>()
      if (!mayBeEmpty && !tokens.peek) tokens.takeWord(what)
      while (tokens.peek) {
        const { text, column } = tokens.takeWord(what)
        const type = typeCode(text)
        if (type === undefined) throw new ZoneTextError(column, `${quoted(text)} is no type`)
        const map = windows.get(type >> 8) ?? new Uint8Array(32)
        map[(type & 255) >> 3] = (map[(type & 255) >> 3] as number) | (0x80 >> (type & 7))
        windows.set(type >> 8, map)
      }
      const parts = [...windows].sort(([a], [b]) => a - b)
      return Buffer.concat(
        parts.map(([window, map]) => {
          const length = map.findLastIndex((byte) => byte !== 0) + 1
          return Uint8Array.of(window, length, ...map.subarray(0, length))
        }),
      )
    },
    toText(cursor) {
      const types: string[] = []
      if (!mayBeEmpty && cursor.at === cursor.bytes.length) throw new MalformedRdata()
      let before = -1
      while (cursor.at < cursor.bytes.length) {
        const [window, length] = takeBytes(cursor, 2) as unknown as [number, number]
        const map = takeBytes(cursor, length)
        // Windows ascend, and no map has zeros at its end: else the text would not come back as these bytes.
        if (window <= before || length === 0 || length > 32 || map[length - 1] === 0) throw new MalformedRdata()
        before = window
        for (let bit = 0; bit < length * 8; bit++) {
          if (((map[bit >> 3] as number) & (0x80 >> (bit & 7))) !== 0) types.push(typeName(window * 256 + bit))
        }
      }
      return types.join(' ')
    },
  }
}

const families = [
  { family: 1, size: 4 },
  { family: 2, size: 16 },
]

/** `!1:192.0.2.0/24`, any number of them (APL, RFC 3123 §5). */
export const addressPrefixes: RdataField = {
  fromText(tokens) {
    const items: Uint8Array[] = []
    while (tokens.peek) {
      const { text, column } = tokens.takeWord('a prefix')
      const [, negation = '', number, address = '', digits] =
        /^(!?)([12]):([0-9a-f:.]+)\/([0-9]{1,3})$/i.exec(text) ?? []
      const kind = families.find(({ family }) => family === Number(number))
      const bytes = addressFromText(address)
      if (kind === undefined || bytes?.length !== kind.size || Number(digits) > kind.size * 8) {
        throw new ZoneTextError(column, `a prefix is [!]1:IPv4/length or [!]2:IPv6/length, not ${quoted(text)}`)
      }
      const length = bytes.findLastIndex((byte) => byte !== 0) + 1
      const head = [0, kind.family, Number(digits), (negation ? 0x80 : 0) | length]
      items.push(Uint8Array.of(...head, ...bytes.subarray(0, length)))
    }
    return Buffer.concat(items)
  },
  toText(cursor) {
    const items: string[] = []
    while (cursor.at < cursor.bytes.length) {
      const family = uintOf(takeBytes(cursor, 2))
      const prefix = takeBytes(cursor, 1)[0] as number
      const mixed = takeBytes(cursor, 1)[0] as number
      const part = takeBytes(cursor, mixed & 0x7f)
      const kind = families.find((one) => one.family === family)
      if (kind === undefined || prefix > kind.size * 8 || part.length > kind.size || part.at(-1) === 0) {
        throw new MalformedRdata()
      }
      const bytes = new Uint8Array(kind.size)
      bytes.set(part)
      items.push(`${mixed > 0x7f ? '!' : ''}${family}:${addressToText(bytes)}/${prefix}`)
    }
    return items.join(' ')
  },
}

/** Degrees, minutes, seconds; altitude, size and precisions in metres (LOC, RFC 1876). */
export const location: RdataField = {
  fromText(tokens) {
    const latitude = angle('NS', 90)
    const longitude = angle('EW', 180)
    const altitude = metres('the altitude', -100_000, 42_849_672.95) as number
    const sizes = [1, 10_000, 10].map((usual) => {
      const given = tokens.peek ? metres('a size or precision', 0, 90_000_000) : undefined
      return precision(Math.round((given ?? usual) * 100))
    })
    const coded = Math.round(altitude * 100) + altitudeBase
    return Buffer.concat([Uint8Array.of(0, ...sizes), ...[latitude, longitude, coded].map((one) => uintBytes(one, 4))])

    function angle(directions: string, most: number): number {
      const parts: number[] = []
      for (;;) {
        const { text, column } = tokens.takeWord(`a number, or ${directions[0]} or ${directions[1]}`)
        const sign = text.length === 1 ? directions.indexOf(text.toUpperCase()) : -1
        const thousandths = Math.round(((parts[0] ?? 0) * 3600 + (parts[1] ?? 0) * 60 + (parts[2] ?? 0)) * 1000)
        if (sign !== -1 && parts.length > 0 && thousandths <= most * 3_600_000) {
          return angleBase + (sign === 0 ? thousandths : -thousandths)
        }
        const isNumber = parts.length === 2 ? /^[0-9]{1,2}(\.[0-9]{1,3})?$/ : /^[0-9]{1,3}$/
        if (parts.length === 3 || !isNumber.test(text) || (parts.length > 0 && Number(text) >= 60)) {
          throw new ZoneTextError(
            column,
            `degrees [minutes [seconds]] ${directions[0]} or ${directions[1]}, not ${quoted(text)}`,
          )
        }
        parts.push(Number(text))
      }
    }

    function metres(what: string, least: number, most: number): number {
      const { text, column } = tokens.takeWord(what)
      const [, digits] = /^(-?[0-9]{1,8}(?:\.[0-9]{1,2})?)m?$/i.exec(text) ?? []
      if (digits !== undefined && Number(digits) >= least && Number(digits) <= most) return Number(digits)
      throw new ZoneTextError(column, `${what} is metres from ${least} to ${most}, not ${quoted(text)}`)
    }
  },
  toText(cursor) {
    const [version, ...sizes] = takeBytes(cursor, 4)
    const [latitude, longitude, altitude] = [0, 1, 2].map(() => uintOf(takeBytes(cursor, 4))) as [
      number,
      number,
      number,
    ]
    if (version !== 0) throw new MalformedRdata()
    const angles = [angleText(latitude, 'NS', 90), angleText(longitude, 'EW', 180)]
    const lengths = [altitude - altitudeBase, ...sizes.map(centimetres)].map((one) => `${(one / 100).toFixed(2)}m`)
    return [...angles, ...lengths].join(' ')
  },
}

const angleBase = 2 ** 31
/** Centimetres from 100 km below the ellipsoid. */
const altitudeBase = 10_000_000

function angleText(value: number, directions: string, most: number): string {
  const thousandths = Math.abs(value - angleBase)
  if (thousandths > most * 3_600_000) throw new MalformedRdata()
  const [degrees, minutes] = [Math.floor(thousandths / 3_600_000), Math.floor(thousandths / 60_000) % 60]
  const direction = value >= angleBase ? directions[0] : directions[1]
  return `${degrees} ${minutes} ${((thousandths % 60_000) / 1000).toFixed(3)} ${direction}`
}

/** One digit and a power of ten. */
function precision(length: number): number {
  let power = 0
  let digit = length
  for (; digit >= 10; power++) digit = Math.floor(digit / 10)
  return (digit << 4) | power
}

function centimetres(coded: number): number {
  const [digit, power] = [coded >> 4, coded & 15]
  if (digit > 9 || power > 9 || (digit === 0 && power > 0)) throw new MalformedRdata()
  return digit * 10 ** power
}
