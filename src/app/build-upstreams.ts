import { type SocketAddress, socketAddressText, type Upstream } from '../config/address.ts'
import { type UpstreamData, upstreamsMax } from '../link/plan-data.ts'
import { SetupError } from '../threads/setup-error.ts'
import { addressFromText } from '../wire/text.ts'
import { isPrivateAddress, localAddresses, scopeOf } from './build-network.ts'
import { type ResolvConfRead, readResolvConf } from './resolv-conf.ts'
import type { World } from './world.ts'

type Server = SocketAddress & { readonly transport: UpstreamData['transport']; readonly serverName?: string }

const dnsPort = 53

/**
 * The servers of all routes, each listed once: a server that two routes share has one health and one pool of sockets.
 * A file in the form of resolv.conf stands for the servers it names, our own addresses left out.
 */
export class UpstreamList {
  readonly list: UpstreamData[]
  /** The files behind them, also those that could not be read: they may come. */
  readonly files: string[] = []
  /** The search domains of those files. */
  readonly search = new Set<string>()
  readonly warnings: string[] = []
  private readonly own: readonly SocketAddress[]
  private readonly world: World

  /**
   * @param own where we listen
   * @param before the list of the plan before: a server keeps its place for good, so that its counters keep its name
   */
  constructor(own: readonly SocketAddress[], world: World, before: readonly UpstreamData[]) {
    this.list = [...before]
    this.own = own
    this.world = world
  }

  /** Places in `list` of what a route names. */
  indexes(upstreams: readonly Upstream[]): number[] {
    const servers = upstreams.flatMap((one): Server[] => (one.kind === 'server' ? [one] : this.serversOf(one.path)))
    return [...new Set(servers.map((server) => this.add(server)))]
  }

  /** Takes up the search domains of a resolv.conf, and returns what it says. */
  readFile(path: string): ResolvConfRead {
    const read = readResolvConf(path, {
      readText: this.world.readText,
      own: this.own,
      localAddresses: localAddresses(this.world.interfaces()),
    })
    for (const file of [path, ...read.files]) if (!this.files.includes(file)) this.files.push(file)
    for (const domain of read.search) this.search.add(domain)
    return read
  }

  private serversOf(path: string): Server[] {
    const { files, nameservers, removed } = this.readFile(path)
    if (files.length === 0) this.warnings.push(`${path} can't be read: it names no upstream until it can`)
    else if (nameservers.length === 0) {
      const whom = removed.length === 0 ? 'no server' : `nobody but ourselves (${removed.join(', ')})`
      this.warnings.push(`${path} names ${whom}`)
    }
    return nameservers.map((address) => ({ address, port: dnsPort, transport: 'udp' }))
  }

  private add({ address, port, transport, serverName }: Server): number {
    const bytes = addressFromText(address.replace(/%.*/, ''))
    if (bytes === undefined) throw new SetupError(`${address} is not an IP address`)
    const scheme = transport === 'udp' ? '' : `${transport}://`
    const name = `${scheme}${socketAddressText({ address, port })}${serverName === undefined ? '' : `#${serverName}`}`
    const known = this.list.findIndex((one) => one.name === name)
    if (known !== -1) return known
    if (this.list.length === upstreamsMax) {
      throw new SetupError(`upstreams: more than ${upstreamsMax} different servers are named in all`)
    }
    const scope = scopeOf(address, this.world.interfaces())
    const isPrivate = isPrivateAddress(bytes)
    return this.list.push({ name, transport, serverName, address: bytes, port, scope, isPrivate }) - 1
  }
}
