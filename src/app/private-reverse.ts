import { wireName } from '../wire/text.ts'

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/**
 * Reverse zones of private addresses, lower-case wire form: RFC 1918, shared (RFC 6598), and unique local ones (RFC 4193). Pods and services
 * have theirs there.
 */
export const privateReverseZones: readonly Uint8Array[] = [
  '10.in-addr.arpa',
  ...range(16, 31).map((octet) => `${octet}.172.in-addr.arpa`),
  '168.192.in-addr.arpa',
  ...range(64, 127).map((octet) => `${octet}.100.in-addr.arpa`),
  'c.f.ip6.arpa',
  'd.f.ip6.arpa',
].map(wireName)
