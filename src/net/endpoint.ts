import { AF_INET, AF_INET6 } from './sys.ts'

/**
 * An address and a port in the kernel's own layout (`struct sockaddr_in` or `sockaddr_in6`, 28 of 32 bytes used), the
 * form that travels with every datagram, so that a reply needs no conversion.
 *
 *   IPv4:  family u16 (host order) · port u16 (network order) · address 4 · zeros
 *   IPv6:  family u16 · port u16 · flowinfo u32 · address 16 · scope u32 (host order)
 */
export const endpointBytes = 32

export interface Endpoint {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array
  readonly port: number
  /** Interface index for IPv6 link-local addresses, else 0. */
  readonly scope: number
}

/** Writes an endpoint; returns the length that the kernel wants to hear (16 or 28). */
export function writeEndpoint(endpoint: Endpoint, to: Uint8Array, at: number): number {
  to.fill(0, at, at + endpointBytes)
  const v6 = endpoint.address.length === 16
  to[at] = v6 ? AF_INET6 : AF_INET
  to[at + 2] = endpoint.port >> 8
  to[at + 3] = endpoint.port & 0xff
  to.set(endpoint.address, at + (v6 ? 8 : 4))
  if (v6) new DataView(to.buffer, to.byteOffset).setUint32(at + 24, endpoint.scope, true)
  return v6 ? 28 : 16
}

export function readEndpoint(from: Uint8Array, at: number): Endpoint {
  const v6 = from[at] === AF_INET6
  return {
    address: from.slice(at + (v6 ? 8 : 4), at + (v6 ? 24 : 8)),
    port: endpointPort(from, at),
    scope: v6 ? new DataView(from.buffer, from.byteOffset).getUint32(at + 24, true) : 0,
  }
}

export function endpointPort(from: Uint8Array, at: number): number {
  return ((from[at + 2] as number) << 8) | (from[at + 3] as number)
}

export function endpointLength(from: Uint8Array, at: number): number {
  return from[at] === AF_INET6 ? 28 : 16
}

/** The address alone, as 16 bytes (IPv4 mapped), allocation-free. */
export function endpointAddress(from: Uint8Array, at: number, to: Uint8Array, toAt: number): void {
  if (from[at] === AF_INET6) {
    for (let i = 0; i < 16; i++) to[toAt + i] = from[at + 8 + i] as number
    return
  }
  for (let i = 0; i < 10; i++) to[toAt + i] = 0
  to[toAt + 10] = 0xff
  to[toAt + 11] = 0xff
  for (let i = 0; i < 4; i++) to[toAt + 12 + i] = from[at + 4 + i] as number
}

/** Same address and port? Flow labels don't count. */
export function sameEndpoint(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  const length = endpointLength(a, aAt)
  for (let i = 0; i < length; i++) {
    if (i === 4 && length === 28) i = 8
    if (a[aAt + i] !== b[bAt + i]) return false
  }
  return true
}
