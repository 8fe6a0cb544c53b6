import type { Query } from './query.ts'

export const PROBE_NONE = 0
/** HINFO `<16 hex>.<16 hex>.<zone>`: a dnsweir's, ours or another's. */
export const PROBE_DNSWEIR = 1
/** HINFO `<digits>.<digits>.<zone>`: CoreDNS's loop plugin. */
export const PROBE_COREDNS = 2
/** TXT `<8 hex>.test`: dnsmasq's `dns-loop-detect`. */
export const PROBE_DNSMASQ = 3
/** `. NS`: CoreDNS's health check of its upstreams. */
export const PROBE_ROOT_NS = 4

const typeNs = 2
const typeHinfo = 13
const typeTxt = 16

/** Is the query a probe that must be passed on as it is (FIELD 3.1, 3.2)? Told by type first, so that others pay one comparison. */
export function probeOf(query: Query): number {
  switch (query.type) {
    case typeHinfo:
      if (query.labelCount < 2) return PROBE_NONE
      if (isHexLabel(query, 0, 16) && isHexLabel(query, 1, 16)) return PROBE_DNSWEIR
      return isDigitLabel(query, 0) && isDigitLabel(query, 1) ? PROBE_COREDNS : PROBE_NONE
    case typeTxt:
      return query.labelCount === 2 && isHexLabel(query, 0, 8) && isTest(query) ? PROBE_DNSMASQ : PROBE_NONE
    case typeNs:
      return query.labelCount === 0 ? PROBE_ROOT_NS : PROBE_NONE
    default:
      return PROBE_NONE
  }
}

function isHexLabel(query: Query, label: number, length: number): boolean {
  const at = query.labels[label] as number
  if (query.name[at] !== length) return false
  for (let i = 1; i <= length; i++) {
    const byte = query.name[at + i] as number
    if (!(byte >= 0x30 && byte <= 0x39) && !(byte >= 0x61 && byte <= 0x66)) return false
  }
  return true
}

function isDigitLabel(query: Query, label: number): boolean {
  const at = query.labels[label] as number
  const length = query.name[at] as number
  for (let i = 1; i <= length; i++) {
    const byte = query.name[at + i] as number
    if (byte < 0x30 || byte > 0x39) return false
  }
  return length > 0
}

const test = Uint8Array.from([4, 0x74, 0x65, 0x73, 0x74, 0])

function isTest(query: Query): boolean {
  const at = query.labels[1] as number
  for (let i = 0; i < test.length; i++) if (query.name[at + i] !== test[i]) return false
  return true
}
