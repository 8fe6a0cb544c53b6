import { Class, classCode, className, Type, typeCode, typeName } from './codes.ts'
import { secondsFromText, takeName } from './rdata-fields.ts'
import { rdataToText, takeRdata } from './rdata-text.ts'
import { nameToText, quoted } from './text.ts'
import { Tokens, ZoneTextError } from './zone-tokens.ts'

export { rdataToText }

/**
 * One resource record. Names in wire form and uncompressed, in the rdata too; the owner may begin with the label `*`;
 * ttl in seconds.
 */
export interface ZoneRecord {
  readonly owner: Uint8Array
  readonly type: number
  readonly class: number
  readonly ttl: number
  readonly rdata: Uint8Array
}

/**
 * Why a text is no record: a sentence that begins with its column, and the column alone (characters from 1, over all
 * lines).
 */
export interface ZoneTextProblem {
  readonly error: string
  readonly column: number
}

/** What a record without a TTL gets, in seconds. */
export const defaultTtl = 300

/**
 * One record as a zone file writes it (RFC 1035 §5.1): `owner [ttl] [class] type rdata`, TTL and class in either order,
 * parentheses over lines, `;` comments. There is no $ORIGIN: relative names count as absolute. A TTL with bit 31 set is
 * 0 (RFC 2181 §8). Never throws.
 */
export function recordFromText(text: string): ZoneRecord | ZoneTextProblem {
  try {
    return takeRecord(new Tokens(text))
  } catch (error) {
    if (!(error instanceof ZoneTextError)) throw error
    return { error: `column ${error.column}: ${error.message}`, column: error.column }
  }
}

/**
 * A record → one line of zone-file text, printable ASCII alone, that recordFromText reads back the same. Rdata that is
 * not what its type asks for comes out as `\# length hex`, for the eye.
 */
export function recordToText({ owner, type, class: class_, ttl, rdata }: ZoneRecord): string {
  return `${nameToText(owner)} ${ttl} ${className(class_)} ${typeName(type)} ${rdataToText(type, class_, rdata)}`
}

function takeRecord(tokens: Tokens): ZoneRecord {
  const owner = takeName(tokens, 'the owner')
  let ttl: number | undefined
  let class_: number | undefined
  for (;;) {
    const { text, column } = tokens.takeWord('the type')
    if (/^[0-9]/.test(text)) {
      if (ttl !== undefined) throw new ZoneTextError(column, `${quoted(text)} is a second TTL`)
      ttl = ttlFromText(text, column)
    } else if (isClass(text)) {
      if (class_ !== undefined) throw new ZoneTextError(column, `${quoted(text)} is a second class`)
      class_ = classCode(text) as number
    } else {
      const type = typeFromText(text, column)
      const rdata = takeRdata(tokens, type, class_ ?? Class.IN)
      tokens.finish()
      return { owner, type, class: class_ ?? Class.IN, ttl: ttl ?? defaultTtl, rdata }
    }
  }
}

/** NONE and ANY are classes of messages, not of records; and ANY is a type as well. */
function isClass(text: string): boolean {
  const code = classCode(text)
  return code !== undefined && code !== Class.NONE && code !== Class.ANY
}

function ttlFromText(text: string, column: number): number {
  const value = secondsFromText(text)
  if (value === undefined) throw new ZoneTextError(column, `${quoted(text)} is no TTL; it is seconds, or such as 1h30m`)
  return value > 0x7fffffff ? 0 : value
}

function typeFromText(text: string, column: number): number {
  const type = typeCode(text)
  if (type === undefined) throw new ZoneTextError(column, `${quoted(text)} is no record type`)
  // RFC 6895 §3.1: 0 is reserved; OPT and 128 to 255 belong to messages alone.
  if (type === 0 || type === Type.OPT || (type >= 128 && type <= 255)) {
    throw new ZoneTextError(column, `${typeName(type)} is not a type that a record can have`)
  }
  return type
}
