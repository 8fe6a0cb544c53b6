import type { Batch } from './batch.ts'
import { batchSlots } from './batch.ts'
import { endpointLength } from './endpoint.ts'
import type { DatagramPort } from './reactor.ts'
import type { Sys } from './sys.ts'
import {
  EAGAIN,
  ECONNREFUSED,
  EHOSTUNREACH,
  EINTR,
  ENETUNREACH,
  ENOBUFS,
  MSG_DONTWAIT,
  SO_ERROR,
  SOL_SOCKET,
} from './sys.ts'

/** How many errors one `receive` reads off before it leaves the rest to the next wait. */
const errorsMax = 8

/** Who watches the port. */
export interface MmsgOwner {
  /** Closes its fd; called once. */
  release(port: MmsgPort): void
  deafen(port: MmsgPort): boolean
}

/** A UDP socket that moves up to 64 datagrams with one system call. */
export class MmsgPort implements DatagramPort {
  tag = -1
  dropped = 0
  lastError = 0
  /** Datagrams received since the reactor last looked. */
  received = 0
  /** It is asked each turn, and epoll does not watch it (net/busy). */
  isBusy = false
  /** False once it is deaf or closed: epoll watches it no more. */
  isWatched = true
  readonly connected: boolean
  private readonly sys: Sys
  private readonly owner: MmsgOwner
  /** Of the reactor's FdTable. */
  readonly place: number
  private openFd: number

  constructor(sys: Sys, fd: number, place: number, connected: boolean, owner: MmsgOwner) {
    this.sys = sys
    this.openFd = fd
    this.place = place
    this.connected = connected
    this.owner = owner
  }

  get fd(): number {
    return this.openFd
  }

  receive(batch: Batch): number {
    if (this.openFd < 0) return 0
    batch.offerAll()
    for (let errors = 0; errors < errorsMax; errors++) {
      const count = this.sys.recvmmsg(this.openFd, batch.headerAddress(0, batchSlots), batchSlots, MSG_DONTWAIT)
      if (count >= 0) {
        batch.takeLengths(count)
        this.received += count
        return count
      }
      const errno = this.sys.errno()
      if (errno === EAGAIN || errno === EINTR) return 0
      // An error stands before the data; reading it took it off.
      this.note(errno)
    }
    return 0
  }

  send(batch: Batch, from: number, count: number): void {
    const end = from + count
    for (let slot = from; slot < end; slot++) {
      batch.prepareSend(slot, this.connected ? 0 : endpointLength(batch.bytes, batch.peerAt(slot)))
    }
    const taken = this.openFd < 0 ? 0 : this.sendPrepared(batch, from, end)
    this.dropped += count - taken
  }

  /** Reads the pending error off, since epoll reports it until somebody does. */
  takeError(): void {
    const errno = this.sys.getsockopt(this.openFd, SOL_SOCKET, SO_ERROR)
    if (errno > 0) this.note(errno)
  }

  deafen(): boolean {
    return this.openFd >= 0 && this.owner.deafen(this)
  }

  close(): void {
    if (this.openFd < 0) return
    this.owner.release(this)
    this.openFd = -1
  }

  /** Returns how many messages the kernel took. */
  private sendPrepared(batch: Batch, from: number, end: number): number {
    let taken = 0
    let slot = from
    let sentAgain = -1
    while (slot < end) {
      const sent = this.sys.sendmmsg(this.openFd, batch.headerAddress(slot, end - slot), end - slot, MSG_DONTWAIT)
      if (sent > 0) {
        taken += sent
        slot += sent
        continue
      }
      const errno = this.sys.errno()
      if (errno === EINTR) continue
      if (errno === EAGAIN || errno === ENOBUFS) return taken
      if (this.connected && isOfEarlierPacket(errno)) {
        this.note(errno)
        if (sentAgain !== slot) {
          sentAgain = slot
          continue
        }
      }
      // This message can't be sent (too long, no route, forbidden by a filter); those behind it may go elsewhere.
      slot++
    }
    return taken
  }

  private note(errno: number): void {
    if (this.connected) this.lastError = errno
  }
}

/** What ICMP said about a packet sent before: the message at hand was not even looked at. */
function isOfEarlierPacket(errno: number): boolean {
  return errno === ECONNREFUSED || errno === EHOSTUNREACH || errno === ENETUNREACH
}
