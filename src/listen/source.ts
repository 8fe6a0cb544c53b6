import { endpointPort, sameEndpoint } from '../net/endpoint.ts'
import { AF_INET, AF_INET6 } from '../net/sys.ts'

/**
 * May a datagram from this peer be answered at all? Not from port 0, from a multicast, broadcast or unspecified address, or from the very address and port it was
 * sent to: a reply would go nowhere or come back as a query (SAFETY).
 */
export function isAnswerable(peer: Uint8Array, at: number, own: Uint8Array): boolean {
  if (endpointPort(peer, at) === 0) return false
  if (peer[at] === AF_INET) {
    const first = peer[at + 4] as number
    if (first >= 224 || first === 0) return false
  } else if (peer[at] === AF_INET6) {
    if (peer[at + 8] === 0xff || isZero(peer, at + 8)) return false
  } else return false
  return !sameEndpoint(peer, at, own, 0)
}

function isZero(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 16; i++) if (bytes[at + i] !== 0) return false
  return true
}
