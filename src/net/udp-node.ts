import type { RemoteInfo, Socket } from 'node:dgram'
import type { Batch } from './batch.ts'
import { batchSlots } from './batch.ts'
import type { Endpoint } from './endpoint.ts'
import { endpointLength, endpointPort, readEndpoint, sameEndpoint, writeEndpoint } from './endpoint.ts'
import { addressFromNode, addressText } from './endpoint-text.ts'
import type { DatagramPort } from './reactor.ts'
import { scopeIndex, scopeName } from './scopes.ts'
import { EAGAIN, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENOBUFS } from './sys.ts'

/** Datagrams that wait in the process per port; the newest is refused when they are that many. */
const queueMax = 256

/** Linux's numbers, which the owner of a port knows, whatever the numbers of this system are. */
const numbers: Record<string, number> = { EAGAIN, ENOBUFS, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH }

interface Datagram {
  readonly bytes: Uint8Array
  readonly peer: Endpoint
}

/** A UDP socket of `node:dgram`: what it brings waits in a queue until the turn takes it. */
export class NodePort implements DatagramPort {
  tag = -1
  dropped = 0
  lastError = 0
  readonly connected: boolean
  private readonly socket: Socket
  private readonly remote: Endpoint | undefined
  private readonly wake: () => void
  private readonly queue: Datagram[] = []
  private failed = false
  private open = true

  /**
   * @param socket bound, and connected if there is a `remote`
   * @param wake asks for a turn
   */
  constructor(socket: Socket, remote: Endpoint | undefined, wake: () => void) {
    this.socket = socket
    this.remote = remote
    this.connected = remote !== undefined
    this.wake = wake
    socket.on('message', (bytes, info) => this.arrived(bytes, info))
    socket.on('error', (error: NodeJS.ErrnoException) => this.note(errnoOf(error)))
  }

  get ready(): boolean {
    return this.queue.length > 0 || this.failed
  }

  receive(batch: Batch): number {
    this.failed = false
    const taken = this.queue.splice(0, batchSlots)
    for (const [slot, { bytes, peer }] of taken.entries()) {
      const fits = bytes.length <= batch.slotBytes
      if (fits) batch.bytes.set(bytes, batch.dataAt(slot))
      batch.setLength(slot, fits ? bytes.length : 0)
      writeEndpoint(peer, batch.bytes, batch.peerAt(slot))
    }
    return taken.length
  }

  send(batch: Batch, from: number, count: number): void {
    for (let slot = from; slot < from + count; slot++) {
      const at = batch.dataAt(slot)
      // A copy, since dgram may keep it for a while, and the slot is written anew in the next turn.
      const bytes = Buffer.from(batch.bytes.subarray(at, at + batch.length(slot)))
      const peerAt = batch.peerAt(slot)
      if (!this.open || (!this.connected && endpointPort(batch.bytes, peerAt) === 0)) this.dropped++
      else if (this.connected) this.sendConnected(bytes, true)
      else this.sendTo(bytes, readEndpoint(batch.bytes, peerAt))
    }
  }

  deafen(): boolean {
    return false
  }

  close(): void {
    if (!this.open) return
    this.open = false
    this.queue.length = 0
    this.failed = false
    this.socket.close()
  }

  private sendTo(bytes: Uint8Array, peer: Endpoint): void {
    this.socket.send(bytes, peer.port, dgramAddress(peer), (error) => {
      if (error !== null) this.dropped++
    })
  }

  private sendConnected(bytes: Uint8Array, again: boolean): void {
    this.socket.send(bytes, (error) => {
      if (error === null) return
      const errno = errnoOf(error)
      const ofEarlierPacket = errno === ECONNREFUSED || errno === EHOSTUNREACH || errno === ENETUNREACH
      if (ofEarlierPacket) this.note(errno)
      if (ofEarlierPacket && again && this.open) this.sendConnected(bytes, false)
      else this.dropped++
    })
  }

  private arrived(bytes: Uint8Array, info: RemoteInfo): void {
    if (!this.open || this.queue.length >= queueMax) return
    const scope = scopeIndex(info.address)
    const peer = { address: addressFromNode(info.address), port: info.port, scope }
    // What came between bind and connect may be from anybody.
    if (this.remote !== undefined && !same(peer, this.remote)) return
    this.queue.push({ bytes, peer })
    this.wake()
  }

  private note(errno: number): void {
    if (!this.connected || !this.open) return
    this.lastError = errno
    this.failed = true
    this.wake()
  }
}

/** As dgram wants it: link-local addresses with the interface's name. */
export function dgramAddress(endpoint: Endpoint): string {
  const text = addressText(endpoint.address)
  return endpoint.scope === 0 ? text : `${text}%${scopeName(endpoint.scope)}`
}

function same(a: Endpoint, b: Endpoint): boolean {
  const bytes = new Uint8Array(64)
  writeEndpoint({ ...a, scope: 0 }, bytes, 0)
  writeEndpoint({ ...b, scope: 0 }, bytes, 32)
  return endpointLength(bytes, 0) === endpointLength(bytes, 32) && sameEndpoint(bytes, 0, bytes, 32)
}

function errnoOf(error: Error): number {
  const { code, errno } = error as NodeJS.ErrnoException
  return numbers[code ?? ''] ?? Math.abs(errno ?? 0)
}
