import { createSocket, type Socket, type SocketOptions } from 'node:dgram'
import type { Clock } from '../base/clock.ts'
import type { Endpoint } from './endpoint.ts'
import { endpointText } from './endpoint-text.ts'
import type { DatagramPort, ListenerSocket, Reactor, Ready, Turn } from './reactor.ts'
import { receiveBufferBytes } from './sockets.ts'
import { dgramAddress, NodePort } from './udp-node.ts'

/** Longest wait: how late the stop flag is seen when nobody kicks. */
const waitMsMax = 100

export interface NodeReactorOptions {
  readonly clock: Clock
  /** Shared memory; ends the loop when [0] is not 0. */
  readonly stop: Int32Array
}

export interface NodeReactor extends Reactor {
  /** To be called when a message came: asks for a turn with `ready.kicked`. */
  kick(): void
}

export function createNodeReactor(options: NodeReactorOptions): NodeReactor {
  return new DgramReactor(options)
}

/** The same turn, driven by Node's own loop: at once (`setImmediate`) when something came, else by one timer. */
class DgramReactor implements NodeReactor {
  readonly engine = 'dgram'
  private readonly clock: Clock
  private readonly stopFlag: Int32Array
  private readonly ports = new Set<NodePort>()
  private readonly ready: Ready = { kicked: false, upstreams: [], upstreamCount: 0, listeners: [], listenerCount: 0 }
  private turn: Turn | undefined
  private turns = 0
  private kicked = false
  private immediate: NodeJS.Immediate | undefined
  private timer: NodeJS.Timeout | undefined

  constructor(options: NodeReactorOptions) {
    this.clock = options.clock
    this.stopFlag = options.stop
  }

  openListener(listener: ListenerSocket): DatagramPort {
    const { endpoint } = listener
    const socket = bind(endpoint, dgramAddress(endpoint), endpoint.port)
    if (typeof socket === 'string') throw new Error(`cannot listen on ${endpointText(endpoint)} (UDP): ${socket}`)
    enlarge(socket)
    const port = this.add(socket, undefined)
    port.tag = listener.id
    return port
  }

  openUpstream(remote: Endpoint, localPort: number): DatagramPort | undefined {
    const socket = bind(remote, remote.address.length === 16 ? '::' : '0.0.0.0', localPort)
    if (typeof socket === 'string') return undefined
    const port = this.add(socket, remote)
    socket.connect(remote.port, dgramAddress(remote))
    if (isConnected(socket)) return port
    port.close()
    return undefined
  }

  run(turn: Turn): void {
    this.turn = turn
    this.wake()
  }

  kick(): void {
    this.kicked = true
    this.wake()
  }

  stop(): void {
    Atomics.store(this.stopFlag, 0, 1)
    this.wake()
  }

  private add(socket: Socket, remote: Endpoint | undefined): NodePort {
    const port = new NodePort(socket, remote, this.wake)
    this.ports.add(port)
    socket.on('close', () => this.ports.delete(port))
    return port
  }

  private readonly wake = (): void => {
    if (this.turn !== undefined) this.immediate ??= setImmediate(this.once)
  }

  private readonly once = (): void => {
    this.immediate = undefined
    clearTimeout(this.timer)
    if (Atomics.load(this.stopFlag, 0) !== 0) {
      this.end()
      return
    }
    const now = this.clock.now()
    this.collect()
    const due = this.turn?.(now, this.ready) ?? Infinity
    // What the turn left behind is still ready, as with epoll.
    for (const port of this.ports) if (port.ready) this.wake()
    const waitMs = Math.min(waitMsMax, Math.ceil(due - now))
    if (waitMs <= 0) this.wake()
    else this.timer = setTimeout(this.wake, waitMs)
  }

  private collect(): void {
    const { ready } = this
    ready.kicked = this.kicked
    this.kicked = false
    const found = [...this.ports].filter((port) => port.ready)
    const listeners = found.filter((port) => !port.connected)
    const first = listeners.length === 0 ? 0 : this.turns++ % listeners.length
    fill(
      ready.upstreams,
      found.filter((port) => port.connected),
    )
    fill(ready.listeners, [...listeners.slice(first), ...listeners.slice(0, first)])
    ready.upstreamCount = ready.upstreams.length
    ready.listenerCount = ready.listeners.length
  }

  private end(): void {
    this.turn = undefined
    for (const port of this.ports) port.close()
  }
}

/** Binds at once, since the lookup hands numeric addresses straight back. A sentence's end when it can't. */
function bind(family: Endpoint, address: string, port: number): Socket | string {
  const v6 = family.address.length === 16
  const options: SocketOptions = { type: v6 ? 'udp6' : 'udp4', lookup: numericLookup }
  const socket = createSocket(v6 ? { ...options, ipv6Only: true } : options)
  let problem: NodeJS.ErrnoException | undefined
  const keep = (error: Error): void => {
    problem = error
  }
  socket.once('error', keep)
  socket.bind({ port, address, exclusive: true })
  socket.off('error', keep)
  if (problem === undefined) return socket
  socket.close()
  return sentenceOf(problem)
}

function sentenceOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'EADDRINUSE') return 'the port is in use by another program'
  if (code === 'EADDRNOTAVAIL') return 'this machine has no such address'
  if (code === 'EACCES') return 'permission denied (a port below 1024 needs CAP_NET_BIND_SERVICE)'
  return message
}

const numericLookup: NonNullable<SocketOptions['lookup']> = (hostname, _options, callback) => {
  callback(null, hostname, hostname.includes(':') ? 6 : 4)
}

function isConnected(socket: Socket): boolean {
  try {
    return socket.remoteAddress().port !== 0
  } catch {
    return false
  }
}

/** Some systems refuse more than they grant instead of granting what they have. */
function enlarge(socket: Socket): void {
  try {
    socket.setRecvBufferSize(receiveBufferBytes)
  } catch {
    // The size that it has must do: the start-up line of the reactor does not promise one.
  }
}

function fill<T>(list: T[], items: readonly T[]): void {
  list.splice(0, list.length, ...items)
}
