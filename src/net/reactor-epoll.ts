import { assert } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import { Alarm } from './alarm.ts'
import { Batch, batchSlots } from './batch.ts'
import { BusyListeners } from './busy.ts'
import type { Endpoint } from './endpoint.ts'
import { FdTable } from './fd-table.ts'
import type { DatagramPort, ListenerSocket, Reactor, Ready, Turn } from './reactor.ts'
import { bindDatagramSocket, connectDatagramSocket, deafenDatagramSocket } from './sockets.ts'
import type { Arena, Sys } from './sys.ts'
import { EINTR, EPOLLERR } from './sys.ts'
import { MmsgPort } from './udp-mmsg.ts'

/** Longest wait: how late the stop flag is seen when nobody kicks, and how late housekeeping when nobody asks. */
const waitMsMax = 100
/** At least this often the loop goes back to Node's own, where V8's housekeeping runs. */
const yieldMsMax = 1000
/** Events of one wait. More may be ready: the kernel goes on behind them at the next wait. */
const eventsMax = 256

export interface EpollReactorOptions {
  readonly sys: Sys
  readonly clock: Clock
  /** Shared memory; ends the loop when [0] is not 0. */
  readonly stop: Int32Array
  /** An eventfd of main's, which is not closed here; -1: none. */
  readonly kickFd: number
  /** Shared memory for net/fd-table: as many cells as fds may be open. */
  readonly fds: Int32Array
}

export function createEpollReactor(options: EpollReactorOptions): Reactor {
  return new EpollReactor(options)
}

/** A thread's own loop: level-triggered `epoll_wait`, one turn, around. Nothing in it awaits. */
class EpollReactor implements Reactor {
  readonly engine = 'epoll (batched system calls)'
  private readonly sys: Sys
  private readonly clock: Clock
  private readonly stopFlag: Int32Array
  private readonly kickFd: number
  private readonly fds: FdTable
  private readonly epoll: number
  private readonly epollPlace: number
  private readonly alarm: Alarm
  private readonly alarmPlace: number
  private readonly events: Arena
  private readonly words: Int32Array
  private readonly eventWords: number
  private readonly dataWord: number
  /** By fd. */
  private readonly ports: (MmsgPort | undefined)[] = []
  private readonly ready: Ready = { kicked: false, upstreams: [], upstreamCount: 0, listeners: [], listenerCount: 0 }
  /** Listeners in the kernel's order, which is always the same. */
  private readonly listenersFound: MmsgPort[] = []
  private listenersCount = 0
  private readonly busy: BusyListeners
  private turns = 0
  private turn: Turn = () => Infinity
  /** When the turn wants to be called again. The first one is due at once. */
  private due = -Infinity
  private readonly sink: Batch
  private ended = false

  constructor(options: EpollReactorOptions) {
    this.sys = options.sys
    this.clock = options.clock
    this.stopFlag = options.stop
    this.kickFd = options.kickFd
    this.fds = new FdTable(options.fds)
    this.epoll = this.sys.epollCreate()
    assert(this.epoll >= 0, 'there is an fd left for epoll')
    this.epollPlace = this.fds.add(this.epoll)
    this.busy = new BusyListeners(this.sys, this.epoll)
    this.events = this.sys.arena(eventsMax * this.sys.epollEventBytes)
    this.words = new Int32Array(this.events.buffer)
    this.eventWords = this.sys.epollEventBytes / 4
    this.dataWord = this.eventWords === 3 ? 1 : 2
    this.sink = new Batch(this.sys, 4)
    if (this.kickFd >= 0) this.sys.epollAdd(this.epoll, this.kickFd, this.kickFd)
    this.alarm = new Alarm(this.sys)
    assert(this.alarm.fd >= 0, 'there is an fd left for the alarm')
    this.alarmPlace = this.fds.add(this.alarm.fd)
    this.sys.epollAdd(this.epoll, this.alarm.fd, this.alarm.fd)
  }

  openListener(listener: ListenerSocket): DatagramPort {
    const fd = listener.fd >= 0 ? listener.fd : bindDatagramSocket(this.sys, listener.endpoint)
    if (typeof fd === 'string') throw new Error(fd)
    const port = this.watch(fd, false)
    if (port === undefined) throw new Error('too many sockets are open')
    port.tag = listener.id
    return port
  }

  openUpstream(remote: Endpoint, localPort: number): DatagramPort | undefined {
    const fd = connectDatagramSocket(this.sys, remote, localPort)
    if (fd < 0) return undefined
    const port = this.watch(fd, true)
    // Between bind and connect anybody could send to it; the kernel keeps what it had taken.
    while (port !== undefined && port.receive(this.sink) === batchSlots);
    return port
  }

  run(turn: Turn): void {
    this.turn = turn
    this.loop()
  }

  stop(): void {
    Atomics.store(this.stopFlag, 0, 1)
  }

  private readonly loop = (): void => {
    const { sys, clock } = this
    let now = clock.now()
    const yieldAt = now + yieldMsMax
    // A plain read: the calls between two of them keep it from being taken for a constant, and a kick comes with it.
    while (this.stopFlag[0] === 0) {
      const count = sys.epollWait(this.epoll, this.events.address, eventsMax, this.timeout(now))
      // A signal (of a profiler: at nearly every wait) is nothing ready; deadlines are absolute and run all the same.
      if (count < 0) assert(sys.errno() === EINTR, 'epoll_wait fails only by a signal')
      now = clock.now()
      const isIdle = !this.collect(count) && count >= 0
      this.due = this.turn(now, this.ready)
      this.busy.judge(this.listenersFound, this.listenersCount)
      if (isIdle || now >= yieldAt) {
        setImmediate(this.loop)
        return
      }
    }
    this.end()
  }

  /** For `epoll_wait`: not at all when something is due, else until the alarm. */
  private timeout(now: number): number {
    if (this.due <= now || this.busy.ports.length > 0) return 0
    this.alarm.by(Math.min(this.due, now + waitMsMax))
    return -1
  }

  /** Sorts events into the ready lists; false when nothing but the alarm woke us. */
  private collect(count: number): boolean {
    const { ready, words } = this
    ready.kicked = false
    ready.upstreamCount = 0
    let listeners = 0
    let found = this.busy.ports.length > 0
    for (let i = 0; i < this.busy.ports.length; i++) this.listenersFound[listeners++] = this.busy.ports[i] as MmsgPort
    for (let event = 0; event < count; event++) {
      const at = event * this.eventWords
      const fd = words[at + this.dataWord] as number
      if (fd === this.alarm.fd) {
        this.alarm.rang()
        continue
      }
      found = true
      if (fd === this.kickFd) {
        this.sys.unkick(fd)
        ready.kicked = true
        continue
      }
      const port = this.ports[fd]
      if (port === undefined) continue
      if (((words[at] as number) & EPOLLERR) !== 0) port.takeError()
      if (port.connected) ready.upstreams[ready.upstreamCount++] = port
      else this.listenersFound[listeners++] = port
    }
    this.rotateListeners(listeners)
    return found
  }

  /** A turn has a budget that the first listeners may use up: each is first in its turn. */
  private rotateListeners(count: number): void {
    this.listenersCount = count
    this.turns = (this.turns + 1) >>> 0
    for (let i = 0; i < count; i++) {
      this.ready.listeners[i] = this.listenersFound[(i + this.turns) % count] as DatagramPort
    }
    this.ready.listenerCount = count
  }

  /** From here on `fd` is ours to close, now or in `close`. */
  private watch(fd: number, connected: boolean): MmsgPort | undefined {
    const place = this.fds.add(fd)
    if (place >= 0 && this.sys.epollAdd(this.epoll, fd, fd) === 0) {
      const port = new MmsgPort(this.sys, fd, place, connected, this)
      this.ports[fd] = port
      return port
    }
    if (place >= 0) this.fds.remove(place)
    this.sys.close(fd)
    return undefined
  }

  /** For MmsgPort. */
  release(port: MmsgPort): void {
    this.ports[port.fd] = undefined
    this.busy.forget(port)
    this.fds.remove(port.place)
    this.sys.close(port.fd)
  }

  /** For MmsgPort. */
  deafen(port: MmsgPort): boolean {
    if (!deafenDatagramSocket(this.sys, port.fd)) return false
    this.busy.forget(port)
    return true
  }

  private end(): void {
    if (this.ended) return
    this.ended = true
    for (const port of this.ports) port?.close()
    if (this.alarmPlace >= 0) this.fds.remove(this.alarmPlace)
    this.sys.close(this.alarm.fd)
    if (this.epollPlace >= 0) this.fds.remove(this.epollPlace)
    this.sys.close(this.epoll)
  }
}
