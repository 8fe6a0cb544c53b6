/** A scripted upstream on UDP and TCP: it answers as a test says, and remembers what it was asked. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Endpoint, framed } from './client.ts'
import { type Message, parse, RCODES, reply, typeNumber } from './message.ts'
import { freePort } from './ports.ts'

export interface Asked extends Message {
  readonly transport: 'udp' | 'tcp'
  readonly from: Endpoint
  /** Number of the TCP connection, from 1; 0 on UDP. */
  readonly connection: number
  /** `performance.now()` when it came. */
  readonly at: number
  readonly name: string
  readonly type: number
}

/** Packets to send back, in order; nothing is silence. A script may wait before it answers. */
export type Answer = Buffer | readonly Buffer[] | undefined
export type Script = (asked: Asked) => Answer | Promise<Answer>

export interface Upstream extends Endpoint {
  /** `ADDRESS:PORT`, as the configuration names it. */
  readonly target: string
  /** Every question but dnsweir's own probes, oldest first. */
  readonly asked: Asked[]
  /** dnsweir's own probes, for loops and for wildcards. */
  readonly probes: Asked[]
  readonly connections: () => number
  /** May be replaced while it runs. */
  script: Script
  /** How many questions came for a name (any letter case), of a type if given. */
  count(name?: string, type?: string): number
  close(): Promise<void>
}

export interface UpstreamOptions {
  readonly address?: string
  readonly port?: number
  /** Probes are answered NXDOMAIN here unless the script wants them. */
  readonly scriptProbes?: boolean
  /** Close a TCP connection after this many replies. */
  readonly closeAfter?: number
}

/** A loop probe's name has two random labels, that of a probe for wildcards one, below a search suffix. */
const PROBE = /^[0-9a-f]{16}\.[0-9a-f]{16}\./
const WILDCARD_PROBE = /^[0-9a-f]{16}\./

export async function startUpstream(script: Script, options: UpstreamOptions = {}): Promise<Upstream> {
  const address = options.address ?? '127.0.0.1'
  const port = options.port ?? (await freePort([address]))
  const asked: Asked[] = []
  const probes: Asked[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const udp = createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 4 << 20 })
  udp.bind(port, address)
  await once(udp, 'listening')
  const tcp = createServer((socket) => serveConnection(socket, ++connections))
  tcp.listen(port, address)
  await once(tcp, 'listening')

  const self: Upstream = {
    address,
    port,
    target: address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`,
    asked,
    probes,
    connections: () => connections,
    script,
    count(name, type) {
      const wanted = name?.toLowerCase().replace(/\.?$/, '.')
      return asked.filter(
        (one) =>
          (wanted === undefined || one.name.toLowerCase() === wanted) &&
          (type === undefined || one.type === typeNumber(type)),
      ).length
    },
    async close() {
      udp.close()
      for (const socket of sockets) socket.destroy()
      tcp.close()
      await once(tcp, 'close')
    },
  }
  udp.on('message', (bytes, from) => {
    void respond(bytes, 'udp', from, 0, (packet) => udp.send(packet, from.port, from.address, ignore))
  })
  return self

  function serveConnection(socket: Socket, connection: number): void {
    const from = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
    let unread = Buffer.alloc(0)
    let replies = 0
    sockets.add(socket)
    socket.on('error', ignore)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      unread = Buffer.concat([unread, chunk])
      while (unread.length >= 2 && unread.length >= 2 + unread.readUInt16BE(0)) {
        const end = 2 + unread.readUInt16BE(0)
        void respond(unread.subarray(2, end), 'tcp', from, connection, (packet) => {
          if (!socket.destroyed) socket.write(framed(packet))
          if (++replies === options.closeAfter) socket.end()
        })
        unread = unread.subarray(end)
      }
    })
  }

  async function respond(
    bytes: Buffer,
    transport: 'udp' | 'tcp',
    from: Endpoint,
    connection: number,
    send: (packet: Buffer) => void,
  ): Promise<void> {
    const message = parse(bytes)
    const { name = '', type = 0 } = message.questions[0] ?? {}
    const one: Asked = { ...message, transport, from, connection, at: performance.now(), name, type }
    const isProbe =
      type === typeNumber('HINFO') ? PROBE.test(name) : type === typeNumber('A') && WILDCARD_PROBE.test(name)
    ;(isProbe ? probes : asked).push(one)
    if (isProbe && !options.scriptProbes) return send(reply(message, { rcode: RCODES.NXDOMAIN }))
    const answer = await self.script(one)
    if (answer === undefined) return
    try {
      for (const packet of Array.isArray(answer) ? answer : [answer as Buffer]) send(packet)
    } catch (error) {
      // A delayed answer may meet a socket that the test has closed by then.
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SOCKET_DGRAM_NOT_RUNNING') throw error
    }
  }
}

/** A script for the plain case: an address for every A, NODATA with SOA for the rest. */
export const anyAddress: Script = (asked) =>
  asked.type === typeNumber('A')
    ? reply(asked, { answers: [`${asked.name} 300 A 192.0.2.1`] })
    : reply(asked, { authority: [soa(asked.name)] })

/** NXDOMAIN with the SOA of `zone`. */
export function nxdomain(asked: Message, zone = 'test', ttl = 60, minimum = 60): Buffer {
  return reply(asked, { rcode: RCODES.NXDOMAIN, authority: [soa(zone, ttl, minimum)] })
}

export function soa(zone: string, ttl = 60, minimum = 60): string {
  return `${zone} ${ttl} SOA ns.${zone} root.${zone} 1 7200 3600 86400 ${minimum}`.replaceAll('..', '.')
}

/** Waits, then gives the packet. */
export async function after(ms: number, packet: Answer): Promise<Answer> {
  await sleep(ms)
  return packet
}

function ignore(): void {
  // A client that has gone is no matter for an upstream.
}
