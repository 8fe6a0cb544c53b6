import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Type, typeCode } from './codes.ts'
import { nameFromText } from './text.ts'
import { recordFromText, recordToText, type ZoneRecord } from './zone-text.ts'

function record(text: string): ZoneRecord {
  const result = recordFromText(text)
  assert.ok(!('error' in result), `${text}: ${'error' in result && result.error}`)
  return result
}

const rdata = (text: string): string => Buffer.from(record(`x. ${text}`).rdata).toString('hex')

function problem(text: string): string {
  const result = recordFromText(text)
  assert.ok('error' in result, `${text} was read`)
  assert.ok(result.error.startsWith(`column ${result.column}: `) && /^[\x20-\x7e]+$/.test(result.error), result.error)
  return result.error
}

test('owner, TTL and class', () => {
  const owner = nameFromText('db.lan') as Uint8Array
  const base = { owner, type: 1, class: 1, ttl: 300, rdata: Uint8Array.of(10, 0, 0, 5) }
  const table: [text: string, differs: Partial<ZoneRecord>][] = [
    ['db.lan. 300 IN A 10.0.0.5', {}],
    ['db.lan A 10.0.0.5', {}],
    ['  db.lan.\tIN 60 A 10.0.0.5 ; the database', { ttl: 60 }],
    ['db.lan 1h30m in a 10.0.0.5\n\n; done\n', { ttl: 5400 }],
    ['db.lan 0 CLASS1 TYPE1 10.0.0.5', { ttl: 0 }],
    ['db.lan 2147483647 A 10.0.0.5', { ttl: 2147483647 }],
    ['db.lan 2147483648 A 10.0.0.5', { ttl: 0 }],
    ['db.lan (\n 60 ; seconds\n A\r\n 10.0.0.5 )', { ttl: 60 }],
    ['*.lan A 10.0.0.5', { owner: nameFromText('*.lan') as Uint8Array }],
    ['db.lan A \\# 4 0a 00 0005', {}],
    ['db.lan CH TXT \\# 2 0161', { class: 3, type: 16, rdata: Uint8Array.of(1, 97) }],
    ['db.lan CH A \\# 3 000001', { class: 3, rdata: Uint8Array.of(0, 0, 1) }],
  ]
  for (const [text, differs] of table) assert.deepEqual(record(text), { ...base, ...differs }, text)
})

test('rdata, byte for byte', () => {
  const example = '076578616d706c65' // "example" with its length
  const table: [text: string, hex: string][] = [
    ['AAAA 2001:db8::1', '20010db8000000000000000000000001'],
    ['CNAME example', `${example}00`],
    ['NS .', '00'],
    ['MX 10 example.', `000a${example}00`],
    ['TXT "a b" c "d\\"\\255;"', '036120620163046422ff3b'],
    ['TXT ""', '00'],
    ['TXT "a""b"', '01610162'],
    ['SRV 0 5 5060 example.', `0000000513c4${example}00`],
    [
      'SOA example. a\\.b.example. (1 2h 3m 4 4294967295)',
      `${example}0003612e62${example}000000000100001c20000000b400000004ffffffff`,
    ],
    ['CAA 128 issue "ca.example; x=y"', `80056973737565${Buffer.from('ca.example; x=y').toString('hex')}`],
    ['CAA 0 issue ca.example', `00056973737565${Buffer.from('ca.example').toString('hex')}`],
    ['URI 10 1 "sip:a"', `000a0001${Buffer.from('sip:a').toString('hex')}`],
    ['RP a.b. .', '0161016200' + '00'],
    ['AFSDB 1 a.b.', '00010161016200'],
    ['KX 5 a.b.', '00050161016200'],
    ['CERT 1 2 8 AQID', '0001000208010203'],
    ['DHCID AQID', '010203'],
    ['OPENPGPKEY AQID', '010203'],
    ['CAA 0 iodef ""', '0005696f646566'],
    [
      'NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:a@b!" .',
      '0064000a0175074532552b7369700e215e2e2a24217369703a614062' + '2100',
    ],
    ['TLSA 3 1 1 AB cd', '030101abcd'],
    ['SSHFP 4 2 00ff', '040200ff'],
    ['DS 60485 5 1 2BB183AF 5F22588179A5', 'ec4505012bb183af5f22588179a5'],
    ['DNSKEY 257 3 13 AQ I=', '0101030d0102'],
    ['HINFO "RFC8482" ""', '075246433834383200'],
    ['TYPE65280 \\# 0', ''],
    ['WKS \\# 1 00', '00'],
    ['EUI48 00-00-5e-00-53-2A', '00005e00532a'],
    ['EUI64 00-00-5e-ef-10-00-00-2a', '00005eef1000002a'],
    ['APL 1:192.168.32.0/21 !1:192.168.38.0/28', '00011503c0a820' + '00011c83c0a826'],
    ['APL 2:ff00::/8 1:0.0.0.0/0', '00020801ff' + '00010000'],
    ['APL', ''],
    [
      'NSEC host.example. A MX RRSIG NSEC TYPE1234',
      `04686f7374${example}000006400100000003041b000000000000000000000000000000000000000000000000000020`,
    ],
    ['CSYNC 66 3 A NS AAAA', '00000042' + '0003' + '00046000' + '0008'],
    ['CSYNC 0 0', '000000000000'],
    ['NSEC3PARAM 1 0 12 aabbccdd', '0100000c04aabbccdd'],
    ['NSEC3PARAM 1 0 0 -', '0100000000'],
    ['NID 10 14:4fff:ff20:ee64', '000a00144fffff20ee64'],
    ['L32 10 10.1.2.0', '000a0a010200'],
    ['L64 10 2001:db8:1140:1000', '000a20010db811401000'],
    ['LP 10 l64.example.', `000a036c3634${example}00`],
    ['X25 311061700956', '0c333131303631373030393536'],
    ['ISDN 150862028003217 004', '0f313530383632303238303033323137' + '03303034'],
    // RFC 1876 appendix A.
    ['LOC 42 21 54 N 71 06 18 W -24m 30m', '003316138917' + '2dd070be15f000988d20'],
    ['LOC 42 21 43.952 N 71 5 6.344 W -24m 1m 200m 10m', '001224138917' + '069070bf2dd800988d20'],
    ['LOC 90 S 180 E 42849672.95m 0 0 90000000m', '000000996cb0' + '2700a69fb200ffffffff'],
  ]
  for (const [text, hex] of table) assert.equal(rdata(text), hex, text)
})

test('what is wrong is said with its column', () => {
  const table: [text: string, error: string][] = [
    ['', 'column 1: the owner is missing'],
    ['a..b A 1.2.3.4', 'column 1: "a..b" is not a domain name'],
    ['@ A 1.2.3.4', 'column 1: "@" needs an $ORIGIN, which there is not; write the owner in full'],
    ['"x" A 1.2.3.4', 'column 1: the owner stands here without quotes'],
    ['x', 'column 2: the type is missing'],
    ['x 1 2 A 1.2.3.4', 'column 5: "2" is a second TTL'],
    ['x IN CH A 1.2.3.4', 'column 6: "CH" is a second class'],
    ['x 4294967296 A 1.2.3.4', 'column 3: "4294967296" is no TTL; it is seconds, or such as 1h30m'],
    ['x AAA ::1', 'column 3: "AAA" is no record type'],
    ['x ANY \\# 0', 'column 3: ANY is not a type that a record can have'],
    ['x OPT \\# 0', 'column 3: OPT is not a type that a record can have'],
    ['x A', 'column 4: an IPv4 address is missing'],
    ['x A ::1', 'column 5: "::1" is not an IPv4 address'],
    ['x A 1.2.3.4 5', 'column 13: "5" is more than this record takes'],
    ['x A 1.2.3.4\ny A 1.2.3.4', 'column 13: a second record; join the lines of one by parentheses'],
    ['x A ( 1.2.3.4', 'column 5: this "(" is never closed'],
    ['x A 1.2.3.4 )', 'column 13: ")" without its "("'],
    ['x A (( 1.2.3.4 ))', 'column 6: "(" inside parentheses'],
    ['x A \\# 3 000000', 'column 5: these bytes are no rdata of type A'],
    ['x A \\# 4 00', 'column 8: the length says "4", and so many bytes in hex must follow'],
    ['x WKS 1', 'column 7: WKS is written in the form \\# length hex (RFC 3597)'],
    ['x LOC 51 0 0', 'column 13: a number, or N or S is missing'],
    ['x LOC 91 N 0 E 0m', 'column 10: degrees [minutes [seconds]] N or S, not "N"'],
    ['x LOC 1 60 N 0 E 0m', 'column 9: degrees [minutes [seconds]] N or S, not "60"'],
    ['x LOC 1 N 1 E 1km', 'column 15: the altitude is metres from -100000 to 42849672.95, not "1km"'],
    [
      'x EUI48 00-00-5e-00-53',
      'column 9: the address is 6 bytes in hex with dashes between them, not "00-00-5e-00-53"',
    ],
    ['x APL 1:::/8', 'column 7: a prefix is [!]1:IPv4/length or [!]2:IPv6/length, not "1:::/8"'],
    ['x APL 1:10.0.0.0/33', 'column 7: a prefix is [!]1:IPv4/length or [!]2:IPv6/length, not "1:10.0.0.0/33"'],
    ['x NSEC y', 'column 9: a type is missing'],
    ['x NSEC y AAA', 'column 10: "AAA" is no type'],
    ['x NSEC3PARAM 1 0 0 abc', 'column 20: the salt is bytes in hex or "-", not "abc"'],
    ['x L64 1 2001:db8::1', 'column 9: the locator is four groups of hex with colons between them, not "2001:db8::1"'],
    ['x CH A 1.2.3.4', 'column 8: A is written in the form \\# length hex (RFC 3597)'],
    ['x MX 65536 y', 'column 6: the preference is a number from 0 to 65535, not "65536"'],
    ['x TXT "a', 'column 7: this quote is never closed'],
    ['x TXT a"b"', 'column 8: a quote inside the word "a"'],
    ['x TXT a="b"', 'column 7: a quote inside a string: put it all in quotes'],
    ['x TXT "\\300"', 'column 7: "\\300" has a broken escape; it is \\DDD or \\c'],
    [`x TXT ${'a'.repeat(256)}`, 'column 7: a string has 256 bytes, one string holds 255: split it into several'],
    ['x CAA 0 is_sue "a"', 'column 9: the tag is letters and digits, not "is_sue"'],
    ['x DS 1 2 3 abc', 'column 12: "abc" is not the digest in hex'],
    ['x DNSKEY 1 2 3 A', 'column 16: "A" is not the public key in base64'],
    ['x \u001b[2J\u2028', 'column 3: "\\027[2J\\226\\128\\168" is no record type'],
  ]
  for (const [text, error] of table) assert.equal(problem(text), error, text)
})

test('broken rdata is printed as bytes, never thrown on', () => {
  const owner = nameFromText('x') as Uint8Array
  const print = (type: number, ...bytes: number[]) =>
    recordToText({ owner, type, class: 1, ttl: 5, rdata: Uint8Array.from(bytes) })
  assert.equal(print(1, 1, 2, 3), 'x. 5 IN A \\# 3 010203')
  assert.equal(print(5, 0xc0, 12), 'x. 5 IN CNAME \\# 2 c00c')
  assert.equal(print(16), 'x. 5 IN TXT \\# 0')
  assert.equal(
    print(65, 0, 1, 0, 0, 3, 0, 2, 0, 53, 0, 1, 0, 0),
    'x. 5 IN HTTPS \\# 13 000100000300020035' + '00010000',
  )
  const types = fc.constantFrom(...Object.values(Type), 65280)
  fc.assert(
    fc.property(types, fc.uint8Array({ maxLength: 40 }), (type, bytes) => {
      const text = print(type, ...bytes)
      assert.match(text, /^[\x20-\x7e]+$/)
      const back = recordFromText(text)
      if (!('error' in back)) assert.deepEqual(Array.from(back.rdata), Array.from(bytes), text)
    }),
    { numRuns: 2000 },
  )
})

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength })
const u = (size: number) => bytes(size, size)
const join = (...parts: fc.Arbitrary<Uint8Array>[]) =>
  fc.tuple(...parts).map((all) => Uint8Array.from(Buffer.concat(all)))
const counted = (min = 0) => bytes(min, 255).map((all) => Uint8Array.of(all.length, ...all))
const name = fc
  .array(bytes(1, 20), { maxLength: 8 })
  .map((labels) => Uint8Array.from([...labels.flatMap((label) => [label.length, ...label]), 0]))
const txt = fc.array(counted(), { minLength: 1, maxLength: 3 }).map((all) => Uint8Array.from(Buffer.concat(all)))
const param = (key: number, value: fc.Arbitrary<Uint8Array>) =>
  fc.option(value, { nil: undefined }).map((all) => (all ? Uint8Array.of(key >> 8, key, 0, all.length, ...all) : u8()))
const u8 = (...all: number[]) => Uint8Array.from(all)
const alpn = bytes(1, 40).map((all) => Uint8Array.of(all.length, ...all, 2, 104, 50))
const addresses = (size: number) => bytes(1, 3).chain((all) => u(all.length * size))
const service = join(
  u(2),
  name,
  alpn.map((all) => Uint8Array.of(0, 0, 0, 2, 0, 1, 0, 1, 0, all.length, ...all, 0, 2, 0, 0)),
  param(3, u(2)),
  param(4, addresses(4)),
  param(5, bytes(1, 40)),
  param(6, addresses(16)),
  param(667, bytes(0, 40)),
)
const digest = join(u(4), bytes(1, 40))
const bitmap = fc
  .uniqueArray(fc.tuple(fc.nat(255), bytes(0, 31), fc.integer({ min: 1, max: 255 })), {
    maxLength: 3,
    selector: ([window]) => window,
  })
  .map((all) =>
    Uint8Array.from(
      all.sort(([a], [b]) => a - b).flatMap(([window, map, last]) => [window, map.length + 1, ...map, last]),
    ),
  )
const prefix = fc
  .tuple(fc.boolean(), fc.constantFrom(4, 16), fc.nat(128), bytes(0, 16))
  .map(([negated, size, digits, all]) => {
    const part = all.subarray(0, size)
    const octets = part.subarray(0, part.findLastIndex((byte) => byte !== 0) + 1)
    const mixed = (negated ? 128 : 0) | octets.length
    return Uint8Array.of(0, size === 4 ? 1 : 2, Math.min(digits, size * 8), mixed, ...octets)
  })
const precise = fc.tuple(fc.nat(9), fc.nat(9)).map(([digit, power]) => (digit << 4) | (digit === 0 ? 0 : power))
function locationOf([size, across, up, latitude, longitude, altitude]: number[]): Uint8Array {
  const all = Buffer.alloc(16)
  all.set([0, size as number, across as number, up as number])
  all.writeUInt32BE(2 ** 31 - 324_000_000 + (latitude as number), 4)
  all.writeUInt32BE(2 ** 31 - 648_000_000 + (longitude as number), 8)
  all.writeUInt32BE(altitude as number, 12)
  return Uint8Array.from(all)
}

const valid: Record<string, fc.Arbitrary<Uint8Array>> = {
  A: u(4),
  AAAA: u(16),
  CNAME: name,
  DNAME: name,
  NS: name,
  PTR: name,
  MX: join(u(2), name),
  TXT: txt,
  SPF: txt,
  SRV: join(u(6), name),
  SOA: join(name, name, u(20)),
  CAA: join(u(1), fc.constant(u8(3, 97, 66, 57)), bytes(0, 300)),
  NAPTR: join(u(4), counted(), counted(), counted(), name),
  TLSA: join(u(3), bytes(1, 40)),
  SMIMEA: join(u(3), bytes(1, 40)),
  SSHFP: join(u(2), bytes(1, 40)),
  DS: digest,
  CDS: digest,
  DNSKEY: digest,
  CDNSKEY: digest,
  HINFO: join(counted(), counted()),
  SVCB: service,
  HTTPS: service,
  TYPE65280: bytes(0, 40),
  WKS: bytes(0, 40),
  MB: name,
  MG: name,
  MR: name,
  MINFO: join(name, name),
  X25: counted(),
  ISDN: txt,
  RT: join(u(2), name),
  PX: join(u(2), name, name),
  GPOS: join(counted(), counted(), counted()),
  EUI48: u(6),
  EUI64: u(8),
  NID: u(10),
  L32: u(6),
  L64: u(10),
  LP: join(u(2), name),
  AVC: txt,
  DLV: digest,
  ZONEMD: join(u(6), bytes(1, 40)),
  NSEC3PARAM: join(u(4), counted()),
  NSEC: join(
    name,
    bitmap.filter((all) => all.length > 0),
  ),
  CSYNC: join(u(6), bitmap),
  APL: fc.array(prefix, { maxLength: 4 }).map((all) => Uint8Array.from(Buffer.concat(all))),
  LOC: fc
    .tuple(precise, precise, precise, fc.nat(648_000_000), fc.nat(1_296_000_000), fc.nat(0xffffffff))
    .map(locationOf),
}

test('property: recordFromText(recordToText(x)) = x, in the own form of every type', () => {
  const ttl = fc.nat({ max: 0x7fffffff })
  const classes = fc.constantFrom(1, 3, 4, 7)
  for (const [mnemonic, arbitrary] of Object.entries(valid)) {
    const type = typeCode(mnemonic) as number
    const generic = mnemonic === 'WKS' || mnemonic === 'TYPE65280'
    const same = fc.property(name, ttl, classes, arbitrary, (owner, ttl, class_, rdata) => {
      const given = { owner, type, class: class_, ttl, rdata }
      const text = recordToText(given)
      assert.deepEqual(recordFromText(text), given, text)
      if (class_ === 1) assert.equal(text.includes(' \\# '), generic, text)
    })
    fc.assert(same, { numRuns: 60 })
  }
})

test('property: any text is a record or an error', () => {
  const word = fc.constantFrom(
    'x.',
    '60',
    'IN',
    'A',
    'TXT',
    'SVCB',
    '1',
    '.',
    '\\#',
    '"',
    '(',
    ')',
    ';',
    '\n',
    '\\',
    'alpn=',
    'key9="a"',
    '1.2.3.4',
  )
  const text = fc
    .array(fc.oneof(word, fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 12 })
    .map((all) => all.join(' '))
  fc.assert(
    fc.property(text, (given) => {
      const result = recordFromText(given)
      if ('error' in result) problem(given)
      else assert.deepEqual(recordFromText(recordToText(result)), result)
    }),
    { numRuns: 3000 },
  )
})
