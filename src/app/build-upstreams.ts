import { type SocketAddress, socketAddressText, type Upstream } from '../config/address.ts'
import { type UpstreamData, upstreamsMax } from '../link/plan-data.ts'
import { SetupError } from '../threads/setup-error.ts'
import { addressFromText } from '../wire/text.ts'
import { isPrivateAddress, scopeOf } from './build-network.ts'
import { type ResolvConf, type ResolvConfRead, readResolvConf } from './resolv-conf.ts'
import type { World } from './world.ts'

type Server = SocketAddress & { readonly transport: UpstreamData['transport']; readonly serverName?: string }

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
  /** What each of the files said when it last named somebody, by path. */
  readonly known: Map<string, ResolvConf>
  private readonly own: readonly SocketAddress[]
  private readonly world: World

  /**
   * @param own where we listen
   * @param before the list of the plan before: a server keeps its place for good, so that its counters keep its name
   * @param known what the files said before
   */
  constructor(
    own: readonly SocketAddress[],
    world: World,
    before: readonly UpstreamData[],
    known: ReadonlyMap<string, ResolvConf>,
  ) {
    this.list = [...before]
    this.own = own
    this.world = world
    this.known = new Map(known)
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
      interfaces: this.world.interfaces(),
      known: this.known,
    })
    if (read.fault === undefined) this.known.set(path, read)
    for (const file of read.files) if (!this.files.includes(file)) this.files.push(file)
    for (const domain of read.search) this.search.add(domain)
    return read
  }

  private serversOf(path: string): Server[] {
    const { nameservers, transport, fault } = this.readFile(path)
    const servers = nameservers.map((one) => ({ ...one, transport }))
    if (fault === undefined) return servers
    const whom = servers.map(nameOf).join(', ')
    const then = servers.length === 0 ? 'it gives no upstream until that changes' : `the servers it named stay: ${whom}`
    this.warnings.push(`${path} ${fault}; ${then}`)
    return servers
  }

  private add(server: Server): number {
    const { address, port, transport, serverName } = server
    const bytes = addressFromText(address.replace(/%.*/, ''))
    if (bytes === undefined) throw new SetupError(`${address} is not an IP address`)
    const name = nameOf(server)
    const scope = scopeOf(address, this.world.interfaces())
    const isPrivate = isPrivateAddress(bytes)
    const data = { name, transport, serverName, address: bytes, port, scope, isPrivate }
    const known = this.list.findIndex((one) => one.name === name)
    if (known !== -1) {
      // An interface that went and came back has another index.
      this.list[known] = data
      return known
    }
    if (this.list.length === upstreamsMax) {
      throw new SetupError(`upstreams: more than ${upstreamsMax} different servers are named in all`)
    }
    return this.list.push(data) - 1
  }
}

function nameOf({ address, port, transport, serverName }: Server): string {
  const scheme = transport === 'udp' ? '' : `${transport}://`
  return `${scheme}${socketAddressText({ address, port })}${serverName === undefined ? '' : `#${serverName}`}`
}
