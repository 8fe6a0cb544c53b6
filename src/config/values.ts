import {
  type ListenAddress,
  readClientPrefix,
  readIPv4,
  readIPv6,
  readListenAddress,
  readPrefix,
  readSocketAddress,
  readUpstream,
  type SocketAddress,
  type Upstream,
} from './address.ts'
import { readDomain } from './domain.ts'
import { type Read, textShape } from './field.ts'

/** The kinds of text that settings are made of. Each is checked once, here, and known to be good afterwards. */

/** A domain name: lower case, no trailing dot, ASCII. Never the root. */
export const domain = textShape<string>({ what: 'a domain name', example: 'example.org', read: readDomain })

export const socketAddress = textShape<SocketAddress>({
  what: 'an IP address and port',
  example: '127.0.0.1:1053',
  read: readSocketAddress,
})

/** IP:port, or tls://IP:port. */
export const listenAddress = textShape<ListenAddress>({
  what: 'IP:port or tls://IP:port, IPv6 in brackets',
  example: '127.0.0.1:1053',
  read: readListenAddress,
})

export const upstream = textShape<Upstream>({
  what: 'an IP address, IP:port, tcp://IP[:port], tls://IP[:port][#server-name] or a file path',
  example: '192.168.1.1',
  read: readUpstream,
})

/** An IP prefix in text, no host bits set: `10.0.0.0/8`. An address alone gets its full length. */
export const prefix = textShape<string>({ what: 'an IP prefix', example: '10.0.0.0/8', read: readPrefix })

/** An IP prefix, or the words `private` and `onLink`. */
export const clientPrefix = textShape<string>({
  what: 'an IP prefix, private or onLink',
  example: '10.0.0.0/8',
  read: readClientPrefix,
})

export const ipv4 = textShape<string>({ what: 'an IPv4 address', example: '192.0.2.1', read: readIPv4 })

export const ipv6 = textShape<string>({ what: 'an IPv6 address', example: '2001:db8::1', read: readIPv6 })

export const filePath = textShape<string>({
  what: 'a file path',
  example: '/etc/hosts',
  read: (text): Read<string> => (text.trim() === '' ? { error: 'the path is empty' } : { value: text }),
})

/** The content of a TXT record. */
export const shortText = textShape<string>({
  what: 'a text of at most 1000 bytes',
  example: 'hello',
  read: (text): Read<string> =>
    Buffer.byteLength(text) > 1000 ? { error: `it has ${Buffer.byteLength(text)} bytes` } : { value: text },
})

/** One line of a zone file. Its syntax is checked by the zone-file reader, which the root settings are handed. */
export const zoneRecord = textShape<string>({
  what: 'a record in zone-file syntax',
  example: 'db.lan. 300 IN A 10.0.0.5',
  read: (text): Read<string> => (text.trim() === '' ? { error: 'the record is empty' } : { value: text }),
})
