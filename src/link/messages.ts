import type { MessagePort } from 'node:worker_threads'
import type { ListenerSocket } from '../net/reactor.ts'
import type { ExplainQuestion, Explanation } from './explain-data.ts'
import type { PlanData } from './plan-data.ts'

/**
 * What threads say to each other, apart from packed batches (link/packed), which are bare ArrayBuffers. A shard reads with
 * `receiveMessageOnPort` after a kick; main and streams listen to 'message'.
 *
 *   main   ──ToShard──▶ shard     main   ◀─FromWorker── shard
 *   main   ─ToStreams─▶ streams   main   ◀─FromWorker── streams
 *   streams ◀─ArrayBuffer─▶ shard     shard ◀─ArrayBuffer─▶ shard
 */
export type ToShard =
  | Prepare
  | Commit
  | Abandon
  | Listeners
  | { readonly kind: 'streams'; readonly port: MessagePort | undefined }
  | { readonly kind: 'peer'; readonly shard: number; readonly port: MessagePort; readonly kickFd: number }
  | { readonly kind: 'explain'; readonly id: number; readonly question: ExplainQuestion }
  | Drain
  | Stop
  | Crash

export type ToStreams =
  | Prepare
  | Commit
  | Abandon
  | Listeners
  | { readonly kind: 'shard'; readonly shard: number; readonly port: MessagePort; readonly kickFd: number }
  | Drain
  | Stop
  | Crash

export type FromWorker =
  /** It stands and waits for its plan. `tid` is the kernel's number of the thread, 0 where it can't be asked. */
  | { readonly kind: 'started'; readonly tid: number; readonly engine: string }
  /** The plan of this generation is built, or `problem` says in a sentence why not. */
  | { readonly kind: 'prepared'; readonly generation: number; readonly problem: string | undefined }
  | { readonly kind: 'committed'; readonly generation: number }
  /** The listeners asked for are open; each problem is a sentence. */
  | { readonly kind: 'listening'; readonly problems: readonly string[] }
  | { readonly kind: 'event'; readonly event: WorkerEvent }
  | { readonly kind: 'drained' }
  /** The road of the question with this id; without an explanation, `problem` says in a sentence what went wrong. */
  | Explained

export interface Explained {
  readonly kind: 'explained'
  readonly id: number
  readonly explanation: Explanation | undefined
  readonly problem: string
}

/** Reload, first step: build the plan beside the one that is in use. */
interface Prepare {
  readonly kind: 'prepare'
  readonly plan: PlanData
  /** Memory that the rules of all shards share, by key: the same as before where the size is. Nothing of it concerns streams. */
  readonly shared: Readonly<Record<string, SharedArrayBuffer>>
  /** How many shards divide the cache's bytes among them. */
  readonly shards: number
}

/** Second step, when all have prepared: use it. */
interface Commit {
  readonly kind: 'commit'
  readonly generation: number
}

/** Somebody refused: forget it. */
interface Abandon {
  readonly kind: 'abandon'
  readonly generation: number
}

/** All listeners from now on: open these, then close those of before that are not among them (same id: the same one). */
interface Listeners {
  readonly kind: 'listeners'
  readonly listeners: readonly ListenerSocket[]
}

/** Take nothing new, answer what waits, say `drained`. */
interface Drain {
  readonly kind: 'drain'
}

interface Stop {
  readonly kind: 'stop'
}

/** A drill: throw. */
interface Crash {
  readonly kind: 'crash'
}

/** What main writes to the log as a plain sentence. */
export type WorkerEvent = LoopEvent | NoteEvent | RuleEvent

/** (route, upstream) was marked as looping, or healed. */
export interface LoopEvent {
  readonly kind: 'loop'
  readonly marked: boolean
  /** `.` or the zones of the route. */
  readonly route: string
  /** The one zone of the route that it is about, without trailing dot; empty for all of it. */
  readonly zone: string
  readonly upstream: string
  /** Where our probe came back in, as `address:port`; empty when unknown or healed. */
  readonly listener: string
  /** Who sent it there, as `address:port`; empty when unknown or healed. */
  readonly from: string
}

export interface NoteEvent {
  readonly kind: 'note'
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly sentence: string
}

/** What a rule has to say of more than one query: an episode that begins and ends, or a finding. Rare by design, never per query. */
export interface RuleEvent {
  readonly kind: 'rule'
  readonly rule: string
  /** `begin` and `end` of one episode carry the same subject; a `note` stands alone. */
  readonly state: 'begin' | 'end' | 'note'
  /** What it is about, as the operator would write it: a suffix, a client prefix and a domain. */
  readonly subject: string
  readonly level: 'info' | 'warn'
  /** One plain sentence for the log. */
  readonly sentence: string
  /** Counts and durations by name, for /api/stats. */
  readonly figures: Readonly<Record<string, number>>
}
