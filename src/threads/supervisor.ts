import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import type { SocketAddress } from '../config/address.ts'
import { sharedMemory } from '../guard/plan.ts'
import type { WorkerEvent } from '../link/messages.ts'
import type { PlanData } from '../link/plan-data.ts'
import type { Interfaces } from '../net/interfaces.ts'
import type { Sys } from '../net/sys.ts'
import { LoopBoard } from '../upstream/loop-board.ts'
import { Crew, type Orders, type Post } from './crew.ts'
import { lookEveryMs, type Say } from './keeper.ts'
import { SetupError } from './setup-error.ts'
import { type Listener, type Skip, Sockets } from './sockets.ts'

export interface SupervisorOptions {
  /** Undefined: the dgram engine, with one shard. */
  readonly sys: Sys | undefined
  readonly clock: Clock
  readonly hashSeed: number
  readonly interfaces: () => Interfaces
  readonly say: Say
  readonly event: (event: WorkerEvent) => void
}

/** What is to be served, and where. */
export interface Wanted {
  readonly plan: PlanData
  readonly listen: readonly SocketAddress[]
  readonly threads: number
}

/** How often interfaces are compared with what a wildcard stood for. */
const rescanEveryMs = 5000
/** A crashed worker is back in a tenth of a second; a reload that meets one waits this long. */
const crewWithinMs = 5000

/**
 * Main's side of all threads: owns sockets, books and memory, starts workers and replaces them, and hands out plans in two
 * steps, so that all workers serve the same one or none has changed.
 */
export class Supervisor {
  readonly sockets: Sockets
  private readonly options: SupervisorOptions
  private readonly crew: Crew
  private readonly loops: LoopBoard
  private readonly memory = new Map<string, SharedArrayBuffer>()
  private wanted: Wanted | undefined
  private orders: Orders | undefined
  private readonly timers: NodeJS.Timeout[] = []
  /** Changes come one after the other. */
  private queue: Promise<unknown> = Promise.resolve()
  private readonly skipped = new Set<string>()

  constructor(options: SupervisorOptions) {
    this.options = options
    this.sockets = new Sockets(options.sys, options.interfaces)
    this.crew = new Crew({ ...options, sockets: this.sockets, orders: () => this.orders as Orders })
    this.loops = new LoopBoard(this.crew.board)
  }

  /** Opens all sockets and starts all workers. Rejects with SetupError, everything undone, when that can't be. */
  async start(wanted: Wanted): Promise<void> {
    const shards = this.shardsOf(wanted)
    this.sockets.prepare(wanted.listen, shards).commit()
    this.take(wanted, this.ordersFor(wanted))
    for (let i = 0; i < shards; i++) this.crew.addShard()
    try {
      await Promise.all(this.crew.posts.map(({ keeper }) => keeper.start()))
    } catch (error) {
      await this.stop()
      throw error
    }
    this.every(lookEveryMs, () => {
      for (const { keeper } of this.crew.posts) keeper.look()
    })
    this.every(rescanEveryMs, () => void this.rescan())
  }

  /** Serves something else from now on; rejects with the reason when it can't, and nothing has changed then. */
  reload(wanted: Wanted): Promise<void> {
    return this.inTurn(() => this.change(wanted))
  }

  /** Looks whether wildcards stand for other addresses by now. Never rejects. */
  rescan(): Promise<void> {
    return this.inTurn(async () => {
      const { listen } = this.wanted as Wanted
      if (this.sockets.isCurrent(listen)) return
      const before = this.sockets.listeners
      await this.relisten(this.sockets.prepare(listen, this.crew.shards.length, this.skip))
      const { added, removed } = difference(before, this.sockets.listeners)
      if (added.length > 0) this.options.say('info', `listening on ${added.join(', ')} too: the address is new here`)
      if (removed.length > 0) this.options.say('info', `no longer listening on ${removed.join(', ')}: the address is gone`)
    }).catch((error: Error) => this.options.say('warn', error.message))
  }

  /** A drill: `shard-0` or `streams` throws. */
  crash(name: string): void {
    this.crew.posts.find(({ keeper }) => keeper.name === name)?.keeper.crash()
  }

  get areAllUp(): boolean {
    return this.crew.posts.every(({ keeper }) => keeper.isUp)
  }

  get shardCount(): number {
    return this.crew.shards.length
  }

  /** Counters of main, streams and all shards. */
  get lanes(): readonly Float64Array[] {
    return this.crew.ledger.lanes
  }

  /** ms on the shared clock at which all upstreams were judged for the first time; 0 before. */
  get firstLoopVerdictAt(): number {
    return this.loops.firstVerdictAt
  }

  isLooping(route: number, upstream: number): boolean {
    return this.loops.isLooping(route, upstream)
  }

  /** Takes no new stream; resolves when nobody waits any more, or after `withinMs`. */
  async drain(withinMs: number): Promise<void> {
    const until = this.options.clock.now() + withinMs
    for (const { keeper } of this.crew.shards) keeper.send({ kind: 'drain' })
    const streams = this.crew.streams.keeper.ask({ kind: 'drain' }, 'drained', withinMs).catch(() => undefined)
    while (this.crew.ledger.waiting() > 0 && this.options.clock.now() < until) await sleep(drainLookMs)
    await streams
  }

  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer)
    await this.crew.stop()
    this.sockets.close()
  }

  /** From the process's `exit` event: threads in epoll_wait would hold the end up otherwise. */
  letGo(): void {
    for (const { keeper } of this.crew.posts) keeper.letGo()
  }

  private async change(wanted: Wanted): Promise<void> {
    await this.untilAllUp()
    const before = this.crew.shards.length
    const shards = this.shardsOf(wanted)
    const orders = this.ordersFor(wanted)
    let sockets: ReturnType<Sockets['prepare']> | undefined
    try {
      // Added shards serve the old plan without sockets until all change together.
      while (this.crew.shards.length < shards) await this.crew.addShard().keeper.start()
      await Promise.all(this.crew.posts.map((post) => this.crew.givePlan(post, orders)))
      sockets = this.sockets.prepare(wanted.listen, shards)
      if (this.options.sys === undefined) await this.relisten(sockets)
    } catch (error) {
      sockets?.undo()
      for (const { keeper } of this.crew.posts) keeper.send({ kind: 'abandon', generation: wanted.plan.generation })
      while (this.crew.shards.length > before) await this.crew.removeShard()
      throw error
    }
    this.take(wanted, orders)
    for (const { keeper } of this.crew.posts) keeper.send({ kind: 'commit', generation: wanted.plan.generation })
    if (this.options.sys !== undefined) await this.relisten(sockets)
    while (this.crew.shards.length > shards) await this.retire()
  }

  /** New sockets are served before old ones close. A worker that dies meanwhile gets the new list when it stands again. */
  private async relisten(change: ReturnType<Sockets['prepare']>): Promise<void> {
    change.commit()
    const posts = this.crew.posts.filter(({ keeper }) => keeper.isUp)
    const results = await Promise.allSettled(posts.map((post) => this.crew.giveListeners(post)))
    change.close()
    for (const result of results) {
      if (result.status === 'rejected' && result.reason instanceof SetupError) throw result.reason
    }
  }

  /** The last shard has no sockets any more: what waits in it is answered, then it ends. */
  private async retire(): Promise<void> {
    const { lane } = this.crew.shards.at(-1) as Post
    const until = this.options.clock.now() + retireWithinMs
    while (this.crew.ledger.waitingIn(lane) > 0 && this.options.clock.now() < until) await sleep(drainLookMs)
    await this.crew.removeShard()
  }
}
