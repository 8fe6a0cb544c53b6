import { domainToASCII } from 'node:url'
import { lowerName } from './name.ts'

export { addressFromText, addressToText, type Prefix, prefixFromText } from './address-text.ts'

/**
 * A name in text → its wire form: uncompressed, fresh, ending in the root's 0. The trailing dot may be missing, `.` is
 * the root, `\DDD` and `\c` stand for bytes (RFC 1035 §5.1), and a label with letters outside ASCII becomes its IDNA
 * A-label. Letter case is kept. Undefined when it is no name: an empty label, a label over 63 bytes, a name over 255
 * (RFC 1035 §2.3.4), a bare space or control character, a broken escape.
 */
export function nameFromText(text: string): Uint8Array | undefined {
  if (text === '.') return Uint8Array.of(0)
  if (text.length > textLengthMax) return undefined
  if (plainName.test(text)) return plainNameOf(text)
  const labels = splitLabels(text)
  if (labels.at(-1) === '') labels.pop()
  const wire: number[] = []
  for (const label of labels) {
    const ascii = isAscii(label) ? label : idnaLabel(label)
    const bytes = ascii === undefined ? undefined : bytesFromText(ascii, 0x21)
    if (bytes === undefined || bytes.length === 0 || bytes.length > 63) return undefined
    wire.push(bytes.length, ...bytes)
  }
  wire.push(0)
  return labels.length > 0 && wire.length <= 255 ? Uint8Array.from(wire) : undefined
}

/** A name that is known to be good → lower-case wire form (RFC 4343). Throws a sentence for any other text. */
export function wireName(text: string): Uint8Array {
  const name = nameFromText(text)
  if (name === undefined) throw new Error(`${text} is no domain name`)
  lowerName(name, 0, name.length, name, 0)
  return name
}

/**
 * A name in uncompressed wire form at `at` → absolute text, `example.org.`; the root is `.`. Printable ASCII alone
 * comes out, so it is safe in a log: other bytes as `\DDD`, and what means something in a zone file as `\c` (RFC 4343
 * §2.1). A name that is broken (runs past the end, holds a pointer) ends in `<malformed>` instead of failing the line
 * it was printed for.
 */
export function nameToText(bytes: Uint8Array, at = 0): string {
  if (bytes[at] === 0) return '.'
  let text = ''
  let next = at
  for (;;) {
    const length = bytes[next]
    if (length === 0) return text
    if (length === undefined || length > 63 || next + 1 + length > bytes.length || next - at > 255) {
      return `${text}<malformed>`
    }
    text += `${bytesToText(bytes.subarray(next + 1, next + 1 + length), '.\\"();@$ ')}.`
    next += 1 + length
  }
}

/**
 * Text with escapes → bytes: `\DDD` (decimal, 255 at most), `\c`, all else as UTF-8 (RFC 1035 §5.1). Characters below
 * `rawMin` need an escape. Undefined when an escape is broken or missing.
 */
export function bytesFromText(text: string, rawMin = 0): Uint8Array | undefined {
  const raw = Buffer.from(text)
  const bytes = new Uint8Array(raw.length)
  let length = 0
  for (let at = 0; at < raw.length; at++) {
    let byte = raw[at] as number
    if (byte === backslash) {
      const digits = raw.toString('latin1', at + 1, at + 4)
      byte = /^[0-9]/.test(digits) ? decimalByte(digits) : (raw[at + 1] ?? 256)
      if (byte > 255) return undefined
      at += /^[0-9]/.test(digits) ? 3 : 1
    } else if (byte < rawMin) return undefined
    bytes[length++] = byte
  }
  return bytes.slice(0, length)
}

/**
 * Bytes → printable ASCII: those in `special` as `\c`, those outside 0x20 – 0x7e as `\DDD`. The reverse of
 * bytesFromText.
 */
export function bytesToText(bytes: Uint8Array, special: string): string {
  let text = ''
  for (const byte of bytes) {
    const char = String.fromCharCode(byte)
    if (byte === 0x20 && special.includes(' ')) text += '\\032'
    else if (byte < 0x20 || byte > 0x7e) text += `\\${String(byte).padStart(3, '0')}`
    else text += special.includes(char) ? `\\${char}` : char
  }
  return text
}

/** What somebody wrote, for a message about it: in quotes, printable ASCII alone, cut at 80 characters. */
export function quoted(text: string): string {
  const safe = bytesToText(Buffer.from(text.slice(0, quotedLengthMax)), '')
  return `"${safe}${text.length > quotedLengthMax ? '...' : ''}"`
}

/** Nearly all names: letters, digits, - and _, at most 253 characters. Nothing in it can be read in two ways, so it is decided in one pass. */
const plainName = /^(?=.{1,254}$)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?$/

function plainNameOf(text: string): Uint8Array | undefined {
  const length = text.endsWith('.') ? text.length - 1 : text.length
  if (length > 253) return undefined
  const wire = new Uint8Array(length + 2)
  let label = 0
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code === dotCode) label = at + 1
    else {
      wire[at + 1] = code
      wire[label] = (wire[label] as number) + 1
    }
  }
  return wire
}

const dotCode = 0x2e

// 253 bytes of labels, each written as four characters, and their dots stay below this; it bounds the work on hostile text.
const textLengthMax = 1020
const quotedLengthMax = 80
const backslash = 0x5c

// UTS 46 §4: an IDN may be typed with the full stops of East Asian keyboards.
const dots = '.\u3002\uff0e\uff61'

function splitLabels(text: string): string[] {
  const labels: string[] = []
  let start = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (dots.includes(text[at] as string)) {
      labels.push(text.slice(start, at))
      start = at + 1
    }
  }
  labels.push(text.slice(start))
  return labels
}

const isAscii = (text: string): boolean => Buffer.byteLength(text) === text.length

/**
 * One label at a time, and with a neutral parent: domainToASCII parses its input as a URL's host, which would turn a
 * name of digits into an IPv4 address, cut at a slash, and undo percent escapes. Hence also the letters that may stand
 * beside.
 */
function idnaLabel(label: string): string | undefined {
  if (/[^\u0080-\uffff0-9A-Za-z_-]/.test(label)) return undefined
  const [ascii, parent, ...rest] = domainToASCII(`${label}.invalid`).split('.')
  return parent === 'invalid' && rest.length === 0 ? ascii : undefined
}

const decimalByte = (digits: string): number => (/^[0-9]{3}$/.test(digits) ? Number(digits) : 256)
