import type { NetworkInterfaceInfo } from 'node:os'
import type { Endpoint } from './endpoint.ts'
import { addressFromNode } from './endpoint-text.ts'

/** What `os.networkInterfaces()` returns. */
export type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>

/** Is it 0.0.0.0 or [::]? */
export function isWildcard(endpoint: Endpoint): boolean {
  return endpoint.address.every((byte) => byte === 0)
}

/**
 * A wildcard → one endpoint per local address of its family, link-local ones with their scope, so that each reply
 * leaves from the address that was asked; any other endpoint → itself. Ordered by address, each once.
 */
export function expandWildcard(endpoint: Endpoint, interfaces: Interfaces): Endpoint[] {
  if (!isWildcard(endpoint)) return [endpoint]
  const found = new Map<string, Endpoint>()
  for (const info of Object.values(interfaces).flatMap((list) => list ?? [])) {
    const address = addressFromNode(info.address)
    if (address.length !== endpoint.address.length) continue
    const scope = isLinkLocal(address) ? scopeOf(info) : 0
    found.set(`${Buffer.from(address).toString('hex')} ${scope}`, { address, port: endpoint.port, scope })
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
}

function scopeOf(info: NetworkInterfaceInfo): number {
  return info.family === 'IPv6' ? (info.scopeid ?? 0) : 0
}

/** fe80::/10 (RFC 4291 section 2.5.6). */
function isLinkLocal(address: Uint8Array): boolean {
  return address.length === 16 && address[0] === 0xfe && ((address[1] as number) & 0xc0) === 0x80
}
