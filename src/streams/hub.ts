import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { QUESTION, REPLY, Unpacker } from '../link/packed.ts'
import type { PlanData } from '../link/plan-data.ts'
import type { Counters } from '../metrics/counters.ts'
import type { ListenerSocket } from '../net/reactor.ts'
import type { Sys } from '../net/sys.ts'
import { ShardChannel } from './channel.ts'
import type { ClientConnection } from './connection.ts'
import { Dial } from './dial.ts'
import { type StreamLimits, sweepMs, withPlan } from './limits.ts'
import { TcpClients } from './tcp.ts'

export interface HubDeps {
  readonly counters: Counters
  readonly clock: Clock
  readonly random: Random
  /** To kick shards that live in epoll_wait; undefined where all live on Node's loop. */
  readonly sys: Sys | undefined
  readonly limits: StreamLimits
  /** A sentence for the log. */
  readonly say: (level: 'info' | 'warn', sentence: string) => void
}

/**
 * The streams worker: everything on Node's loop that is a stream, tied to the shards by one channel each.
 *
 *   clients ─▶ TcpClients ─▶ submit ─▶ channel of the connection's shard ─▶ one packed message a turn, and a kick
 *   clients ◀─ TcpClients ◀─ reply  ◀─┐
 *   upstreams ◀─▶ Dial ◀──── ask    ◀─┴─ one packed message
 */
export class StreamsHub {
  private readonly deps: HubDeps
  private readonly clients: TcpClients
  private readonly dial: Dial
  private readonly channels = new Map<number, ShardChannel>()
  private readonly unpacker = new Unpacker()
  /** Tells our connections from those of a streams worker that died: replies to its clients may still be on their way. */
  private readonly epoch: number
  private prepared: PlanData | undefined
  private nextShard = 0
  private isFlushing = false
  private timer: NodeJS.Timeout | undefined
  private isDraining = false

  constructor(deps: HubDeps) {
    this.deps = deps
    this.epoch = deps.random.u32()
    this.dial = new Dial(deps)
    this.clients = new TcpClients({
      ...deps,
      isReady: (connection) => this.channelOf(connection) !== undefined,
      submit: (connection, bytes, at, length) => this.submit(connection, bytes, at, length),
      opened: () => this.watch(),
    })
  }

  /** Makes a plan's upstreams known beside those in use; called when it is prepared. */
  setPlan(plan: PlanData): void {
    this.prepared = plan
    // Listeners of this plan are opened before it is committed.
    if (plan.streams.tls !== undefined) this.clients.handshakes.use(plan.streams.tls)
    this.dial.setPlan(plan)
  }

  /** All workers have taken the plan. */
  commitPlan(generation: number): void {
    this.dial.commitPlan(generation)
    const { prepared, deps } = this
    if (prepared?.generation === generation) this.clients.limits = withPlan(deps.limits, prepared.streams)
  }

  /** All TCP listeners from now on (see TcpClients); a sentence for each that could not be opened. */
  setListeners(listeners: readonly ListenerSocket[]): Promise<readonly string[]> {
    return this.clients.setListeners(listeners)
  }

  /**
   * A shard's channel, also that of a successor: what the one before held is lost. `kickFd` is its eventfd, which must outlive the shard (main
   * keeps it: a number used again would be kicked instead), or -1.
   */
  setShard(shard: number, port: MessagePort, kickFd: number): void {
    this.loseShard(shard)
    const channel = new ShardChannel(port, kickFd, this.deps.sys, () => this.scheduleFlush())
    this.channels.set(shard, channel)
    port.on('message', (message: ArrayBuffer) => this.receive(channel, message))
    port.on('close', () => {
      if (this.channels.get(shard) === channel) this.loseShard(shard)
    })
    this.clients.pump()
  }

  /** The shard is dead or no longer wanted: its clients' connections are closed, so that they ask again at once. */
  loseShard(shard: number): void {
    const channel = this.channels.get(shard)
    if (channel === undefined) return
    this.channels.delete(shard)
    channel.close()
    this.clients.loseShard(shard)
  }

  /** Takes nothing new; resolves when all replies are out, or when `drainMs` have passed. */
  async drain(): Promise<void> {
    this.isDraining = true
    this.clients.finish()
    const until = this.deps.clock.now() + drainMs
    while (this.clients.isOwing && this.deps.clock.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, drainLookMs))
    }
  }

  close(): void {
    clearInterval(this.timer)
    this.timer = undefined
    this.clients.close()
    this.dial.close()
    for (const channel of this.channels.values()) channel.close()
    this.channels.clear()
  }

  private submit(connection: ClientConnection, bytes: Uint8Array, at: number, length: number): boolean {
    const channel = this.channelOf(connection)
    if (channel === undefined || channel.outstanding >= this.deps.limits.creditsPerShard) return false
    channel.query(connection, this.epoch, bytes, at, length)
    return true
  }

  private receive(channel: ShardChannel, message: ArrayBuffer): void {
    if (channel.isClosed) return
    const { unpacker } = this
    unpacker.start(message)
    while (unpacker.advance()) {
      const { kind, place, first, second, bytes, at, length } = unpacker
      if (kind === QUESTION) {
        this.dial.ask(channel, place, first, second, bytes, at, length)
      } else if (kind === REPLY && second === this.epoch && this.clients.reply(first, bytes, at, length)) {
        channel.outstanding--
      }
    }
    this.clients.settle()
    this.dial.settle()
    this.watch()
  }

  /**
   * The channel that serves a connection: the same one as long as it lives, so that a connection's queries meet one cache. Undefined while
   * there is none, or when nothing new is taken.
   */
  private channelOf(connection: ClientConnection): ShardChannel | undefined {
    if (this.isDraining) return undefined
    const channel = this.channels.get(connection.shard)
    if (channel !== undefined) return channel
    const shards = [...this.channels.keys()]
    if (shards.length === 0) return undefined
    connection.shard = shards[this.nextShard++ % shards.length] as number
    return this.channels.get(connection.shard)
  }

  /** What comes in during one turn of Node's loop leaves in one message per shard. */
  private scheduleFlush(): void {
    if (this.isFlushing) return
    this.isFlushing = true
    setImmediate(() => {
      this.isFlushing = false
      for (const channel of this.channels.values()) channel.flush()
    })
  }

  /** Deadlines are looked after while there is a connection to have one. */
  private watch(): void {
    this.timer ??= setInterval(() => {
      const now = this.deps.clock.now()
      this.clients.sweep(now)
      this.dial.sweep(now)
      if (this.clients.open > 0 || !this.dial.isEmpty) return
      clearInterval(this.timer)
      this.timer = undefined
    }, sweepMs)
  }
}

/** How long leaving waits for replies: within the time that a service manager grants. */
const drainMs = 2000
const drainLookMs = 10
