import { Class, Type, typeName } from './codes.ts'
import { addressPrefixes, countedHex, dashedHex, hexGroups, location, typeBitmap } from './rare-fields.ts'
import {
  address,
  longString,
  MalformedRdata,
  name,
  type RdataField,
  restAs,
  seconds,
  string,
  strings,
  tag,
  uint,
} from './rdata-fields.ts'
import { svcParams } from './svcb-text.ts'
import { quoted } from './text.ts'
import { type Tokens, ZoneTextError } from './zone-tokens.ts'

/**
 * The words after the type → rdata: in the type's own form, or `\# length hex` for any type (RFC 3597 §5), which for a
 * type that is known must be rdata of it. Throws ZoneTextError.
 */
export function takeRdata(tokens: Tokens, type: number, class_: number): Uint8Array {
  const { column, peek } = tokens
  const fields = fieldsOf(type, class_)
  if (peek?.form === 'word' && peek.text === '\\#') {
    const rdata = takeGeneric(tokens)
    if (fields && inOwnForm(fields, rdata) === undefined) {
      throw new ZoneTextError(column, `these bytes are no rdata of type ${typeName(type)}`)
    }
    return rdata
  }
  if (fields === undefined) {
    throw new ZoneTextError(column, `${typeName(type)} is written in the form \\# length hex (RFC 3597)`)
  }
  const rdata = Buffer.concat(fields.map((field) => field.fromText(tokens)))
  if (rdata.length > rdataLengthMax) throw new ZoneTextError(column, `more than ${rdataLengthMax} bytes of rdata`)
  return Uint8Array.from(rdata)
}

/**
 * Rdata, names in it uncompressed → zone-file text: the type's own form, or `\# length hex` where it has none or the
 * bytes are broken.
 */
export function rdataToText(type: number, class_: number, rdata: Uint8Array): string {
  const fields = fieldsOf(type, class_)
  return (fields && inOwnForm(fields, rdata)) ?? `\\# ${rdata.length} ${Buffer.from(rdata).toString('hex')}`.trimEnd()
}

const rdataLengthMax = 0xffff

const host = name('the host name')
const text = strings('a string')
const digest = [
  uint('the key tag', 2),
  uint('the algorithm', 1),
  uint('the digest type', 1),
  restAs('hex', 'the digest'),
]
const publicKey = [
  uint('flags', 2),
  uint('the protocol', 1),
  uint('the algorithm', 1),
  restAs('base64', 'the public key'),
]
const certificate = [
  uint('the usage', 1),
  uint('the selector', 1),
  uint('the matching type', 1),
  restAs('hex', 'the certificate data'),
]
const preference = uint('the preference', 2)
const service = [uint('the priority', 2), name('the target'), svcParams]

/** RFC 1035 §3.3 unless said otherwise. */
const forms = new Map<number, readonly RdataField[]>([
  [Type.A, [address('an IPv4 address', 4)]],
  [Type.NS, [host]],
  [Type.CNAME, [host]],
  [
    Type.SOA,
    [
      name('the primary server'),
      name('the mailbox'),
      uint('the serial', 4),
      seconds('refresh'),
      seconds('retry'),
      seconds('expire'),
      seconds('minimum'),
    ],
  ],
  [Type.PTR, [host]],
  [Type.MB, [host]],
  [Type.MG, [name('the mailbox')]],
  [Type.MR, [name('the mailbox')]],
  [Type.MINFO, [name('the mailbox'), name('the mailbox for errors')]],
  [17, [name('the mailbox'), name('the name of the text')]], // RP, RFC 1183 §2.2
  [18, [uint('the subtype', 2), host]], // AFSDB, RFC 1183 §1
  [Type.X25, [string('the address')]], // RFC 1183 §3.1
  [Type.ISDN, [strings('the address')]], // RFC 1183 §3.2
  [Type.RT, [preference, host]], // RFC 1183 §3.3
  [Type.PX, [preference, name('the RFC 822 domain'), name('the X.400 domain')]], // RFC 2163 §4
  [Type.GPOS, [string('the longitude'), string('the latitude'), string('the altitude')]], // RFC 1712
  [Type.LOC, [location]],
  [Type.APL, [addressPrefixes]],
  [Type.NSEC, [name('the next name'), typeBitmap('a type')]], // RFC 4034 §4
  [Type.NSEC3PARAM, [uint('the algorithm', 1), uint('flags', 1), uint('iterations', 2), countedHex('the salt')]],
  [Type.CSYNC, [uint('the serial', 4), uint('flags', 2), typeBitmap('a type', true)]], // RFC 7477 §2
  [Type.ZONEMD, [uint('the serial', 4), uint('the scheme', 1), uint('the algorithm', 1), restAs('hex', 'the digest')]], // RFC 8976 §2
  [Type.NID, [preference, hexGroups('the node identifier')]], // RFC 6742
  [Type.L32, [preference, address('an IPv4 address', 4)]],
  [Type.L64, [preference, hexGroups('the locator')]],
  [Type.LP, [preference, name('the name of the locators')]],
  [Type.EUI48, [dashedHex('the address', 6)]],
  [Type.EUI64, [dashedHex('the address', 8)]],
  [Type.AVC, [text]],
  [Type.DLV, digest], // RFC 4431
  [36, [uint('the preference', 2), host]], // KX, RFC 2230 §3.1
  [37, [uint('the type', 2), uint('the key tag', 2), uint('the algorithm', 1), restAs('base64', 'the certificate')]], // CERT, RFC 4398 §2
  [49, [restAs('base64', 'the identifier')]], // DHCID, RFC 4701 §3
  [61, [restAs('base64', 'the key')]], // OPENPGPKEY, RFC 7929 §2
  [256, [uint('the priority', 2), uint('the weight', 2), longString('the target')]], // URI, RFC 7553 §4
  [Type.HINFO, [string('the CPU'), string('the OS')]],
  [Type.MX, [uint('the preference', 2), host]],
  [Type.TXT, [text]],
  [Type.AAAA, [address('an IPv6 address', 16)]], // RFC 3596
  [Type.SRV, [uint('the priority', 2), uint('the weight', 2), uint('the port', 2), name('the target')]], // RFC 2782
  [
    Type.NAPTR, // RFC 3403 §4.1
    [
      uint('the order', 2),
      uint('the preference', 2),
      string('the flags'),
      string('the service'),
      string('the regexp'),
      name('the replacement'),
    ],
  ],
  [Type.DNAME, [host]], // RFC 6672
  [Type.DS, digest], // RFC 4034 §5
  [Type.CDS, digest], // RFC 7344
  [Type.SSHFP, [uint('the algorithm', 1), uint('the fingerprint type', 1), restAs('hex', 'the fingerprint')]], // RFC 4255
  [Type.DNSKEY, publicKey], // RFC 4034 §2
  [Type.CDNSKEY, publicKey], // RFC 7344
  [Type.TLSA, certificate], // RFC 6698 §2
  [Type.SMIMEA, certificate], // RFC 8162
  [Type.SVCB, service], // RFC 9460
  [Type.HTTPS, service],
  [Type.SPF, [text]], // RFC 4408
  [Type.CAA, [uint('the flags', 1), tag('the tag'), longString('the value')]], // RFC 8659 §4
])

/**
 * An A record of another class is not an IPv4 address (of CHAOS: a name and a number), so there the form is the generic
 * one.
 */
function fieldsOf(type: number, class_: number): readonly RdataField[] | undefined {
  return class_ !== Class.IN && (type === Type.A || type === Type.AAAA) ? undefined : forms.get(type)
}

function inOwnForm(fields: readonly RdataField[], rdata: Uint8Array): string | undefined {
  const cursor = { bytes: rdata, at: 0 }
  try {
    const words = fields.map((field) => field.toText(cursor))
    return cursor.at === rdata.length ? words.join(' ').trimEnd() : undefined
  } catch (error) {
    if (error instanceof MalformedRdata) return undefined
    throw error
  }
}

function takeGeneric(tokens: Tokens): Uint8Array {
  tokens.takeWord('\\#')
  const { text: digits, column } = tokens.takeWord('the length')
  let hex = ''
  while (tokens.peek) hex += tokens.takeWord('hex').text
  const bytes = /^[0-9]{1,5}$/.test(digits) && /^([0-9a-f]{2})*$/i.test(hex) ? Buffer.from(hex, 'hex') : undefined
  if (bytes?.length !== Number(digits) || bytes.length > rdataLengthMax) {
    throw new ZoneTextError(column, `the length says ${quoted(digits)}, and so many bytes in hex must follow`)
  }
  return Uint8Array.from(bytes)
}
