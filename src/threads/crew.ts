import { MessageChannel } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import type { ExplainQuestion } from '../link/explain-data.ts'
import type { Explained, WorkerEvent } from '../link/messages.ts'
import type { PlanData } from '../link/plan-data.ts'
import { restarts } from '../metrics/catalog.ts'
import { closeLeftFds } from '../net/fd-table.ts'
import type { Sys } from '../net/sys.ts'
import { Budget } from '../upstream/budget.ts'
import { LoopBoard } from '../upstream/loop-board.ts'
import { Keeper, type Say } from './keeper.ts'
import { Ledger } from './ledger.ts'
import { SetupError } from './setup-error.ts'
import type { ShardStart, WorkerStart } from './shard-data.ts'
import type { Listener, Sockets } from './sockets.ts'

/** As the setting `threads` allows; lanes of counters are laid out for that many once. */
export const shardsMax = 64
const mainLane = 0
const streamsLane = 1
const firstShardLane = 2
/**
 * V8's old generation in a worker. It keeps its plan there, and lru-cache's index; its slabs and local names lie outside. An idle shard needs
 * 6 MiB and one with a full cache 16, so four times that means a leak, which ends the worker alone (default: 4 GiB, with which it would end the
 * process). It is also what keeps V8 from letting the index's outgrown tables lie about.
 */
const heapMiB = 24

/** Sockets of one shard: 64 towards each of 32 upstreams, those that are being retired, and its listeners. */
const fdsMax = 4096

/** The keeper adds its own words. */
type WorkerData<S> = Omit<S, 'control'>

/** What all workers are to serve now; a new one of these for each change. */
export interface Orders {
  readonly plan: PlanData
  readonly shared: Readonly<Record<string, SharedArrayBuffer>>
  readonly shards: number
}

export interface CrewOptions {
  /** Undefined: the dgram engine; nothing is called through koffi. */
  readonly sys: Sys | undefined
  readonly clock: Clock
  readonly sockets: Sockets
  readonly hashSeed: number
  /** Asked whenever a worker starts. */
  readonly orders: () => Orders
  readonly say: Say
  readonly event: (event: WorkerEvent) => void
}

/** One place in the crew: its worker comes and goes, the place and its lane stay. */
export interface Post {
  readonly keeper: Keeper
  /** -1: the streams worker. */
  readonly shard: number
  readonly lane: number
  readonly kickFd: number
  /** Ids of the listeners that the worker holds a dup of. */
  has: Set<number>
}

/** All workers and what ties them together: one channel between each shard and streams, one between each two shards. */
export class Crew {
  readonly ledger = new Ledger(firstShardLane + shardsMax)
  readonly board = new SharedArrayBuffer(LoopBoard.bytes)
  private readonly budget = new SharedArrayBuffer(Budget.bytes)
  readonly streams: Post
  readonly shards: Post[] = []
  private readonly options: CrewOptions
  private readonly engine: 'epoll' | 'dgram'
  /** By shard; kept for ever, for others may still kick the number after the shard is gone. */
  private readonly kickFds: number[] = []

  constructor(options: CrewOptions) {
    this.options = options
    this.engine = options.sys === undefined ? 'dgram' : 'epoll'
    this.streams = this.createPost(
      'streams',
      'streams',
      -1,
      streamsLane,
      -1,
      this.startOf(streamsLane),
      () => undefined,
    )
  }

  get posts(): readonly Post[] {
    return [this.streams, ...this.shards]
  }

  /** Adds a shard that has not started yet. */
  addShard(): Post {
    const shard = this.shards.length
    const lane = firstShardLane + shard
    const kickFd = this.kickFdOf(shard)
    const fds = new SharedArrayBuffer(fdsMax * 4)
    const data: WorkerData<ShardStart> = {
      ...this.startOf(lane),
      shard,
      kickFd,
      fds,
      board: this.board,
      budget: this.budget,
      hashSeed: this.options.hashSeed,
    }
    const { sys } = this.options
    const post = this.createPost(`shard-${shard}`, 'shard', shard, lane, kickFd, data, () => {
      if (sys !== undefined) closeLeftFds(sys, new Int32Array(fds))
    })
    this.shards.push(post)
    return post
  }

  /** Ends the last shard for good. */
  async removeShard(): Promise<void> {
    await this.shards.pop()?.keeper.stop()
  }

  /** Tells a worker all listeners from now on. Rejects when it can't open one. */
  async giveListeners(post: Post): Promise<void> {
    const listeners = this.options.sockets.handOut(post.shard, post.has)
    const { problems } = await post.keeper.ask({ kind: 'listeners', listeners }, 'listening')
    if (problems.length > 0) throw new SetupError(problems.join('; '))
    post.has = new Set(listeners.map(({ id }) => id))
  }

  /** First step of a reload at one worker. Rejects with the sentence of a worker that refuses. */
  async givePlan({ keeper }: Post, orders: Orders): Promise<void> {
    const { problem } = await keeper.ask({ kind: 'prepare', ...orders }, 'prepared')
    if (problem !== undefined) throw new SetupError(problem)
  }

  /** The road of a question in the first shard. Rejects with a sentence when it says nothing within `withinMs`. */
  explain(question: ExplainQuestion, withinMs: number): Promise<Explained> {
    return (this.shards[0] as Post).keeper.explain(question, withinMs)
  }

  async stop(): Promise<void> {
    await Promise.all(this.posts.map(({ keeper }) => keeper.stop()))
    for (const fd of this.kickFds) this.options.sys?.close(fd)
    this.kickFds.length = 0
  }

  private createPost(
    name: string,
    entry: string,
    shard: number,
    lane: number,
    kickFd: number,
    data: WorkerData<WorkerStart>,
    closeFds: () => void,
  ): Post {
    const { sys, clock, say, event } = this.options
    const keeper = new Keeper({
      name,
      entry,
      sys,
      clock,
      kickFd,
      data,
      heapMiB,
      say,
      event,
      equip: () => this.equip(post),
      up: () => this.tie(post),
      gone: () => {
        closeFds()
        const lost = this.ledger.close(lane)
        if (lost > 0) say('warn', `${lost} queries that ${name} held are lost`)
        if (shard === -1) for (const other of this.shards) other.keeper.send({ kind: 'streams', port: undefined })
      },
      crashed: () => this.count(shard === -1 ? restarts.streams : restarts.shard),
    })
    const post: Post = { keeper, shard, lane, kickFd, has: new Set() }
    return post
  }

  /** Orders may change while a new worker takes them: it serves when it has taken the last ones. */
  private async equip(post: Post): Promise<void> {
    post.has = new Set()
    const { orders, sockets } = this.options
    let taken: Orders
    let listeners: readonly Listener[]
    do {
      taken = orders()
      listeners = sockets.listeners
      await this.givePlan(post, taken)
      post.keeper.send({ kind: 'commit', generation: taken.plan.generation })
      await this.giveListeners(post)
    } while (taken !== orders() || listeners !== sockets.listeners)
  }

  /** New channels between a worker that stands anew and all others that stand. */
  private tie(post: Post): void {
    const others = this.posts.filter((other) => other !== post && other.keeper.isUp)
    for (const other of others) {
      if (post.shard === -1) this.tieStreams(post, other)
      else if (other.shard === -1) this.tieStreams(other, post)
      else this.tiePeers(post, other)
    }
  }

  private tieStreams(streams: Post, { keeper, shard, kickFd }: Post): void {
    const { port1, port2 } = new MessageChannel()
    keeper.send({ kind: 'streams', port: port1 }, [port1])
    streams.keeper.send({ kind: 'shard', shard, port: port2, kickFd }, [port2])
  }

  private tiePeers(one: Post, other: Post): void {
    const { port1, port2 } = new MessageChannel()
    one.keeper.send({ kind: 'peer', shard: other.shard, port: port1, kickFd: other.kickFd }, [port1])
    other.keeper.send({ kind: 'peer', shard: one.shard, port: port2, kickFd: one.kickFd }, [port2])
  }

  private startOf(lane: number): WorkerData<WorkerStart> {
    return { lanes: this.ledger.memory, lane, engine: this.engine }
  }

  private kickFdOf(shard: number): number {
    const { sys } = this.options
    if (sys === undefined) return -1
    this.kickFds[shard] ??= sys.eventfd()
    return this.kickFds[shard] as number
  }

  private count(at: number): void {
    const lane = this.ledger.lanes[mainLane] as Float64Array
    lane[at] = (lane[at] as number) + 1
  }
}
