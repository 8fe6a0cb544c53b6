import type { MessagePort } from 'node:worker_threads'
import { kick } from '../link/kick.ts'
import { ANSWER, copyBytes, Packer, peerBytes, QUERY } from '../link/packed.ts'
import type { Sys } from '../net/sys.ts'
import type { ClientConnection } from './connection.ts'
import type { Asker } from './question.ts'

/** The way to one shard: what is for it is collected, and leaves in one message at the end of the turn. */
export class ShardChannel implements Asker {
  /** Streamed queries that the shard holds: its credits in use. */
  outstanding = 0
  isClosed = false
  private readonly port: MessagePort
  private readonly kickFd: number
  private readonly sys: Sys | undefined
  private readonly schedule: () => void
  private readonly packer = new Packer()

  /** @param schedule asks for `flush` at the end of the turn */
  constructor(port: MessagePort, kickFd: number, sys: Sys | undefined, schedule: () => void) {
    this.port = port
    this.kickFd = kickFd
    this.sys = sys
    this.schedule = schedule
  }

  /** A query of a client: the shard ends it with exactly one reply record. */
  query(connection: ClientConnection, epoch: number, from: Uint8Array, at: number, length: number): void {
    this.outstanding++
    const to = this.open(QUERY, connection.listener, connection.id, epoch, peerBytes + length)
    copyBytes(connection.peer, 0, peerBytes, this.packer.bytes, to)
    copyBytes(from, at, length, this.packer.bytes, to + peerBytes)
    this.packer.close(peerBytes + length)
  }

  answer(slot: number, generation: number, from: Uint8Array, at: number, length: number): void {
    // The shard that asked is dead; its successor knows nothing of the question.
    if (this.isClosed) return
    const to = this.open(ANSWER, 0, slot, generation, length)
    copyBytes(from, at, length, this.packer.bytes, to)
    this.packer.close(length)
  }

  flush(): void {
    if (this.packer.isEmpty || this.isClosed) return
    const message = this.packer.take()
    this.port.postMessage(message, [message])
    kick(this.sys, this.kickFd)
  }

  close(): void {
    this.isClosed = true
    this.port.close()
  }

  private open(kind: number, place: number, first: number, second: number, room: number): number {
    this.schedule()
    const at = this.packer.open(kind, place, first, second, room)
    if (at !== -1) return at
    this.flush()
    return this.packer.open(kind, place, first, second, room)
  }
}
