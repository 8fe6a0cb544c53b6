import { assert } from '../base/assert.ts'
import { batchSlots } from './batch.ts'
import type { Sys } from './sys.ts'
import type { MmsgPort } from './udp-mmsg.ts'

/** So many datagrams in one turn make a listener busy: half a batch. */
const busyCount = batchSlots / 2

/**
 * Listeners that datagrams pour into. They need not be watched: each is asked every turn until nothing is there. Epoll would be called back for each
 * reply that leaves them, since the room that this frees might be news (measured: a sixteenth of what a cached hit costs).
 */
export class BusyListeners {
  readonly ports: MmsgPort[] = []
  private readonly sys: Sys
  private readonly epoll: number

  constructor(sys: Sys, epoll: number) {
    this.sys = sys
    this.epoll = epoll
  }

  /** After a turn: which of the listeners that it was offered are busy, and which are no longer? */
  judge(offered: readonly MmsgPort[], count: number): void {
    for (let i = 0; i < count; i++) {
      const port = offered[i] as MmsgPort
      const { received } = port
      port.received = 0
      if (port.isBusy ? received > 0 : received < busyCount) continue
      if (port.isBusy) this.leave(port)
      else if (port.isWatched && this.sys.epollRemove(this.epoll, port.fd) === 0) {
        port.isBusy = true
        this.ports.push(port)
      }
    }
  }

  /** Neither asked nor watched from now on. */
  forget(port: MmsgPort): void {
    if (port.isBusy) this.ports.splice(this.ports.indexOf(port), 1)
    port.isBusy = false
    port.isWatched = false
    // Epoll watches the open file, of which main holds another fd: without this its events would come on.
    this.sys.epollRemove(this.epoll, port.fd)
  }

  /** Something that came meanwhile is reported at the next wait. */
  private leave(port: MmsgPort): void {
    port.isBusy = false
    this.ports.splice(this.ports.indexOf(port), 1)
    assert(this.sys.epollAdd(this.epoll, port.fd, port.fd) === 0, 'a listener can be watched again')
  }
}
