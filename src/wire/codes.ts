/** RR types, RFC 1035 §3.2.2 and the IANA registry "Resource Record (RR) TYPEs". Mnemonic → number. */
export const Type = {
  A: 1,
  NS: 2,
  MD: 3,
  MF: 4,
  CNAME: 5,
  SOA: 6,
  MB: 7,
  MG: 8,
  MR: 9,
  NULL: 10,
  WKS: 11,
  PTR: 12,
  HINFO: 13,
  MINFO: 14,
  MX: 15,
  TXT: 16,
  RP: 17,
  AFSDB: 18,
  X25: 19,
  ISDN: 20,
  RT: 21,
  NSAP: 22,
  'NSAP-PTR': 23,
  SIG: 24,
  KEY: 25,
  PX: 26,
  GPOS: 27,
  AAAA: 28,
  LOC: 29,
  NXT: 30,
  EID: 31,
  NIMLOC: 32,
  SRV: 33,
  ATMA: 34,
  NAPTR: 35,
  KX: 36,
  CERT: 37,
  A6: 38,
  DNAME: 39,
  SINK: 40,
  OPT: 41,
  APL: 42,
  DS: 43,
  SSHFP: 44,
  IPSECKEY: 45,
  RRSIG: 46,
  NSEC: 47,
  DNSKEY: 48,
  DHCID: 49,
  NSEC3: 50,
  NSEC3PARAM: 51,
  TLSA: 52,
  SMIMEA: 53,
  HIP: 55,
  CDS: 59,
  CDNSKEY: 60,
  OPENPGPKEY: 61,
  CSYNC: 62,
  ZONEMD: 63,
  SVCB: 64,
  HTTPS: 65,
  SPF: 99,
  NID: 104,
  L32: 105,
  L64: 106,
  LP: 107,
  EUI48: 108,
  EUI64: 109,
  NXNAME: 128,
  TKEY: 249,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
  MAILB: 253,
  MAILA: 254,
  ANY: 255,
  URI: 256,
  CAA: 257,
  AVC: 258,
  DLV: 32769,
} as const

/** Classes, RFC 1035 §3.2.4, RFC 2136 §2.4 (NONE). */
export const Class = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 } as const

/**
 * Response codes: the header's four bits, and from 16 on those that need the OPT record's eight more (RFC 6891 §6.1.3).
 */
export const Rcode = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  YXDOMAIN: 6,
  YXRRSET: 7,
  NXRRSET: 8,
  NOTAUTH: 9,
  NOTZONE: 10,
  DSOTYPENI: 11,
  BADVERS: 16,
  BADKEY: 17,
  BADTIME: 18,
  BADMODE: 19,
  BADNAME: 20,
  BADALG: 21,
  BADTRUNC: 22,
  BADCOOKIE: 23,
} as const

/** Opcodes, RFC 1035 §4.1.1, RFC 1996 (NOTIFY), RFC 2136 (UPDATE), RFC 8490 (DSO). */
export const Opcode = { QUERY: 0, IQUERY: 1, STATUS: 2, NOTIFY: 4, UPDATE: 5, DSO: 6 } as const

/** Extended DNS error codes, RFC 8914 §4 and the IANA registry "Extended DNS Error Codes". */
export const Ede = {
  OTHER: 0,
  UNSUPPORTED_DNSKEY_ALGORITHM: 1,
  UNSUPPORTED_DS_DIGEST: 2,
  STALE_ANSWER: 3,
  FORGED_ANSWER: 4,
  DNSSEC_INDETERMINATE: 5,
  DNSSEC_BOGUS: 6,
  SIGNATURE_EXPIRED: 7,
  SIGNATURE_NOT_YET_VALID: 8,
  DNSKEY_MISSING: 9,
  RRSIGS_MISSING: 10,
  NO_ZONE_KEY_BIT_SET: 11,
  NSEC_MISSING: 12,
  CACHED_ERROR: 13,
  NOT_READY: 14,
  BLOCKED: 15,
  CENSORED: 16,
  FILTERED: 17,
  PROHIBITED: 18,
  STALE_NXDOMAIN_ANSWER: 19,
  NOT_AUTHORITATIVE: 20,
  NOT_SUPPORTED: 21,
  NO_REACHABLE_AUTHORITY: 22,
  NETWORK_ERROR: 23,
  INVALID_DATA: 24,
  SIGNATURE_EXPIRED_BEFORE_VALID: 25,
  TOO_EARLY: 26,
  UNSUPPORTED_NSEC3_ITERATIONS: 27,
  UNABLE_TO_CONFORM_TO_POLICY: 28,
  SYNTHESIZED: 29,
  INVALID_QUERY_TYPE: 30,
} as const

/** Mnemonic of an RR type, or `TYPE65280` where it has none (RFC 3597 §5). */
export const typeName = (code: number): string => typeNames.get(code) ?? `TYPE${code}`

/** RR type of a mnemonic in any case, or of `TYPE65280`; undefined for anything else. */
export const typeCode = (name: string): number | undefined => numberOf(typeCodes, 'TYPE', name)

/** `IN`, or `CLASS7` where the class has no mnemonic (RFC 3597 §5). */
export const className = (code: number): string => classNames.get(code) ?? `CLASS${code}`

/** Class of a mnemonic in any case, or of `CLASS7`; undefined for anything else. */
export const classCode = (name: string): number | undefined => numberOf(classCodes, 'CLASS', name)

/** `NXDOMAIN`, or `RCODE12` where the code has no mnemonic. */
export const rcodeName = (code: number): string => rcodeNames.get(code) ?? `RCODE${code}`

/** Response code of a mnemonic in any case, or of `RCODE12` (12 bits at most); undefined for anything else. */
export const rcodeCode = (name: string): number | undefined => numberOf(rcodeCodes, 'RCODE', name, 0xfff)

/** `QUERY`, or `OPCODE3` where the code has no mnemonic. */
export const opcodeName = (code: number): string => opcodeNames.get(code) ?? `OPCODE${code}`

/** Opcode of a mnemonic in any case, or of `OPCODE3` (4 bits at most); undefined for anything else. */
export const opcodeCode = (name: string): number | undefined => numberOf(opcodeCodes, 'OPCODE', name, 15)

/** An extended error in the registry's words, lower case: `network error`; `EDE99` where the code has none. */
export const edeName = (code: number): string => edeNames.get(code)?.toLowerCase().replaceAll('_', ' ') ?? `EDE${code}`

// Maps, since an object would also know `constructor` and `toString`, and names come from the user.
const typeCodes = new Map<string, number>(Object.entries(Type))
const classCodes = new Map<string, number>(Object.entries(Class))
const rcodeCodes = new Map<string, number>(Object.entries(Rcode))
const opcodeCodes = new Map<string, number>(Object.entries(Opcode))
const typeNames = reversed(typeCodes)
const classNames = reversed(classCodes)
const rcodeNames = reversed(rcodeCodes)
const opcodeNames = reversed(opcodeCodes)
const edeNames = reversed(new Map(Object.entries(Ede)))

function reversed(codes: ReadonlyMap<string, number>): Map<number, string> {
  return new Map([...codes].map(([name, code]) => [code, name]))
}

function numberOf(codes: ReadonlyMap<string, number>, prefix: string, name: string, max = 0xffff): number | undefined {
  const upper = name.toUpperCase()
  const known = codes.get(upper)
  if (known !== undefined || !upper.startsWith(prefix)) return known
  const digits = upper.slice(prefix.length)
  return /^[0-9]{1,5}$/.test(digits) && Number(digits) <= max ? Number(digits) : undefined
}
