import { isIPv4, SocketAddress } from 'node:net'
import type { Endpoint } from './endpoint.ts'

/** `127.0.0.1:53`, `[::1]:53`, `[fe80::1%2]:53` (the scope as the interface's index): for messages. */
export function endpointText(endpoint: Endpoint): string {
  const text = addressText(endpoint.address)
  const scope = endpoint.scope === 0 ? '' : `%${endpoint.scope}`
  return endpoint.address.length === 4 ? `${text}:${endpoint.port}` : `[${text}${scope}]:${endpoint.port}`
}

/** 4 or 16 bytes → text as Node writes it (RFC 5952). */
export function addressText(address: Uint8Array): string {
  if (address.length === 4) return address.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => wordAt(address, 2 * i).toString(16))
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address
}

/** The text of an address from Node itself, hence well-formed, with or without `%scope` → 4 or 16 bytes. */
export function addressFromNode(text: string): Uint8Array {
  if (isIPv4(text)) return Uint8Array.from(text.split('.'), Number)
  const bare = (text.split('%')[0] as string).replace(/[\d.]+$/, dottedToGroups)
  const [head, tail] = bare.split('::')
  const front = groupsOf(head)
  const back = groupsOf(tail)
  const groups = [...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back]
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))
}

function groupsOf(text: string | undefined): number[] {
  return text === undefined || text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
}

/** `::ffff:10.0.0.1` ends in dots; anything else ends as it is. */
function dottedToGroups(ending: string): string {
  if (!isIPv4(ending)) return ending
  const bytes = Uint8Array.from(ending.split('.'), Number)
  return `${wordAt(bytes, 0).toString(16)}:${wordAt(bytes, 2).toString(16)}`
}

function wordAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}
