import type { Batch } from '../../src/net/batch.ts'
import { batchSlots } from '../../src/net/batch.ts'
import { type Endpoint, readEndpoint, writeEndpoint } from '../../src/net/endpoint.ts'
import { endpointText } from '../../src/net/endpoint-text.ts'
import type { DatagramPort } from '../../src/net/reactor.ts'
import type { SimReactor, SimWorld } from './reactor-sim.ts'

/** As many datagrams as a socket buffer of ordinary size holds; the newest is lost when it is full. */
const bufferedMax = 4096

/** A UDP socket in a simulated world. */
export class SimPort implements DatagramPort {
  tag = -1
  dropped = 0
  lastError = 0
  readonly connected: boolean
  readonly local: Endpoint
  readonly owner: SimReactor
  /** What a full network card does: the next so many datagrams are not taken. */
  refuseNext = 0
  private readonly world: SimWorld
  private readonly remote: Endpoint | undefined
  private readonly waiting: { readonly bytes: Uint8Array; readonly peer: Endpoint }[] = []
  private failed = false
  private open = true

  constructor(world: SimWorld, owner: SimReactor, local: Endpoint, remote: Endpoint | undefined) {
    this.world = world
    this.owner = owner
    this.local = local
    this.remote = remote
    this.connected = remote !== undefined
  }

  get ready(): boolean {
    return this.failed || this.waiting.length > 0
  }

  receive(batch: Batch): number {
    this.failed = false
    const taken = this.waiting.splice(0, batchSlots)
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
      if (!this.open || this.refuseNext > 0) {
        this.refuseNext = Math.max(0, this.refuseNext - 1)
        this.dropped++
        continue
      }
      const at = batch.dataAt(slot)
      const to = this.remote ?? readEndpoint(batch.bytes, batch.peerAt(slot))
      this.world.send(this.local, to, batch.bytes.subarray(at, at + batch.length(slot)), this)
    }
  }

  deafen(): boolean {
    return false
  }

  close(): void {
    if (!this.open) return
    this.open = false
    this.failed = false
    this.waiting.length = 0
    this.world.free(this)
    this.owner.ports.delete(this)
  }

  /** From the world: a datagram for this address. A connected socket takes those of its peer alone. */
  arrived(bytes: Uint8Array, peer: Endpoint): void {
    if (this.remote !== undefined && endpointText(peer) !== endpointText(this.remote)) return
    if (this.open && this.waiting.length < bufferedMax) this.waiting.push({ bytes, peer })
  }

  /** From the world: nobody is at the other end. */
  refused(errno: number): void {
    if (!this.open) return
    this.lastError = errno
    this.failed = true
  }
}
