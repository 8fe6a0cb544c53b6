import { isIP } from 'node:net'
import type { NetworkInterfaceInfo } from 'node:os'
import { hostAddress, type SocketAddress, socketAddressText } from '../config/address.ts'
import { readDomain } from '../config/domain.ts'
import { isOwnAddress } from './own-address.ts'

/** What a resolv.conf says. Addresses in text, IPv6 with its `%scope`; names in lower case without trailing dot. */
export interface ResolvConf {
  readonly nameservers: readonly SocketAddress[]
  /** `options use-vc`: over TCP. */
  readonly transport: 'udp' | 'tcp'
  readonly search: readonly string[]
  readonly ndots: number
}

/** What a reader of the file needs from outside. */
export interface ResolvConfWorld {
  /** The text of a file, or undefined when it cannot be read. */
  readText(path: string): string | undefined
  /** Where we listen: our own address is no upstream. */
  readonly own: readonly SocketAddress[]
  /** This machine's, which a wildcard in `own` stands for. */
  readonly interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>
  /** What the files said when they last named somebody else than ourselves, by path. */
  readonly known: ReadonlyMap<string, ResolvConf>
}

export interface ResolvConfRead extends ResolvConf {
  /** The files that were looked at: those to watch. */
  readonly files: readonly string[]
  /** Why the file names nobody, as the end of a sentence; what it said before stands in its place where there is such. */
  readonly fault: string | undefined
}

/** The stub listeners of systemd-resolved, and the file where it writes the servers behind them. */
const resolvedStubs: readonly string[] = ['127.0.0.53', '127.0.0.54']
const resolvedFile = '/run/systemd/resolve/resolv.conf'

const dnsPort = 53
const ndotsDefault = 1
/** Larger values are silently lowered by glibc (RES_MAXNDOTS). */
const ndotsMax = 15

/**
 * The servers of a resolv.conf that we can forward to: systemd-resolved's stub is read through to its own file, for it
 * may well forward to us, and our own addresses are taken out. A file that names nobody (it is gone, empty, half written, or names
 * ourselves alone) changes nothing: what it said before goes on. Never throws.
 */
export function readResolvConf(path: string, world: ResolvConfWorld): ResolvConfRead {
  const text = world.readText(path)
  const first = parseResolvConf(text ?? '')
  const files = [path]
  let { nameservers } = first
  if (path !== resolvedFile && nameservers.some(isStub)) {
    // Watched also while it is not there: it may come.
    files.push(resolvedFile)
    const behind = parseResolvConf(world.readText(resolvedFile) ?? '').nameservers.filter((one) => !isStub(one))
    // With no server behind it, the stub is all there is.
    if (behind.length > 0) nameservers = unique(nameservers.flatMap((one) => (isStub(one) ? behind : [one])))
  }
  const others = nameservers.filter((one) => !isOwnAddress(one, world.own, world.interfaces))
  if (others.length > 0) return { ...first, nameservers: others, files, fault: undefined }
  const before = world.known.get(path)
  const stays = before?.nameservers.filter((one) => !isOwnAddress(one, world.own, world.interfaces)) ?? []
  return { ...(before ?? first), nameservers: stays, files, fault: faultOf(text, nameservers) }
}

/**
 * resolv.conf(5), read as glibc does: keywords start their line, the last `search` or `domain` wins, junk is ignored. Besides, a port as
 * others write it: `nameserver [::1]:5353` (OpenBSD), `port 5353` for those without (macOS).
 */
export function parseResolvConf(text: string): ResolvConf {
  const servers: { readonly address: string; readonly port: number | undefined }[] = []
  let transport: 'udp' | 'tcp' = 'udp'
  let port = dnsPort
  let search: string[] = []
  let ndots = ndotsDefault
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/(^|\s)[#;].*/, '')
      .trimEnd()
      .split(/\s+/)
    const [word = ''] = words
    if (keyword === 'nameserver') servers.push(...serverOf(word))
    else if (keyword === 'port') port = portOf(word) ?? port
    else if (keyword === 'search' && words.length > 0) search = domains(words)
    else if (keyword === 'domain' && words.length > 0) search = domains([word])
    else if (keyword === 'options') {
      ndots = ndotsOf(words) ?? ndots
      if (words.includes('use-vc')) transport = 'tcp'
    }
  }
  const nameservers = servers.map((one) => ({ address: one.address, port: one.port ?? port }))
  return { nameservers: unique(nameservers), transport, search: [...new Set(search)], ndots }
}

function serverOf(word: string): { address: string; port: number | undefined }[] {
  if (isIP(word) !== 0) return [{ address: reachable(hostAddress(word)), port: undefined }]
  const [, host = '', port = ''] = /^\[([^\]]*)\]:(\d+)$/.exec(word) ?? []
  return isIP(host) === 0 || portOf(port) === undefined
    ? []
    : [{ address: reachable(hostAddress(host)), port: portOf(port) }]
}

/** To send to "any address" is to send to this machine. */
function reachable(address: string): string {
  return address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address
}

function portOf(word: string): number | undefined {
  const port = /^\d{1,5}$/.test(word) ? Number(word) : 0
  return port >= 1 && port <= 65_535 ? port : undefined
}

/** `search .` is how systemd-resolved says that there is none. */
function domains(words: readonly string[]): string[] {
  return words.map(readDomain).flatMap((read) => ('value' in read ? [read.value] : []))
}

function ndotsOf(words: readonly string[]): number | undefined {
  const values = words.flatMap((word) => /^ndots:(\d{1,9})$/.exec(word)?.[1] ?? [])
  const last = values.at(-1)
  return last === undefined ? undefined : Math.min(ndotsMax, Number(last))
}

function isStub({ address, port }: SocketAddress): boolean {
  return port === dnsPort && resolvedStubs.includes(address)
}

function faultOf(text: string | undefined, nameservers: readonly SocketAddress[]): string {
  if (text === undefined) return "can't be read"
  if (text.trim() === '') return 'is empty'
  if (nameservers.length === 0) return 'names no server'
  return `names nobody but ourselves (${nameservers.map(bareText).join(', ')})`
}

function bareText(one: SocketAddress): string {
  return one.port === dnsPort ? one.address : socketAddressText(one)
}

function unique(list: readonly SocketAddress[]): SocketAddress[] {
  return [...new Map(list.map((one) => [socketAddressText(one), one])).values()]
}
