import { isIP, isIPv4 } from 'node:net'
import { canonicalAddress, hostAddress, isWildcard, type SocketAddress } from '../config/address.ts'
import { readDomain } from '../config/domain.ts'

/** What a resolv.conf says. Addresses in text, IPv6 with its `%scope`; names in lower case without trailing dot. */
export interface ResolvConf {
  readonly nameservers: readonly string[]
  readonly search: readonly string[]
  readonly ndots: number
}

/** What a reader of the file needs from outside. */
export interface ResolvConfWorld {
  /** The text of a file, or undefined when it cannot be read. */
  readText(path: string): string | undefined
  /** Where we listen: our own address is no upstream. */
  readonly own: readonly SocketAddress[]
  /** The addresses of this machine's interfaces, which a wildcard in `own` stands for. */
  readonly localAddresses: readonly string[]
}

export interface ResolvConfRead extends ResolvConf {
  /** Our own addresses, which were taken out of `nameservers`. */
  readonly removed: readonly string[]
  /** The files that were read: those to watch. Empty when the first one cannot be read. */
  readonly files: readonly string[]
}

/** The stub listener of systemd-resolved, and the file where it writes the servers behind it. */
const resolvedStub = '127.0.0.53'
const resolvedFile = '/run/systemd/resolve/resolv.conf'

const dnsPort = 53
const ndotsDefault = 1
/** Larger values are silently lowered by glibc (RES_MAXNDOTS). */
const ndotsMax = 15

/**
 * The servers of a resolv.conf that we can forward to: systemd-resolved's stub is read through to its own file, for it
 * may well forward to us, and our own addresses are taken out. Never throws.
 */
export function readResolvConf(path: string, world: ResolvConfWorld): ResolvConfRead {
  const text = world.readText(path)
  if (text === undefined) return { nameservers: [], search: [], ndots: ndotsDefault, removed: [], files: [] }
  const first = parseResolvConf(text)
  const files = [path]
  let nameservers = first.nameservers
  if (nameservers.includes(resolvedStub) && path !== resolvedFile) {
    const behind = world.readText(resolvedFile)
    if (behind !== undefined) {
      files.push(resolvedFile)
      const real = parseResolvConf(behind).nameservers
      // With no server behind it, the stub is all there is.
      if (real.length > 0) nameservers = unique(nameservers.flatMap((one) => (one === resolvedStub ? real : [one])))
    }
  }
  const removed = nameservers.filter((address) => isOwn(address, world))
  return { ...first, nameservers: nameservers.filter((one) => !removed.includes(one)), removed, files }
}

/** resolv.conf(5), read as glibc does: keywords start their line, the last `search` or `domain` wins, junk is ignored. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = []
  let search: string[] = []
  let ndots = ndotsDefault
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/(^|\s)[#;].*/, '')
      .trimEnd()
      .split(/\s+/)
    const [word = ''] = words
    if (keyword === 'nameserver' && isIP(word) !== 0) nameservers.push(hostAddress(word))
    else if (keyword === 'search' && words.length > 0) search = domains(words)
    else if (keyword === 'domain' && words.length > 0) search = domains([word])
    else if (keyword === 'options') ndots = ndotsOf(words) ?? ndots
  }
  return { nameservers: unique(nameservers), search: unique(search), ndots }
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

function isOwn(address: string, { own, localAddresses }: ResolvConfWorld): boolean {
  return own.some((listener) => {
    if (listener.port !== dnsPort) return false
    if (!isWildcard(listener.address)) return bare(listener.address) === bare(address)
    if (isIPv4(listener.address) !== isIPv4(address)) return false
    // All of 127.0.0.0/8 is local, though the interface lists one address of it.
    return address.startsWith('127.') || localAddresses.some((local) => bare(local) === bare(address))
  })
}

function bare(address: string): string {
  return canonicalAddress(address.replace(/%.*/, ''))
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)]
}
