import { type TransferListItem, Worker } from 'node:worker_threads'
import type { Clock } from '../base/clock.ts'
import type { ExplainQuestion } from '../link/explain-data.ts'
import { kick } from '../link/kick.ts'
import type { Explained, FromWorker, ToShard, ToStreams, WorkerEvent } from '../link/messages.ts'
import type { Sys } from '../net/sys.ts'
import { Control } from './control.ts'
import { Heartbeat } from './heartbeat.ts'
import { Inquiries } from './inquiries.ts'
import { Restarts } from './restarts.ts'
import { SetupError } from './setup-error.ts'
import { threadTime } from './thread-time.ts'

/** Who looks after a worker, and what for. */
export interface KeeperOptions {
  /** `shard-0`, `streams`. */
  readonly name: string
  /** Its entry, beside this file. */
  readonly entry: string
  readonly sys: Sys | undefined
  readonly clock: Clock
  /** Its eventfd, -1 where it lives on Node's loop. */
  readonly kickFd: number
  /** V8's old generation in MiB: what the worker may keep on its heap. */
  readonly heapMiB: number
  /** What the entry finds in `workerData`, `control` besides. */
  readonly data: object
  /** It stands; give it its plan and its sockets. Rejects with what it refuses. */
  equip(keeper: Keeper): Promise<void>
  /** It serves: tie it to the others. */
  up(keeper: Keeper): void
  /** It has ended, nothing of it runs any more: books and file descriptors can be closed. */
  gone(keeper: Keeper): void
  /** It did not end because it was told to, and will be replaced. */
  crashed(): void
  readonly say: Say
  readonly event: (event: WorkerEvent) => void
}

/** Where sentences go. */
export type Say = (level: 'debug' | 'info' | 'warn' | 'error', sentence: string, fields?: object) => void

type Order = ToShard | ToStreams
type Answer = Exclude<FromWorker, { kind: 'event' | 'explained' }>

/** V8's young generation: best of 3, 8, 24, 48 MiB (DESIGN 2). A scavenge stops the road, and its pause grows with this. */
const youngGenerationMiB = 8
/** Building a plan from a hosts file of a million lines takes seconds; who takes longer than this is stuck. */
const answerWithinMs = 30_000
/** How often a worker's pulse is taken. */
export const lookEveryMs = 500

/**
 * One worker thread and its successors: starts it, hears it, judges its pulse, and replaces it when it dies. A crash is
 * answered at once; a loop of crashes once a second, for ever.
 */
export class Keeper {
  readonly name: string
  readonly control = new Control()
  /** Set while a worker stands and is equipped. */
  isUp = false
  private wasUp = false
  private readonly options: KeeperOptions
  private readonly pauses = new Restarts()
  private worker: Worker | undefined
  private heartbeat = new Heartbeat(lookEveryMs)
  private tid = 0
  private stopping = false
  private timer: NodeJS.Timeout | undefined
  private readonly awaited = new Map<Answer['kind'], Awaited>()
  private readonly inquiries = new Inquiries<Explained>()

  constructor(options: KeeperOptions) {
    this.options = options
    this.name = options.name
  }

  /** Resolves when the worker serves. Rejects when the first one can't. */
  async start(): Promise<void> {
    this.spawn()
    await this.standing()
  }

  send(order: Order, transfer: readonly TransferListItem[] = []): void {
    this.worker?.postMessage(order, transfer)
    kick(this.options.sys, this.options.kickFd)
  }

  /** Sends an order and waits for the answer of the given kind. Rejects when the worker ends first, or says nothing in time. */
  ask<K extends Answer['kind']>(
    order: Order,
    kind: K,
    withinMs = answerWithinMs,
  ): Promise<Extract<Answer, { kind: K }>> {
    if (this.worker === undefined) return Promise.reject(new Error(`${this.name} is being replaced`))
    const answer = this.hear(kind, withinMs)
    this.send(order)
    return answer as Promise<Extract<Answer, { kind: K }>>
  }

  /** Has a shard walk its road with a question nobody asked. Rejects when it says nothing in time; its pulse is taken all the same. */
  explain(question: ExplainQuestion, withinMs: number): Promise<Explained> {
    if (!this.isUp) return Promise.reject(new Error(`${this.name} is being replaced`))
    return this.inquiries.ask((id) => this.send({ kind: 'explain', id, question }), withinMs, this.name)
  }

  /** Takes its pulse; a stuck worker is ended, and replaced. To be called every `lookEveryMs`. */
  look(): void {
    // While an answer is awaited it may be building a plan, which is one long turn.
    if (!this.isUp || this.awaited.size > 0) return
    const look = { now: this.options.clock.now(), beat: this.control.beats, ...threadTime(this.tid) }
    const verdict = this.heartbeat.look(look)
    kick(this.options.sys, this.options.kickFd)
    if (verdict === undefined) return
    this.options.say('error', `${this.name} is stuck (${verdict}): it is ended and replaced`)
    this.end()
  }

  /** A drill: the worker throws. */
  crash(): void {
    this.send({ kind: 'crash' })
  }

  /** Makes its loop end at the next turn. */
  letGo(): void {
    this.control.stop()
    kick(this.options.sys, this.options.kickFd)
  }

  /** Ends the worker for good; resolves when it is gone. */
  async stop(): Promise<void> {
    this.stopping = true
    clearTimeout(this.timer)
    await this.end()
  }

  /** Stop flag and kick as well, for `terminate` alone waits until epoll_wait returns. */
  private end(): Promise<unknown> {
    this.letGo()
    return this.worker?.terminate() ?? Promise.resolve()
  }

  private spawn(): void {
    this.control.reset()
    this.heartbeat = new Heartbeat(lookEveryMs)
    // The compiler rewrites imports but not this: take the extension from the file that runs.
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
    const worker = new Worker(new URL(`./${this.options.entry}${extension}`, import.meta.url), {
      name: this.name,
      workerData: { ...this.options.data, control: this.control.memory },
      resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMiB, maxOldGenerationSizeMb: this.options.heapMiB },
    })
    let error: Error | undefined
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'event') this.options.event(message.event)
      else if (message.kind === 'explained') this.inquiries.answered(message)
      else this.answered(message)
    })
    worker.on('error', (reason: unknown) => {
      error = reason instanceof Error ? reason : new Error(String(reason))
      if ((error as NodeJS.ErrnoException).code !== 'ERR_WORKER_OUT_OF_MEMORY') return
      error = new SetupError(
        `${this.name} needs more memory than the ${this.options.heapMiB} MiB that it may have on its heap`,
      )
    })
    worker.on('exit', (code) => this.ended(error ?? new Error(`it ended with code ${code}`)))
    this.worker = worker
  }

  private async standing(): Promise<void> {
    const started = await this.hear('started', answerWithinMs)
    this.tid = (started as Extract<Answer, { kind: 'started' }>).tid
    await this.options.equip(this)
    this.isUp = true
    this.wasUp = true
    this.options.up(this)
  }

  private ended(error: Error): void {
    this.worker = undefined
    this.isUp = false
    this.options.gone(this)
    for (const { reject } of [...this.awaited.values()]) reject(error)
    this.inquiries.fail(error)
    // Of one that never served, whoever started it hears why, and decides.
    if (this.stopping || !this.wasUp) return
    this.options.crashed()
    const pause = this.pauses.delay(this.options.clock.now())
    const when = pause === 0 ? 'it is replaced' : `it crashes again and again: it is replaced in ${pause / 1000} s`
    this.options.say('error', `${this.name} crashed (${error.message}); ${when}`, { stack: error.stack })
    if (pause === 0) this.replace()
    else this.timer = setTimeout(() => this.replace(), pause)
  }

  private replace(): void {
    this.spawn()
    this.standing().then(
      () => this.options.say('warn', `${this.name} serves again`),
      (error: Error) => {
        // It died again (which `ended` answers), or refuses what it once took: then start over.
        if (this.worker === undefined || this.stopping) return
        this.options.say('error', `${this.name} can't serve: ${error.message}`)
        this.end()
      },
    )
  }

  private hear(kind: Answer['kind'], withinMs: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer)
        this.awaited.delete(kind)
      }
      const timer = setTimeout(() => {
        done()
        reject(new Error(`${this.name} did not say "${kind}" within ${withinMs} ms`))
      }, withinMs)
      this.awaited.set(kind, {
        resolve: (answer) => {
          done()
          resolve(answer)
        },
        reject: (error) => {
          done()
          reject(error)
        },
      })
    })
  }

  private answered(answer: Answer): void {
    this.awaited.get(answer.kind)?.resolve(answer)
  }
}

interface Awaited {
  resolve(answer: Answer): void
  reject(error: Error): void
}
