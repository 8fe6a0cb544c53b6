import os from 'node:os'
import type { Endpoint } from '../net/endpoint.ts'
import { addressText } from '../net/endpoint-text.ts'

/** An endpoint's address as node:net takes it: a link-local one with the name of its interface (RFC 4007 section 11). */
export function hostOf(endpoint: Pick<Endpoint, 'address' | 'scope'>): string {
  const text = addressText(endpoint.address)
  return endpoint.scope === 0 ? text : `${text}%${interfaceName(endpoint.scope)}`
}

function interfaceName(scope: number): string {
  for (const [name, addresses] of Object.entries(os.networkInterfaces())) {
    if (addresses?.some((one) => one.family === 'IPv6' && one.scopeid === scope)) return name
  }
  return String(scope)
}
