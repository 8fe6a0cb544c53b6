import type { NetworkInterfaceInfo } from 'node:os'
import { PrefixTable } from '../base/address.ts'
import type { PrefixData } from '../link/plan-data.ts'
import { prefixFromText, wireName } from '../wire/text.ts'

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>

/** The prefixes of the machine's own interfaces. */
export function onLinkPrefixes(interfaces: Interfaces): PrefixData[] {
  const seen = new Map<string, PrefixData>()
  for (const { cidr } of all(interfaces)) {
    const prefix = cidr === null ? undefined : prefixFromText(cidr)
    if (prefix !== undefined) seen.set(`${prefix.bytes.join('.')}/${prefix.length}`, prefix)
  }
  return [...seen.values()]
}

/**
 * Reverse zones of the machine's own private networks (an IPv4 prefix cut to whole octets, an IPv6 one to whole nibbles), and of the two
 * large private ranges: whoever serves a LAN likes to send them back to whom he has the names from.
 */
export function ownReverseZones(onLink: readonly PrefixData[]): Uint8Array[] {
  const own = onLink
    .filter(({ bytes }) => isPrivateAddress(bytes) && !linkOnly.has(mapped(bytes), 0))
    .map(({ bytes, length }) => reverseZone(bytes, length))
  return [...new Set([...own, '10.in-addr.arpa', '168.192.in-addr.arpa'])].map(wireName)
}

function reverseZone(bytes: Uint8Array, length: number): string {
  if (bytes.length === 4) {
    const octets = [...bytes.subarray(0, Math.max(1, length >> 3))]
    return `${octets.reverse().join('.')}.in-addr.arpa`
  }
  const nibbles = [...bytes].flatMap((byte) => [byte >> 4, byte & 15]).slice(0, Math.max(1, length >> 2))
  return `${nibbles
    .reverse()
    .map((nibble) => nibble.toString(16))
    .join('.')}.ip6.arpa`
}

/** The interface index behind the scope of an address (`fe80::1%eth0`, `fe80::1%2`); 0 when there is none. */
export function scopeOf(address: string, interfaces: Interfaces): number {
  const scope = address.split('%')[1]
  if (scope === undefined) return 0
  if (/^\d{1,9}$/.test(scope)) return Number(scope)
  const six = (interfaces[scope] ?? []).find((one) => one.family === 'IPv6' && one.scopeid !== 0)
  return six?.family === 'IPv6' ? (six.scopeid ?? 0) : 0
}

/** The interfaces that have link-local IPv6 addresses, by name, with their indexes. */
export function linkScopes(interfaces: Interfaces): Map<string, number> {
  const scopes = Object.entries(interfaces).map(([name]) => [name, scopeOf(`%${name}`, interfaces)] as const)
  return new Map(scopes.filter(([, index]) => index !== 0))
}

/** Loopback, RFC 1918, ULA (RFC 4193), link-local: nobody far away spoofs answers of these. */
export function isPrivateAddress(bytes: Uint8Array): boolean {
  return privatePrefixes.has(mapped(bytes), 0)
}

function mapped(bytes: Uint8Array): Uint8Array {
  return bytes.length === 16 ? bytes : Uint8Array.of(...v4Mapped, ...bytes)
}

/** Is `name` the domain itself or a name below it? Both in lower-case text without trailing dot. */
export function isBelow(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`)
}

function all(interfaces: Interfaces): NetworkInterfaceInfo[] {
  return Object.values(interfaces).flatMap((list) => list ?? [])
}

const v4Mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
const privatePrefixes = tableOf(
  ...['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', '::1/128', 'fc00::/7'],
  'fe80::/10',
)
/** Nobody has names there. */
const linkOnly = tableOf('127.0.0.0/8', '169.254.0.0/16', '::1/128', 'fe80::/10')

function tableOf(...prefixes: string[]): PrefixTable {
  return new PrefixTable(prefixes.map(prefixFromText).filter((prefix) => prefix !== undefined))
}
