import { Slots } from '../base/slots.ts'
import { HEADER } from '../wire/header.ts'
import type { LocalTable } from './local-table.ts'
import type { Query } from './query.ts'
import { ALIAS_STRIPPED } from './rename.ts'

/** Queries that may wait at once in one shard: 2 s of 4,000 misses a second that nobody answers, in 5 MiB. */
export const ticketsMax = 16384

const nameAt = HEADER
const peerAt = 272
const clientAt = 304
const ticketBytes = 320

/**
 * Who waits for a flight: each ticket holds what its reply needs, above all the question as this client wrote it.
 *
 *   slab: header (12, unused) · name as asked (≤ 255), type, class · peer (32 at 272) · client (16 at 304)
 *
 * Tickets of one flight form a chain in order of arrival, so that the earliest deadline is first.
 */
export class Tickets {
  readonly slots: Slots
  readonly next: Int32Array
  readonly replyBy: Float64Array
  private readonly slab: Uint8Array
  private readonly id: Uint16Array
  private readonly flags: Uint16Array
  private readonly type: Uint16Array
  private readonly askType: Uint16Array
  private readonly payloadSize: Uint16Array
  private readonly nameLength: Uint8Array
  private readonly askedLength: Uint8Array
  private readonly alias: Uint32Array
  /** Of those whose alias is an entry: a reload must not take the table away that it stands in. */
  private readonly aliases: (LocalTable | undefined)[]
  private readonly probes: Uint8Array
  private readonly denialTtlMax: Uint8Array
  private readonly bits: Uint8Array
  private readonly listener: Uint16Array
  private readonly route: Uint8Array
  private readonly marks: Uint16Array
  private readonly connection: Int32Array
  private readonly connectionGeneration: Uint32Array
  readonly receivedAt: Float64Array

  constructor(capacity = ticketsMax) {
    this.slots = new Slots(capacity)
    this.next = new Int32Array(capacity)
    this.replyBy = new Float64Array(capacity)
    this.slab = new Uint8Array(capacity * ticketBytes)
    this.id = new Uint16Array(capacity)
    this.flags = new Uint16Array(capacity)
    this.type = new Uint16Array(capacity)
    this.askType = new Uint16Array(capacity)
    this.payloadSize = new Uint16Array(capacity)
    this.nameLength = new Uint8Array(capacity)
    this.askedLength = new Uint8Array(capacity)
    this.alias = new Uint32Array(capacity)
    this.aliases = new Array(capacity).fill(undefined)
    this.probes = new Uint8Array(capacity)
    this.denialTtlMax = new Uint8Array(capacity)
    this.bits = new Uint8Array(capacity)
    this.listener = new Uint16Array(capacity)
    this.route = new Uint8Array(capacity)
    this.marks = new Uint16Array(capacity)
    this.connection = new Int32Array(capacity)
    this.connectionGeneration = new Uint32Array(capacity)
    this.receivedAt = new Float64Array(capacity)
  }

  /** A ticket that holds the query, or -1 when all are out. `reenters`: it waits for a probe, and then walks the road again. */
  take(query: Query, replyBy: number, reenters = false): number {
    const ticket = this.slots.take()
    if (ticket === -1) return -1
    const slab = this.slab
    const base = ticket * ticketBytes
    const from = query.at + HEADER
    const length = query.askedLength + 4
    for (let i = 0; i < length; i++) slab[base + nameAt + i] = query.bytes[from + i] as number
    for (let i = 0; i < 32; i++) slab[base + peerAt + i] = query.peer[query.peerAt + i] as number
    for (let i = 0; i < 16; i++) slab[base + clientAt + i] = query.client[i] as number
    this.next[ticket] = -1
    this.replyBy[ticket] = replyBy
    this.id[ticket] = query.id
    this.flags[ticket] = query.flags
    this.type[ticket] = query.type
    this.askType[ticket] = query.askType
    this.payloadSize[ticket] = query.payloadSize
    this.nameLength[ticket] = query.nameLength
    this.askedLength[ticket] = query.askedLength
    this.alias[ticket] = query.alias
    if (query.alias > ALIAS_STRIPPED) this.aliases[ticket] = query.aliases
    this.probes[ticket] = query.probes
    this.denialTtlMax[ticket] = query.denialTtlMax
    this.bits[ticket] =
      query.hasOpt |
      (query.dnssecOk << 1) |
      (query.streamed << 2) |
      (query.silent << 3) |
      (reenters ? 16 : 0) |
      (query.opened << 5)
    this.listener[ticket] = query.listener
    this.route[ticket] = query.route
    this.marks[ticket] = query.marks
    this.connection[ticket] = query.connection
    this.connectionGeneration[ticket] = query.connectionGeneration
    this.receivedAt[ticket] = query.receivedAt
    return ticket
  }

  /** Makes `query` the one that waits in `ticket`, as far as its reply needs; its lower-case name is not restored but `name` is copied as asked. */
  restore(ticket: number, query: Query): void {
    const base = ticket * ticketBytes
    const bits = this.bits[ticket] as number
    query.bytes = this.slab
    query.at = base
    query.nameLength = this.nameLength[ticket] as number
    query.askedLength = this.askedLength[ticket] as number
    query.alias = this.alias[ticket] as number
    query.aliases = query.alias > ALIAS_STRIPPED ? this.aliases[ticket] : undefined
    query.probes = this.probes[ticket] as number
    query.denialTtlMax = this.denialTtlMax[ticket] as number
    query.length = HEADER + query.askedLength + 4
    query.peer = this.slab
    query.peerAt = base + peerAt
    for (let i = 0; i < 16; i++) query.client[i] = this.slab[base + clientAt + i] as number
    query.id = this.id[ticket] as number
    query.flags = this.flags[ticket] as number
    query.type = this.type[ticket] as number
    query.class = 1
    query.askType = this.askType[ticket] as number
    query.payloadSize = this.payloadSize[ticket] as number
    query.hasOpt = bits & 1
    query.dnssecOk = (bits >> 1) & 1
    query.streamed = (bits >> 2) & 1
    query.silent = (bits >> 3) & 1
    query.opened = (bits >> 5) & 1
    query.cacheOnly = 0
    query.dry = 0
    query.held = 0
    query.listener = this.listener[ticket] as number
    query.route = this.route[ticket] as number
    query.marks = this.marks[ticket] as number
    query.connection = this.connection[ticket] as number
    query.connectionGeneration = this.connectionGeneration[ticket] as number
    query.receivedAt = this.receivedAt[ticket] as number
  }

  /** Did it wait for a probe? */
  reenters(ticket: number): boolean {
    return ((this.bits[ticket] as number) & 16) !== 0
  }

  release(ticket: number): void {
    if ((this.alias[ticket] as number) > ALIAS_STRIPPED) this.aliases[ticket] = undefined
    this.slots.release(ticket)
  }
}
