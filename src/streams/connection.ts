import type { Socket } from 'node:net'
import { Frames } from './frames.ts'
import type { StreamLimits } from './limits.ts'
import { padReply } from './padding.ts'

/** What a connection needs of those around it. */
export interface ConnectionHost {
  readonly limits: StreamLimits
  /** Can a query of this connection be taken now? When that changes, `pump` is called. */
  isReady(connection: ClientConnection): boolean
  /** Takes a query. False: no credit is left. */
  submit(connection: ClientConnection, bytes: Uint8Array, at: number, length: number): boolean
  /** Its write buffer grew or shrank by `bytes`. False: all write buffers together are too large. */
  account(bytes: number): boolean
  refused(reason: 'credits' | 'slow'): void
  now(): number
}

/**
 * One client's connection, TCP or TLS (RFC 7766, RFC 7858): queries pipelined, replies in any order. It is read only while there is room for what it asks:
 *
 *   read ─▶ frames ─▶ submit ─▶ outstanding < 64 … reply ─▶ write buffer ≤ 64 KiB
 *     ▲                                                          │
 *     └──────────────── pump, when either has room again ────────┘
 */
export class ClientConnection {
  /** Of the shard that serves it; chosen by the hub. */
  shard = -1
  /** Queries that wait for their reply record. */
  outstanding = 0
  isOpen = true
  /** A reply was written to it that `settle` has to look after. */
  isTouched = false
  /** When a query of it was last taken, or a reply written: ms on the host's clock. */
  usedAt: number
  /** Octets in the write buffer when last looked. */
  private buffered = 0
  readonly id: number
  readonly listener: number
  /** Who is there, as net/endpoint bytes. */
  readonly peer: Uint8Array
  private readonly socket: Socket
  private readonly host: ConnectionHost
  private readonly frames = new Frames()
  private readonly isEncrypted: boolean
  private hasEnded = false
  private isBlocked = false
  private isCorked = false
  // Absolute times; a socket's own timeout would start anew with each octet.
  private messageDue = Number.POSITIVE_INFINITY
  private writeDue = Number.POSITIVE_INFINITY

  constructor(
    id: number,
    listener: number,
    peer: Uint8Array,
    socket: Socket,
    host: ConnectionHost,
    isEncrypted = false,
  ) {
    this.id = id
    this.listener = listener
    this.peer = peer
    this.socket = socket
    this.isEncrypted = isEncrypted
    this.host = host
    this.usedAt = host.now()
    socket.on('data', (chunk) => {
      this.frames.push(chunk)
      this.pump()
    })
    socket.on('end', () => {
      this.hasEnded = true
      this.finishIfDone()
    })
    socket.on('drain', () => {
      this.isBlocked = false
      this.writeDue = Number.POSITIVE_INFINITY
      this.measure()
      this.pump()
      this.finishIfDone()
    })
    // 'close' follows, and is what counts.
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isOpen = false
      this.host.account(-this.buffered)
      this.buffered = 0
    })
  }

  /** Takes what can be taken of what has been read, then reads on or not. */
  pump(): void {
    if (!this.isOpen) return
    const before = this.messageDue
    while (this.hasRoom() && this.frames.next()) {
      this.messageDue = Number.POSITIVE_INFINITY
      this.usedAt = this.host.now()
      this.outstanding++
      if (this.host.submit(this, this.frames.bytes, this.frames.at, this.frames.length)) continue
      this.outstanding--
      this.kill('credits')
      return
    }
    if (!this.hasRoom()) {
      // What makes the client wait is ours now: its message is not late.
      this.messageDue = Number.POSITIVE_INFINITY
      this.socket.pause()
      return
    }
    this.messageDue = this.frames.isMidMessage ? this.messageDeadline(before) : Number.POSITIVE_INFINITY
    if (this.socket.isPaused()) this.socket.resume()
  }

  /** The reply record of one of its queries came; `length` 0: no reply. Several are corked until `settle`. */
  reply(bytes: Uint8Array, at: number, length: number): void {
    this.outstanding--
    if (length === 0 || !this.isOpen) return
    if (!this.isCorked) {
      this.isCorked = true
      this.socket.cork()
    }
    // A copy, since a client that reads slowly would else hold the whole packed message in memory.
    const plain = bytes.subarray(at, at + length)
    const message = this.isEncrypted ? padReply(plain) : plain
    const frame = Buffer.allocUnsafe(2 + message.length)
    frame.writeUInt16BE(message.length)
    frame.set(message, 2)
    this.socket.write(frame)
  }

  /** After a batch of replies: writes them, and looks how much the client leaves lying about. */
  settle(): void {
    this.isTouched = false
    if (!this.isOpen) return
    const now = this.host.now()
    this.usedAt = now
    if (this.isCorked) {
      this.isCorked = false
      this.socket.uncork()
    }
    if (!this.measure()) {
      this.kill('slow')
      return
    }
    if (!this.isBlocked && this.buffered > this.host.limits.writeBufferBytesMax) {
      this.isBlocked = true
      this.writeDue = now + this.host.limits.writeMs
    }
    this.pump()
    this.finishIfDone()
  }

  /** Closes it when one of its deadlines has passed. */
  sweep(now: number): void {
    this.measure()
    if (now >= this.messageDue || now >= this.writeDue) this.kill('slow')
    else if (this.outstanding === 0 && now - this.usedAt >= this.host.limits.clientIdleMs) this.destroy()
  }

  /** No more queries are taken from it (draining): ends it when nothing is owed. */
  finish(): void {
    this.hasEnded = true
    this.pump()
    this.finishIfDone()
  }

  /** Without a word: a reset also frees what the kernel holds for a client that does not read. */
  destroy(): void {
    this.isOpen = false
    if (this.buffered > 0 && !this.isEncrypted) this.socket.resetAndDestroy()
    else this.socket.destroy()
  }

  /** Is a reply owed, or written and not yet taken? */
  get isOwing(): boolean {
    return this.isOpen && (this.outstanding > 0 || this.socket.writableLength > 0)
  }

  /**
   * Would nobody miss a reply if it were closed? A message that has only begun does not count, or a trickle would hold
   * its place; a connection that is not read has sent something that we keep waiting.
   */
  get isIdle(): boolean {
    return this.isOpen && !this.isOwing && !this.socket.isPaused()
  }

  /** Books what the write buffer holds now. False: all of them together hold too much. */
  private measure(): boolean {
    const grown = this.socket.writableLength - this.buffered
    this.buffered += grown
    return this.host.account(grown)
  }

  private kill(reason: 'credits' | 'slow'): void {
    this.host.refused(reason)
    this.destroy()
  }

  private hasRoom(): boolean {
    return (
      this.isOpen &&
      !this.isBlocked &&
      this.outstanding < this.host.limits.outstandingPerConnectionMax &&
      this.host.isReady(this)
    )
  }

  /** A message that was unfinished before keeps its deadline; a new one gets its own. */
  private messageDeadline(before: number): number {
    const isSame = this.messageDue === before && before !== Number.POSITIVE_INFINITY
    return isSame ? before : this.host.now() + this.host.limits.messageMs
  }

  /** A client that half-closed still gets its replies (RFC 7766 section 6.2.4 lets it). */
  private finishIfDone(): void {
    if (this.hasEnded && this.outstanding === 0 && this.isOpen && !this.socket.writableEnded) this.socket.end()
  }
}
