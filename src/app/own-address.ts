import { isIPv4 } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { canonicalAddress, hostAddress, isWildcard, type SocketAddress } from '../config/address.ts'
import { scopeOf } from './build-network.ts'

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>

/**
 * Would a question sent there come to one of our own listeners? However the addresses are written: IPv4 mapped into IPv6, a scope by name or
 * by number; a wildcard stands for all addresses of its family that this machine has.
 */
export function isOwnAddress(server: SocketAddress, own: readonly SocketAddress[], interfaces: Interfaces): boolean {
  const there = normal(server.address, interfaces)
  return own.some((listener) => {
    if (listener.port !== server.port) return false
    if (!isWildcard(listener.address)) return isSame(normal(listener.address, interfaces), there)
    if (isIPv4(listener.address) !== isIPv4(there.address)) return false
    // All of 127.0.0.0/8 is local, though the interface lists one address of it.
    return there.address.startsWith('127.') || localAddresses(interfaces).some((local) => isSame(local, there))
  })
}

interface Scoped {
  readonly address: string
  /** Index of the interface; 0 for none, or one that is not there. */
  readonly scope: number
}

/** The same link-local address may be ours on one link and a router's on the next. */
function isSame(a: Scoped, b: Scoped): boolean {
  return a.address === b.address && (a.scope === b.scope || a.scope === 0 || b.scope === 0)
}

function normal(text: string, interfaces: Interfaces): Scoped {
  const address = hostAddress(text)
  const bare = canonicalAddress(address.replace(/%.*/, ''))
  // A scope says something of link-local addresses only (RFC 4007 section 4).
  return { address: bare, scope: isLinkLocal(bare) ? scopeOf(address, interfaces) : 0 }
}

function localAddresses(interfaces: Interfaces): Scoped[] {
  const all = Object.values(interfaces).flatMap((list) => list ?? [])
  return all.map((one) => {
    const address = canonicalAddress(one.address)
    return { address, scope: one.family === 'IPv6' && isLinkLocal(address) ? (one.scopeid ?? 0) : 0 }
  })
}

/** fe80::/10. */
function isLinkLocal(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/.test(address)
}
