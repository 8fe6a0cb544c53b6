import type { MessagePort } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { Cache } from '../cache/cache.ts'
import type { ExplainQuestion, Explanation } from '../link/explain-data.ts'
import type { WorkerEvent } from '../link/messages.ts'
import { emptyPlan, type PlanData } from '../link/plan-data.ts'
import { StreamedLink } from '../listen/streamed.ts'
import { gauges, UP_BUDGET_LEFT, upstream as upstreamRow } from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { Batch } from '../net/batch.ts'
import { Outbox } from '../net/outbox.ts'
import type { ListenerSocket, Reactor, Turn } from '../net/reactor.ts'
import type { Sys } from '../net/sys.ts'
import { Tickets } from '../query/ticket.ts'
import { flightSlots } from '../upstream/flight.ts'
import { Forward } from '../upstream/forward.ts'
import type { LoopBoard } from '../upstream/loop-board.ts'
import { Complete } from './complete.ts'
import { Datagrams } from './datagrams.ts'
import { explain } from './explain.ts'
import { Held } from './held.ts'
import { Learned } from './learned.ts'
import type { Plan, PlanDeps } from './plan.ts'
import { buildPlan } from './plan.ts'
import { Probes } from './probes.ts'
import { Replies } from './replies.ts'
import { Serve } from './serve.ts'
import { Store } from './store.ts'
import { createTurn } from './turn.ts'

export interface EngineDeps {
  readonly reactor: Reactor
  readonly sys: Sys | undefined
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  readonly board: LoopBoard
  readonly budget?: Int32Array
  /** Its place among the shards; shard 0 sends the loop probes. */
  readonly shard: number
  /** How many shards share the cache's bytes. */
  readonly shards: number
  /** Seeds the hashes of names; the same in all shards of a process. */
  readonly hashSeed: number
  /** Memory that all shards share under this key. */
  readonly shared: (key: string, bytes: number) => SharedArrayBuffer | undefined
  readonly events: (event: WorkerEvent) => void
  /** A listener's address and port, for sentences. */
  readonly listenerName?: (listener: number) => string
  /** Takes main's messages when the reactor was kicked. */
  readonly control: () => void
}

/** Tx slots for replies: the longest we send over UDP, rounded to words. */
const replySlotBytes = 1280
/** Rx slots: an EDNS query of any reasonable size; longer ones are cut by the kernel and dropped. */
const querySlotBytes = 4096

/** One shard's data plane: everything between its reactor and the messages of other threads. A plain state machine over (packets, clock). */
export class ShardEngine {
  readonly turn: Turn
  readonly streamed: StreamedLink
  private readonly deps: EngineDeps
  private readonly cache: Cache
  private readonly learned: Learned
  private readonly store: Store
  private readonly datagrams: Datagrams
  private readonly replies: Replies
  private readonly tickets = new Tickets()
  private readonly forward: Forward
  private readonly complete: Complete
  private readonly serve: Serve
  private readonly probes: Probes
  private readonly planDeps: PlanDeps
  private plan: Plan

  /** Starts with a plan that knows no upstream and no rule; the first `commit` brings the real one. */
  constructor(deps: EngineDeps) {
    this.deps = deps
    const { counters, sys, clock, board, hashSeed } = deps
    this.planDeps = {
      ...deps,
      isFirstShard: deps.shard === 0,
      ask: (name, from, to, now) => this.ask(name, from, to, now),
    }
    this.cache = new Cache(0)
    this.learned = new Learned(this.cache, sys, counters, hashSeed)
    this.streamed = new StreamedLink({
      serve: (query, now) => this.serve.serve(query, now),
      answered: (token, generation, bytes, at, length, now) =>
        this.forward.receiveStreamed(token, generation, bytes, at, length, now),
    })
    this.replies = new Replies(new Outbox(new Batch(sys, replySlotBytes)), this.streamed, counters)
    this.plan = buildPlan(emptyPlan, this.planDeps, undefined)
    const { cache, learned } = this
    this.store = new Store(this.plan, { cache, learned, counters, random: deps.random, hashSeed })
    this.complete = new Complete(this.plan, flightSlots, {
      counters,
      store: this.store,
      tickets: this.tickets,
      replies: this.replies,
      hashSeed,
    })
    this.forward = new Forward({ ...deps, streamed: this.streamed, end: this.complete })
    this.complete.forward = this.forward
    this.store.backSince = (route) => this.forward.choice.backSince(route)
    this.probes = new Probes(this.forward, hashSeed)
    const held = new Held({
      tickets: this.tickets,
      counters,
      hashSeed,
      stir: () => {
        this.forward.isStirred = true
      },
      reenter: (query, now) => this.serve.reenter(query, now),
    })
    this.serve = new Serve(this.plan, {
      counters,
      cache,
      store: this.store,
      forward: this.forward,
      board,
      replies: this.replies,
      complete: this.complete,
      probes: this.probes,
      held,
      hashSeed,
    })
    this.complete.reenter = (query, now) => this.serve.reenter(query, now)
    this.datagrams = new Datagrams(new Batch(sys, querySlotBytes), this.serve, this.replies, counters)
    this.adopt(this.plan)
    this.turn = createTurn({
      forward: this.forward,
      held,
      datagrams: this.datagrams,
      replies: this.replies,
      streamed: this.streamed,
      learned: this.learned,
      clock,
      drain: (now) => this.messages(now),
      gauge: (now) => this.gauge(now),
    })
  }

  /** First step of a reload: builds the plan beside the one in use; throws a sentence when it can't be served. */
  prepare(data: PlanData): Plan {
    return buildPlan(data, this.planDeps, this.plan)
  }

  /** Second step: from the next query on. The cache stays; routes that changed have other keys in it. */
  commit(plan: Plan): void {
    const before = this.plan
    this.adopt(plan)
    if (before !== plan) before.guard.close()
  }

  /** All listeners from now on, those of the same id kept. Returns a sentence per listener that could not be opened. */
  listen(listeners: readonly ListenerSocket[]): string[] {
    const now = this.deps.clock.now()
    const problems = this.datagrams.listen(this.deps.reactor, listeners, now)
    this.datagrams.gauge(now, this.tickets.slots.inUse)
    return problems
  }

  /** The streams worker, or its successor. */
  attachStreams(port: MessagePort | undefined): void {
    this.streamed.attach(port, this.deps.clock.now())
  }

  /** Another shard, or its successor. */
  attachPeer(shard: number, port: MessagePort, kickFd: number): void {
    this.learned.attach(shard, port, kickFd)
  }

  /** A message of another shard that came on Node's loop. */
  learn(message: ArrayBuffer): void {
    this.learned.take(message)
  }

  /** Health checks of others are no longer answered, all else is. */
  drain(): void {
    this.serve.draining = true
  }

  /** The road of a question that nobody asked; nothing changes by it. */
  explain(question: ExplainQuestion): Explanation {
    const { hashSeed, clock } = this.deps
    const { cache, forward } = this
    return explain(this.plan, question, hashSeed, clock.now(), { cache, forward, isDraining: this.serve.draining })
  }

  /** Queries that wait. */
  get waiting(): number {
    return this.tickets.slots.inUse
  }

  private adopt(plan: Plan): void {
    this.plan = plan
    this.serve.plan = plan
    this.complete.plan = plan
    this.store.plan = plan
    this.replies.guard = plan.guard
    this.streamed.configure(plan.data.generation)
    this.forward.configure(plan.data)
    this.cache.staleMsMax = plan.data.cache.serveStaleMs
    this.cache.resize(Math.floor(plan.data.cache.maxBytes / this.deps.shards))
  }

  /** Messages that wait on ports, after a kick. True when more are left than one turn takes. */
  private messages(now: number): boolean {
    this.deps.control()
    const learnedLeft = this.learned.receive()
    return this.streamed.receive(now) || learnedLeft
  }

  /** A question of a rule's own; its answer reaches the rules. */
  private ask(name: Uint8Array, from: number, to: number, now: number): boolean {
    this.probes.about(this.plan, name, from, to)
    const flight = this.probes.ask(now)
    if (flight >= 0) this.complete.markProbe(flight)
    return flight >= 0
  }

  private gauge(now: number): void {
    const { counters } = this.deps
    counters.set(gauges.flights, this.forward.view.inUse)
    counters.set(gauges.cacheEntries, this.cache.entries)
    counters.set(gauges.cacheBytes, this.cache.bytes)
    this.datagrams.gauge(now, this.tickets.slots.inUse)
    for (let i = 0; i < this.plan.data.upstreams.length; i++) {
      counters.set(upstreamRow.at(i, UP_BUDGET_LEFT), this.forward.budget.leftOf(i, now))
    }
    this.plan.guard.idle(now)
  }
}
