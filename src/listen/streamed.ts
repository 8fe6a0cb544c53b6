import type { MessagePort } from 'node:worker_threads'
import { receiveMessageOnPort } from 'node:worker_threads'
import { Slots } from '../base/slots.ts'
import {
  ANSWER,
  messageBytesMax,
  Packer,
  peerBytes,
  QUERY,
  QUESTION,
  REPLY,
  Unpacker,
  upstreamPlace,
} from '../link/packed.ts'
import { endpointAddress } from '../net/endpoint.ts'
import { Query } from '../query/query.ts'

/** What the link calls on the road; none of these keeps what it is handed. */
export interface StreamedRoad {
  /**
   * A query of a stream. Each ends in exactly one reply record: `openReply` and `closeReply`, or `noReply`, now or later; until
   * then it holds one of the shard's credits in the streams worker.
   */
  serve(query: Query, now: number): void
  /** A question of `ask` has ended: `length` octets of an answer, whose question was checked, or 0: it failed. */
  answered(token: number, generation: number, bytes: Uint8Array, at: number, length: number, now: number): void
}

/**
 * The shard's end of its channel to the streams worker: TCP clients look like one more datagram port, and questions over TCP leave by it.
 * Synchronous; allocates per packed message, not per query.
 *
 *   kick ─▶ receive ─▶ serve(query) … openReply, closeReply ─┐
 *                  └─▶ answered(…)            ask(…) ────────┴─▶ flush: one message at the end of the turn
 */
export class StreamedLink {
  private readonly road: StreamedRoad
  private readonly query = new Query()
  private readonly packer = new Packer()
  /** Questions have a message of their own: those asked while no streams worker stands wait for its successor. */
  private readonly asked = new Packer()
  private readonly unpacker = new Unpacker()
  private readonly offered: ArrayBuffer[] = []
  private port: MessagePort | undefined
  private planGeneration = 0

  // Who asked each open question, and over which of the channels that came and went.
  private readonly questions = new Slots(questionsMax)
  private readonly tokens = new Int32Array(questionsMax)
  private readonly generations = new Uint32Array(questionsMax)
  private readonly channels = new Uint32Array(questionsMax)
  private channel = 0

  constructor(road: StreamedRoad) {
    this.road = road
    this.query.streamed = 1
  }

  /** Where an open reply is written; read it after `openReply`, which may replace it. */
  get bytes(): Uint8Array {
    return this.packer.bytes
  }

  /** The plan in use from now on: upstreams are named by their place in it. */
  configure(planGeneration: number): void {
    this.planGeneration = planGeneration
  }

  /**
   * A channel to a new streams worker (undefined: there is none for now). What the one of before held is lost: its questions fail here,
   * at once, and replies to its clients go nowhere, since the new worker does not know their connections.
   */
  attach(port: MessagePort | undefined, now: number): void {
    const before = this.port
    this.port = port
    this.offered.length = 0
    this.unpacker.start(noBytes.buffer)
    if (!this.packer.isEmpty) this.packer.take()
    if (before === undefined) {
      this.flush()
      return
    }
    before.close()
    this.channel++
    if (!this.asked.isEmpty) this.asked.take()
    for (let slot = 0; slot < questionsMax; slot++) {
      // A question that is asked again right here goes over the new channel and must not fail with the old ones.
      if (!this.questions.isTaken(slot) || this.channels[slot] === this.channel) continue
      this.questions.release(slot)
      this.road.answered(this.tokens[slot] as number, this.generations[slot] as number, noBytes, 0, 0, now)
    }
  }

  /** Where the port is listened to on Node's loop: a message that came; `receive` takes it from here. */
  offer(message: ArrayBuffer): void {
    this.offered.push(message)
  }

  /** Takes what has come, up to a turn's share. True when more may wait: the next turn is due at once. */
  receive(now: number): boolean {
    for (let left = recordsPerTurn; left > 0; left--) {
      while (!this.unpacker.advance()) if (!this.startNext()) return false
      if (this.unpacker.kind === QUERY) this.serve(now)
      else if (this.unpacker.kind === ANSWER) this.finishQuestion(now)
    }
    return true
  }

  /** Opens the one reply record of a query. Returns where in `bytes` up to 65,535 octets may be written. */
  openReply(connection: number, generation: number): number {
    const at = this.packer.open(REPLY, 0, connection, generation, messageBytesMax)
    if (at !== -1) return at
    this.flush()
    return this.packer.open(REPLY, 0, connection, generation, messageBytesMax)
  }

  /** The reply has `length` octets; 0: the client gets none. */
  closeReply(length: number): void {
    this.packer.close(length)
  }

  /** Ends a query that gets no reply. */
  noReply(connection: number, generation: number): void {
    this.openReply(connection, generation)
    this.closeReply(0)
  }

  /**
   * Sends a question (a whole DNS message) to an upstream of the plan over TCP; `answered` tells its end with the same token and generation.
   * False when `questionsMax` are open: nothing was sent. While no streams worker stands, the question waits for it.
   */
  ask(upstream: number, token: number, generation: number, bytes: Uint8Array, at: number, length: number): boolean {
    const slot = this.questions.take()
    if (slot === -1) return false
    this.tokens[slot] = token
    this.generations[slot] = generation
    this.channels[slot] = this.channel
    const place = upstreamPlace(this.planGeneration, upstream)
    const holder = this.questions.generation[slot] as number
    if (this.asked.add(QUESTION, place, slot, holder, bytes, at, length)) return true
    this.flush()
    if (this.asked.add(QUESTION, place, slot, holder, bytes, at, length)) return true
    this.questions.release(slot)
    return false
  }

  /** The end of the turn: sends what was collected as one message. */
  flush(): void {
    if (this.port === undefined) {
      // Replies to connections that died with their worker.
      if (!this.packer.isEmpty) this.packer.take()
      return
    }
    send(this.port, this.packer)
    send(this.port, this.asked)
  }

  /** Questions that wait for their end. */
  get open(): number {
    return this.questions.inUse
  }

  private serve(now: number): void {
    const { unpacker, query } = this
    query.bytes = unpacker.bytes
    query.peer = unpacker.bytes
    query.peerAt = unpacker.at
    query.at = unpacker.at + peerBytes
    query.length = unpacker.length - peerBytes
    query.listener = unpacker.place
    query.connection = unpacker.first
    query.connectionGeneration = unpacker.second
    query.receivedAt = now
    endpointAddress(query.peer, query.peerAt, query.client, 0)
    this.road.serve(query, now)
  }

  private finishQuestion(now: number): void {
    const slot = this.unpacker.first
    if (slot >= questionsMax || !this.questions.isTaken(slot)) return
    if (this.questions.generation[slot] !== this.unpacker.second) return
    this.questions.release(slot)
    const { bytes, at, length } = this.unpacker
    this.road.answered(this.tokens[slot] as number, this.generations[slot] as number, bytes, at, length, now)
  }

  private startNext(): boolean {
    const message = this.offered.shift() ?? (this.port && receiveMessageOnPort(this.port)?.message)
    if (message === undefined) return false
    this.unpacker.start(message as ArrayBuffer)
    return true
  }
}

function send(port: MessagePort, packer: Packer): void {
  if (packer.isEmpty) return
  const message = packer.take()
  port.postMessage(message, [message])
}

/** Questions over TCP that a shard may have open: they are for truncated answers and tcp:// upstreams, not for floods. */
export const questionsMax = 1024

/** The share of a turn, like the eight rounds of 64 that datagrams get at most: at 3 µs each it ends within a millisecond. */
const recordsPerTurn = 256

const noBytes = new Uint8Array(0)
