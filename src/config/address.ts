import { isIP, isIPv4, isIPv6 } from 'node:net'
import type { Read } from './field.ts'

/** `address` is an IP address in text (canonicalAddress), without brackets. */
export interface SocketAddress {
  readonly address: string
  readonly port: number
}

/** Where clients are served: over UDP and TCP, or over TLS. */
export interface ListenAddress extends SocketAddress {
  readonly transport?: 'tls'
}

/** A server that is asked over one transport. `text` is how the operator wrote it, for messages and labels. */
export interface UpstreamServer extends SocketAddress {
  readonly kind: 'server'
  readonly transport: 'udp' | 'tcp' | 'tls'
  /** That its certificate must have; undefined: its address (tls alone). */
  readonly serverName?: string
  readonly text: string
}

/** Where questions go: a server, or a file in the form of resolv.conf that names servers. */
export type Upstream = UpstreamServer | { readonly kind: 'file'; readonly path: string; readonly text: string }

const dnsPort = 53
/** RFC 7858 section 3.1. */
const tlsPort = 853

/** `127.0.0.1:53`, `tls://127.0.0.1:853`: the way back from readListenAddress. */
export function listenAddressText(listen: ListenAddress): string {
  return `${listen.transport === 'tls' ? 'tls://' : ''}${socketAddressText(listen)}`
}

/** IP:port, or tls://IP:port (port 853 if none). */
export function readListenAddress(text: string): Read<ListenAddress> {
  if (!/^tls:\/\//i.test(text)) return readSocketAddress(text)
  const behind = text.slice('tls://'.length)
  const read = readSocketAddress(isIP(behind) === 0 ? behind : socketAddressText({ address: behind, port: tlsPort }))
  if ('value' in read) return { value: { ...read.value, transport: 'tls' } }
  return read.suggestion === undefined ? read : { ...read, suggestion: `tls://${read.suggestion}` }
}

/** `127.0.0.1:53`, `[::1]:53`: the way back from readSocketAddress. */
export function socketAddressText({ address, port }: SocketAddress): string {
  return isIPv4(address) ? `${address}:${port}` : `[${address}]:${port}`
}

/** IP:port, IPv6 in brackets. */
export function readSocketAddress(text: string): Read<SocketAddress> {
  const scheme = /^([a-z]+):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === 'https') return notBuilt(`${scheme}://`)
  if (scheme !== undefined) return { error: `there is no ${scheme}:// here: UDP and TCP are both served on IP:port` }
  if (isIP(text) !== 0) {
    return { error: 'the port is missing', suggestion: socketAddressText({ address: text, port: dnsPort }) }
  }
  const { host, port, error } = split(text)
  if (error !== undefined) return { error }
  if (host === '') return { error: 'the address is missing', suggestion: `0.0.0.0${text}` }
  if (isIP(host) === 0) return { error: `\`${host}\` is not an IP address` }
  if (port === undefined) return { error: 'the port is missing' }
  return { value: { address: hostAddress(host), port } }
}

/** IP, IP:port, tcp://IP, tcp://IP:port (port 53 if none), tls://IP#name, tls://IP:port#name (port 853), or the path of a file. */
export function readUpstream(text: string): Read<Upstream> {
  if (text.startsWith('/') || text.startsWith('./') || text.startsWith('../')) {
    return { value: { kind: 'file', path: text, text } }
  }
  const scheme = /^([a-z]+):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === 'https') return notBuilt(`${scheme}://`)
  if (scheme !== undefined && scheme !== 'tcp' && scheme !== 'tls') return { error: `there is no ${scheme}:// here` }
  const transport = scheme === 'tcp' || scheme === 'tls' ? scheme : 'udp'
  const behind = scheme === undefined ? text : text.slice(scheme.length + '://'.length)
  const hash = behind.indexOf('#')
  const rest = hash < 0 ? behind : behind.slice(0, hash)
  const serverName = hash < 0 ? undefined : behind.slice(hash + 1).toLowerCase()
  if (serverName !== undefined && transport !== 'tls') return { error: 'only tls:// has a server name behind #' }
  if (serverName !== undefined && !serverNameForm.test(serverName)) {
    return { error: `\`${serverName}\` is no host name for a certificate to have` }
  }
  const whole: ReturnType<typeof split> = isIP(rest) !== 0 ? { host: rest } : split(rest)
  if (whole.error !== undefined) return { error: whole.error }
  const { host, port = transport === 'tls' ? tlsPort : dnsPort } = whole
  if (isIP(host) === 0 && transport === 'tls' && serverName === undefined) {
    return { error: `\`${host}\` is not an IP address: a TLS upstream is written tls://IP#${host}` }
  }
  if (isIP(host) === 0)
    return { error: `\`${host}\` is not an IP address, and to look a name up we would need an upstream` }
  if (isWildcard(hostAddress(host))) return { error: 'a wildcard address is no server' }
  return {
    value: {
      kind: 'server',
      transport,
      address: hostAddress(host),
      port,
      text,
      ...(serverName === undefined ? {} : { serverName }),
    },
  }
}

const serverNameForm = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/

/** An IP prefix → the same with its length written out: `10.0.0.0/8`, `::1/128`. */
export function readPrefix(text: string): Read<string> {
  const slash = text.indexOf('/')
  const address = slash < 0 ? text : text.slice(0, slash)
  const family = isIP(address)
  if (family === 0 || address.includes('%')) return { error: `\`${address}\` is not an IP address` }
  const bits = family === 4 ? 32 : 128
  const lengthText = slash < 0 ? String(bits) : text.slice(slash + 1)
  const length = /^\d{1,3}$/.test(lengthText) ? Number(lengthText) : Number.NaN
  if (!(length <= bits)) return { error: `the prefix length is a number from 0 to ${bits}` }
  const network = masked(address, length)
  if (network !== canonicalAddress(address)) {
    return { error: `bits are set behind the first ${length}`, suggestion: `${network}/${length}` }
  }
  return { value: `${network}/${length}` }
}

/** An IP prefix, or one of the words that stand for several. */
export function readClientPrefix(text: string): Read<string> {
  return text === 'private' || text === 'onLink' ? { value: text } : readPrefix(text)
}

export function readIPv4(text: string): Read<string> {
  return isIPv4(text) ? { value: text } : { error: 'it is not an IPv4 address' }
}

export function readIPv6(text: string): Read<string> {
  return isIPv6(text) && !text.includes('%') ? { value: text } : { error: 'it is not an IPv6 address' }
}

/** One text per address: IPv6 as RFC 5952 writes it (the URL parser does), a `%scope` kept; IPv4 has one form only. */
export function canonicalAddress(address: string): string {
  if (!isIPv6(address)) return address
  const [bare = '', ...scope] = address.split('%')
  return [new URL(`http://[${bare}]`).hostname.slice(1, -1), ...scope].join('%')
}

/** As canonicalAddress; an IPv4 address that is written as a mapped one (RFC 4291 section 2.5.5.2) is the IPv4 address: no socket has the other. */
export function hostAddress(host: string): string {
  const address = canonicalAddress(host)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address)
  if (mapped === null) return address
  const [high = 0, low = 0] = mapped.slice(1).map((group) => Number.parseInt(group, 16))
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}

/** `0.0.0.0` or `::`, however written. */
export function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || (isIPv6(address) && canonicalAddress(address) === '::')
}

function notBuilt(scheme: string): Read<never> {
  return { error: `${scheme} is not built yet: this version speaks UDP, TCP and TLS`, unbuilt: true }
}

/** `host:port`, `[v6]:port`, `host`; the port must be a number from 1 to 65535. */
function split(text: string): { host: string; port?: number; error?: string } {
  const parts = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(text)
  if (parts === null) return { host: text, error: 'an IPv6 address with a port stands in brackets: [::1]:53' }
  const host = parts[1] ?? parts[2] ?? ''
  if (parts[3] === undefined) return { host }
  const port = /^\d{1,5}$/.test(parts[3]) ? Number(parts[3]) : 0
  if (port < 1 || port > 65_535) return { host, error: `\`${parts[3]}\` is not a port: expected 1 to 65535` }
  return { host, port }
}

/** The address with all bits behind the first `length` cleared. */
function masked(address: string, length: number): string {
  const width = isIPv4(address) ? 8 : 16
  const parts = isIPv4(address) ? address.split('.').map(Number) : groups(canonicalAddress(address))
  const ones = (1 << width) - 1
  const kept = parts.map((part, i) => part & ~(ones >> Math.min(width, Math.max(0, length - i * width))))
  return isIPv4(address) ? kept.join('.') : canonicalAddress(kept.map((part) => part.toString(16)).join(':'))
}

/** The eight groups of a canonical IPv6 address. */
function groups(address: string): number[] {
  const [head = [], tail = []] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''))
  const zeros = new Array<string>(8 - head.length - tail.length).fill('0')
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16))
}
