import { isAnswerable } from '../listen/source.ts'
import * as metric from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Batch } from '../net/batch.ts'
import { batchSlots } from '../net/batch.ts'
import { endpointAddress, endpointBytes, writeEndpoint } from '../net/endpoint.ts'
import type { DatagramPort, ListenerSocket, Reactor, Ready } from '../net/reactor.ts'
import { Query } from '../query/query.ts'
import type { Replies } from './replies.ts'
import type { Serve } from './serve.ts'

/** Batches of queries that one turn takes, over all listeners: what is left is still ready at the next. A 5 ms deadline stays within 4 ms of itself in a flood (DESIGN 1). */
const roundsPerTurn = 8

/** Batches taken from a socket that is about to close: what 8 MiB of buffer hold of small datagrams. */
const drainBatchesMax = 256

/** How long a port that is to close still sends, at most: longer than any client waits. */
const leaveMs = 10_000

/** The clients' datagrams: from the listeners' batches onto the road. */
export class Datagrams {
  private readonly batch: Batch
  private readonly serve: Serve
  private readonly replies: Replies
  private readonly counters: Counters
  private readonly query = new Query()
  private readonly open = new Map<number, DatagramPort>()
  /** Ports that only send any more: to those who asked by them and still wait. */
  private readonly leaving: { readonly id: number; readonly port: DatagramPort; readonly until: number }[] = []
  /** Own endpoint of each listener, by id. */
  private readonly own: (Uint8Array | undefined)[] = []

  constructor(batch: Batch, serve: Serve, replies: Replies, counters: Counters) {
    this.batch = batch
    this.serve = serve
    this.replies = replies
    this.counters = counters
  }

  listen(reactor: Reactor, listeners: readonly ListenerSocket[], now: number): string[] {
    const problems: string[] = []
    for (const listener of listeners) {
      if (this.open.has(listener.id)) continue
      try {
        const port = reactor.openListener(listener)
        this.open.set(listener.id, port)
        this.replies.listeners[listener.id] = port
        const own = new Uint8Array(endpointBytes)
        writeEndpoint(listener.endpoint, own, 0)
        this.own[listener.id] = own
      } catch (error) {
        problems.push((error as Error).message)
      }
    }
    const wanted = new Set(listeners.map(({ id }) => id))
    for (const [id, port] of this.open) {
      if (wanted.has(id)) continue
      // Deaf first, then emptied: what the kernel still holds for it would be lost. Where it can't be made deaf, nothing may stand between the
      // last look and the end.
      const isDeaf = port.deafen()
      for (let batches = 0; batches < drainBatchesMax && this.receiveOne(port, now) > 0; batches++) this.replies.flush()
      this.open.delete(id)
      if (isDeaf) this.leaving.push({ id, port, until: now + leaveMs })
      else this.close(id, port)
    }
    return problems
  }

  private close(id: number, port: DatagramPort): void {
    port.close()
    this.replies.listeners[id] = undefined
  }

  /** Serves up to eight rounds from all listeners that are ready, each in turn, so that none starves the others. */
  receive(ready: Ready, now: number): void {
    const { listeners } = ready
    let count = ready.listenerCount
    let rounds = roundsPerTurn
    while (count > 0 && rounds > 0) {
      let left = 0
      for (let i = 0; i < count && rounds > 0; i++) {
        const port = listeners[i] as DatagramPort
        rounds--
        // A full batch means that more may wait.
        if (this.receiveOne(port, now) === batchSlots) listeners[left++] = port
      }
      count = left
    }
  }

  private receiveOne(port: DatagramPort, now: number): number {
    const { batch, query } = this
    const count = port.receive(batch)
    const listener = port.tag
    const own = this.own[listener] as Uint8Array
    for (let slot = 0; slot < count; slot++) {
      const peerAt = batch.peerAt(slot)
      if (!isAnswerable(batch.bytes, peerAt, own)) {
        this.counters.add(metric.ignored.source)
        continue
      }
      query.bytes = batch.bytes
      query.at = batch.dataAt(slot)
      query.length = batch.length(slot)
      query.listener = listener
      query.peer = batch.bytes
      query.peerAt = peerAt
      endpointAddress(batch.bytes, peerAt, query.client, 0)
      this.serve.serve(query, now)
    }
    return count
  }

  /** Books what the kernel did not take, and closes ports that nobody waits for. */
  gauge(now: number, waiting: number): void {
    for (const port of this.open.values()) this.book(port)
    for (let i = this.leaving.length - 1; i >= 0; i--) {
      const { id, port, until } = this.leaving[i] as (typeof this.leaving)[number]
      if (waiting > 0 && now < until) continue
      this.book(port)
      this.close(id, port)
      this.leaving.splice(i, 1)
    }
  }

  private book(port: DatagramPort): void {
    if (port.dropped === 0) return
    this.counters.add(metric.sendErrors, port.dropped)
    port.dropped = 0
  }
}
