import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import type { ListenAddress } from '../config/address.ts'
import { sharedMemory } from '../guard/plan.ts'
import type { WorkerEvent } from '../link/messages.ts'
import type { PlanData } from '../link/plan-data.ts'
import type { Interfaces } from '../net/interfaces.ts'
import type { Sys } from '../net/sys.ts'
import { LoopBoard } from '../upstream/loop-board.ts'
import { Crew, type Orders, type Post } from './crew.ts'
import { lookEveryMs, type Say } from './keeper.ts'
import { SetupError } from './setup-error.ts'
import { type Change, missing, type Skip, Sockets } from './sockets.ts'

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
  readonly listen: readonly ListenAddress[]
  readonly threads: number
}

/** How often interfaces are compared with what a wildcard stood for. */
const rescanEveryMs = 5000
/** A crashed worker is back in a tenth of a second; a reload that meets one waits this long. */
const crewWithinMs = 5000
/** What waits in a shard that is to go gets this long: about the default reply deadline. */
const retireWithinMs = 2000
/** How often waiting looks whether it is over. */
const drainLookMs = 10

/**
 * Main's side of all threads: owns sockets, books and memory, starts workers and replaces them, and hands out plans in two
 * steps, so that all workers serve the same one or none has changed.
 */
export class Supervisor {
  readonly sockets: Sockets
  private readonly options: SupervisorOptions
  readonly crew: Crew
  /** What is known of loops, for main to read. */
  readonly loops: LoopBoard
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
    const orders = this.ordersFor(wanted)
    this.sockets.prepare(wanted.listen, orders.shards).commit()
    this.take(wanted, orders)
    while (this.crew.shards.length < orders.shards) this.crew.addShard()
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
      const added = missing(this.sockets.listeners, before)
      const removed = missing(before, this.sockets.listeners)
      if (added.length > 0) this.options.say('info', `now listening on ${added.join(', ')} too`)
      if (removed.length > 0) this.options.say('info', `no longer listening on ${removed.join(', ')}`)
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

  /**
   * All workers build the plan, main opens the sockets, all workers take those, and then all change to the plan. Up to
   * there everything can be undone.
   */
  private async change(wanted: Wanted): Promise<void> {
    await this.untilAllUp()
    const { crew } = this
    const before = crew.shards.length
    const orders = this.ordersFor(wanted)
    const { generation } = wanted.plan
    try {
      // Shards that are added serve nobody until they get their sockets.
      while (crew.shards.length < orders.shards) await crew.addShard().keeper.start()
      await Promise.all(crew.posts.map((post) => crew.givePlan(post, orders)))
      await this.relisten(this.sockets.prepare(wanted.listen, orders.shards))
    } catch (error) {
      for (const { keeper } of crew.posts) keeper.send({ kind: 'abandon', generation })
      while (crew.shards.length > before) await crew.removeShard()
      throw error
    }
    this.take(wanted, orders)
    for (const { keeper } of crew.posts) keeper.send({ kind: 'commit', generation })
    while (crew.shards.length > orders.shards) await this.retire()
  }

  /**
   * New sockets are served before old ones close. A worker that dies meanwhile gets the list when it stands again; one
   * that refuses (it binds for itself, in the dgram engine) makes all go back.
   */
  private async relisten(change: Change): Promise<void> {
    change.commit()
    // Ours first: the kernel gives a socket queries until its last fd closes, and a shard empties its own before it does.
    if (change.opensNothing) change.close()
    const refusal = await this.tellListeners()
    if (change.opensNothing) return
    if (refusal === undefined) return change.close()
    change.revert()
    await this.tellListeners()
    change.undo()
    throw refusal
  }

  private async tellListeners(): Promise<SetupError | undefined> {
    const posts = this.crew.posts.filter(({ keeper }) => keeper.isUp)
    const results = await Promise.allSettled(posts.map((post) => this.crew.giveListeners(post)))
    const reasons = results.map((result) => (result.status === 'rejected' ? result.reason : undefined))
    return reasons.find((reason) => reason instanceof SetupError)
  }

  /** The last shard has no sockets any more: what waits in it is answered, then it ends. */
  private async retire(): Promise<void> {
    const { lane } = this.crew.shards.at(-1) as Post
    const until = this.options.clock.now() + retireWithinMs
    while (this.crew.ledger.waitingIn(lane) > 0 && this.options.clock.now() < until) await sleep(drainLookMs)
    await this.crew.removeShard()
  }

  private take(wanted: Wanted, orders: Orders): void {
    this.wanted = wanted
    this.orders = orders
  }

  private ordersFor({ plan, threads }: Wanted): Orders {
    const memory = sharedMemory(plan.rules).map(({ key, bytes }) => [key, this.memoryOf(key, bytes)] as const)
    return { plan, shared: Object.fromEntries(memory), shards: this.options.sys === undefined ? 1 : threads }
  }

  private memoryOf(key: string, bytes: number): SharedArrayBuffer {
    const known = this.memory.get(key)
    const memory = known?.byteLength === bytes ? known : new SharedArrayBuffer(bytes)
    this.memory.set(key, memory)
    return memory
  }

  private async untilAllUp(): Promise<void> {
    const until = this.options.clock.now() + crewWithinMs
    while (!this.areAllUp) {
      if (this.options.clock.now() >= until)
        throw new SetupError('a worker is being replaced: try again when it serves')
      await sleep(drainLookMs)
    }
  }

  /** Said once for each address, for the next scan meets it again. */
  private readonly skip: Skip = (sentence) => {
    if (!this.skipped.has(sentence)) this.options.say('warn', sentence)
    this.skipped.add(sentence)
    return true
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.queue.then(work)
    this.queue = result.catch(() => undefined)
    return result
  }

  private every(ms: number, work: () => void): void {
    this.timers.push(setInterval(work, ms))
  }
}
