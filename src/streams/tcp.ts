import { createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { connections as connectionCounters, gauges, streamsRefused } from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { endpointBytes, writeEndpoint } from '../net/endpoint.ts'
import { addressFromNode, endpointText } from '../net/endpoint-text.ts'
import type { ListenerSocket } from '../net/reactor.ts'
import { errnoSentence } from '../net/sys.ts'
import { ClientConnection, type ConnectionHost } from './connection.ts'
import { hostOf } from './host.ts'
import type { StreamLimits } from './limits.ts'
import { Handshakes } from './tls.ts'

export interface TcpDeps {
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  readonly limits: StreamLimits
  isReady(connection: ClientConnection): boolean
  submit(connection: ClientConnection, bytes: Uint8Array, at: number, length: number): boolean
  /** A connection was accepted. */
  opened(): void
}

/** The listeners for TCP and TLS, and the connections that came in by them. */
export class TcpClients implements ConnectionHost {
  /** A change holds for what comes: nobody is cut off by it. */
  limits: StreamLimits
  private readonly deps: TcpDeps
  private readonly servers = new Map<number, Server>()
  /** By id; a connection that is closed stays until the last of its queries was replied to, so that credits come out even. */
  private readonly connections = new Map<number, ClientConnection>()
  private readonly perAddress = new Map<string, number>()
  private readonly touched: ClientConnection[] = []
  readonly handshakes: Handshakes
  private openCount = 0
  private bufferedBytes = 0
  private nextId: number

  constructor(deps: TcpDeps) {
    this.deps = deps
    this.limits = deps.limits
    this.handshakes = new Handshakes(deps.limits.handshakeMs)
    this.nextId = deps.random.u32()
  }

  /**
   * Opens the listeners whose id is new, then closes those that are no longer listed; their connections live on. A listener's fd is Node's
   * from now on, and closed by it. Returns a sentence for each that could not be opened.
   */
  async setListeners(listeners: readonly ListenerSocket[]): Promise<readonly string[]> {
    const wanted = new Set(listeners.map((one) => one.id))
    const problems = await Promise.all(
      listeners.filter((one) => !this.servers.has(one.id)).map((one) => this.listen(one)),
    )
    for (const [id, server] of this.servers) {
      if (wanted.has(id)) continue
      this.servers.delete(id)
      server.close()
    }
    return problems.filter((problem) => problem !== undefined)
  }

  /** A reply record for (`id`): true when it ended a query that is waited for. */
  reply(id: number, bytes: Uint8Array, at: number, length: number): boolean {
    const connection = this.connections.get(id)
    if (connection === undefined || connection.outstanding === 0) return false
    connection.reply(bytes, at, length)
    if (!connection.isOpen && connection.outstanding === 0) this.connections.delete(id)
    if (!connection.isTouched) {
      connection.isTouched = true
      this.touched.push(connection)
    }
    return true
  }

  /** After a batch of replies. */
  settle(): void {
    for (const connection of this.touched) connection.settle()
    this.touched.length = 0
  }

  /** The shard is dead, and with it the replies it owed: who waits for one had better ask again. */
  loseShard(shard: number): void {
    for (const connection of this.connections.values()) {
      if (connection.shard !== shard || connection.outstanding === 0) continue
      connection.outstanding = 0
      if (connection.isOpen) connection.destroy()
      else this.connections.delete(connection.id)
    }
  }

  /** A shard is there again. */
  pump(): void {
    for (const connection of this.connections.values()) connection.pump()
  }

  sweep(now: number): void {
    for (const connection of this.connections.values()) if (connection.isOpen) connection.sweep(now)
    this.handshakes.sweep(now)
  }

  /** Accepts nobody, and ends connections as their last reply goes out. */
  finish(): void {
    this.stopListening()
    for (const connection of this.connections.values()) connection.finish()
  }

  /** Is a reply owed, or written and not yet taken? */
  get isOwing(): boolean {
    for (const connection of this.connections.values()) if (connection.isOwing) return true
    return false
  }

  get open(): number {
    return this.openCount
  }

  close(): void {
    this.stopListening()
    this.handshakes.close()
    for (const connection of this.connections.values()) connection.destroy()
  }

  // What connections ask of their host.

  isReady(connection: ClientConnection): boolean {
    return this.deps.isReady(connection)
  }

  submit(connection: ClientConnection, bytes: Uint8Array, at: number, length: number): boolean {
    return this.deps.submit(connection, bytes, at, length)
  }

  account(bytes: number): boolean {
    this.bufferedBytes += bytes
    return bytes <= 0 || this.bufferedBytes <= this.limits.writeBuffersBytesMax
  }

  refused(reason: keyof typeof streamsRefused): void {
    this.deps.counters.add(streamsRefused[reason])
  }

  now(): number {
    return this.deps.clock.now()
  }

  private listen(listener: ListenerSocket): Promise<string | undefined> {
    const server = createServer({ allowHalfOpen: true, noDelay: true })
    server.on('connection', (socket) => this.accept(socket, listener.id, listener.transport === 'tls'))
    const { address, port, scope } = listener.endpoint
    return new Promise((resolve) => {
      server.on('error', (error: NodeJS.ErrnoException) => {
        resolve(`cannot listen on ${endpointText(listener.endpoint)} (TCP): ${errnoSentence(-(error.errno ?? 0))}`)
      })
      server.on('listening', () => {
        this.servers.set(listener.id, server)
        resolve(undefined)
      })
      if (listener.fd >= 0) server.listen({ fd: listener.fd })
      else server.listen({ host: hostOf({ address, scope }), port, ipv6Only: true, exclusive: true, backlog })
    })
  }

  private accept(socket: Socket, listener: number, isTls: boolean): void {
    const host = socket.remoteAddress
    if (host === undefined) {
      // It is gone already.
      socket.destroy()
      return
    }
    const ofAddress = this.perAddress.get(host) ?? 0
    // First the address's own limit, or one address could take the place of all others.
    const isOverOwn = ofAddress >= this.limits.connectionsPerAddressMax
    if (isOverOwn || (this.openCount >= this.limits.connectionsMax && !this.closeIdlest())) {
      this.refused(isOverOwn ? 'perClient' : 'connections')
      socket.destroy()
      return
    }
    const peer = new Uint8Array(endpointBytes)
    writeEndpoint({ address: addressFromNode(host), port: socket.remotePort ?? 0, scope: 0 }, peer, 0)
    this.perAddress.set(host, ofAddress + 1)
    this.countOpen(1)
    this.deps.counters.add(connectionCounters.client)
    this.deps.opened()
    socket.on('close', () => this.left(host))
    // 'close' follows.
    socket.on('error', () => {})
    if (isTls) this.handshakes.begin(socket, this.now(), (secure) => this.begin(secure, listener, peer, true))
    else this.begin(socket, listener, peer, false)
  }

  private begin(socket: Socket, listener: number, peer: Uint8Array, isEncrypted: boolean): void {
    const connection = new ClientConnection(this.newId(), listener, peer, socket, this, isEncrypted)
    this.connections.set(connection.id, connection)
    socket.on('close', () => {
      if (connection.outstanding === 0) this.connections.delete(connection.id)
    })
  }

  /**
   * Makes room for one more: the connection that has been idle longest goes (RFC 7766 section 6.2.3), or whoever opens
   * connections and leaves them idle would keep everybody else out. False when all are busy.
   */
  private closeIdlest(): boolean {
    let idlest: ClientConnection | undefined
    for (const connection of this.connections.values()) {
      if (connection.isIdle && (idlest === undefined || connection.usedAt < idlest.usedAt)) idlest = connection
    }
    if (idlest === undefined) return false
    this.refused('idle')
    idlest.destroy()
    return true
  }

  private left(host: string): void {
    this.countOpen(-1)
    const left = (this.perAddress.get(host) as number) - 1
    if (left === 0) this.perAddress.delete(host)
    else this.perAddress.set(host, left)
  }

  private countOpen(by: number): void {
    this.openCount += by
    this.deps.counters.set(gauges.connections, this.openCount)
  }

  private newId(): number {
    do this.nextId = (this.nextId + 1) >>> 0
    while (this.connections.has(this.nextId))
    return this.nextId
  }

  private stopListening(): void {
    for (const server of this.servers.values()) server.close()
    this.servers.clear()
  }
}

/** Connections that the kernel holds for us while we are busy or being restarted. */
const backlog = 1024
