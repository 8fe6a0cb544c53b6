import { Batch, batchSlots } from '../../src/net/batch.ts'
import type { Endpoint } from '../../src/net/endpoint.ts'
import type { Arena, Sys } from '../../src/net/sys.ts'
import { Latencies } from './latencies.ts'
import type { Workload } from './names.ts'
import type { LoadSocket } from './socket.ts'
import { openSocket } from './socket.ts'

/** What came of the queries sent since the last `reset`. */
export interface Tally {
  /** NOERROR and NXDOMAIN. */
  answered: number
  /** Any other rcode: a benchmark must not reward errors. */
  failed: number
  /** No reply within `lostAfterMs`. */
  lost: number
  latencies: Latencies
}

/** Which question of the workload the n-th query asks. */
export type Choose = (n: number) => number

/**
 * Asks one server from a few sockets, in batches of system calls; a query's id says when it was sent. One thread that never waits for
 * a promise: it is to be faster than what it measures.
 */
export class Load {
  tally: Tally = emptyTally()
  sent = 0
  private readonly sys: Sys
  private readonly workload: Workload
  private readonly lanes: Lane[]
  private readonly incoming: Batch
  private readonly outgoing: Batch
  private readonly epoll: number
  /** Held, since an address holds nothing. */
  private readonly memory: Arena
  private readonly events: number
  private nextScan = 0

  constructor(sys: Sys, server: Endpoint, workload: Workload, sockets = 4) {
    this.sys = sys
    this.workload = workload
    this.incoming = new Batch(sys, slotBytes)
    this.outgoing = new Batch(sys, slotBytes)
    this.epoll = sys.epollCreate()
    this.memory = sys.arena(sys.epollEventBytes)
    this.events = this.memory.address
    this.lanes = Array.from({ length: sockets }, () => {
      const socket = openSocket(sys, { remote: server })
      sys.epollAdd(this.epoll, socket.fd, 0)
      return { socket, sentAt: new Float64Array(65_536), nextId: 0, open: 0 }
    })
  }

  reset(): void {
    this.tally = emptyTally()
    this.sent = 0
  }

  /** One turn of a closed loop: takes replies, and opens new queries up to `outstanding`, but `limit` in all. */
  saturate(choose: Choose, outstanding: number, limit: number): void {
    const perLane = Math.ceil(outstanding / this.lanes.length)
    let received = 0
    for (const lane of this.lanes) {
      received += this.receive(lane)
      const room = Math.min(perLane - lane.open, batchSlots, limit - this.sent)
      if (room > 0) this.send(lane, choose, room)
    }
    // The stub runs on this core as well: let it.
    if (received === 0) this.sys.epollWait(this.epoll, this.events, 1, waitMs)
    this.forget()
  }

  /** One turn of an open loop: takes replies, and sends what is due for `due` queries in all since `reset`. */
  pace(choose: Choose, due: number): void {
    const lane = this.lanes[this.sent % this.lanes.length] as Lane
    if (due > this.sent) this.send(lane, choose, Math.min(due - this.sent, lateMax))
    for (const each of this.lanes) this.receive(each)
    this.forget()
  }

  /** Waits for replies that are still on their way. */
  drain(ms: number): void {
    const end = performance.now() + ms
    while (performance.now() < end && this.lanes.some((lane) => lane.open > 0)) {
      let received = 0
      for (const lane of this.lanes) received += this.receive(lane)
      if (received === 0) this.sys.epollWait(this.epoll, this.events, 1, waitMs)
    }
  }

  private send(lane: Lane, choose: Choose, count: number): void {
    const { bytes } = this.outgoing
    const first = lane.nextId
    for (let slot = 0; slot < count; slot++) {
      const id = (first + slot) & 0xffff
      const at = this.outgoing.dataAt(slot)
      this.outgoing.setLength(slot, this.workload.write(bytes, at, choose(this.sent + slot)))
      bytes[at] = id >> 8
      bytes[at + 1] = id & 0xff
    }
    const now = performance.now()
    const taken = lane.socket.send(this.outgoing, count, 'connected')
    for (let slot = 0; slot < taken; slot++) {
      const id = (first + slot) & 0xffff
      // The id came round before its last reply did.
      if (lane.sentAt[id] !== 0) this.lose(lane, id)
      lane.sentAt[id] = now
    }
    lane.nextId = (first + taken) & 0xffff
    lane.open += taken
    this.sent += taken
  }

  private receive(lane: Lane): number {
    const count = lane.socket.receive(this.incoming)
    if (count === 0) return 0
    const now = performance.now()
    const { bytes } = this.incoming
    for (let slot = 0; slot < count; slot++) {
      const at = this.incoming.dataAt(slot)
      const id = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
      const sentAt = lane.sentAt[id] as number
      if (sentAt === 0) continue
      lane.sentAt[id] = 0
      lane.open--
      this.tally.latencies.add(now - sentAt)
      const rcode = (bytes[at + 3] as number) & 15
      if (rcode === 0 || rcode === 3) this.tally.answered++
      else this.tally.failed++
    }
    return count
  }

  /** Now and then: queries without a reply make room for others. */
  private forget(): void {
    const now = performance.now()
    if (now < this.nextScan) return
    this.nextScan = now + 200
    for (const lane of this.lanes) {
      for (let id = 0; id < 65_536; id++) {
        const sentAt = lane.sentAt[id] as number
        if (sentAt !== 0 && now - sentAt > lostAfterMs) this.lose(lane, id)
      }
    }
  }

  private lose(lane: Lane, id: number): void {
    lane.sentAt[id] = 0
    lane.open--
    this.tally.lost++
  }
}

interface Lane {
  readonly socket: LoadSocket
  /** By id: when it was sent, 0 for an id that is free. */
  readonly sentAt: Float64Array
  nextId: number
  open: number
}

function emptyTally(): Tally {
  return { answered: 0, failed: 0, lost: 0, latencies: new Latencies() }
}

const slotBytes = 1024
const waitMs = 1
/** How many late queries leave in one batch when the pace was missed: more would be a burst of our own making. */
const lateMax = 4
const lostAfterMs = 2000
