import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { LoopEvent, NoteEvent } from '../link/messages.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Reactor } from '../net/reactor.ts'
import type { Sys } from '../net/sys.ts'
import type { FlightEnd } from './flight-end.ts'
import type { LoopBoard } from './loop-board.ts'
import type { StreamedUpstream } from './streamed.ts'

/** What `Forward` stands on. */
export interface ForwardDeps {
  readonly reactor: Reactor
  readonly sys: Sys | undefined
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  readonly board: LoopBoard
  /** Shared by all shards: see Budget. */
  readonly budget?: Int32Array
  readonly streamed: StreamedUpstream
  /** Loops marked and healed, upstreams that go down and come back; called in shard 0 only. */
  readonly events: (event: LoopEvent | NoteEvent) => void
  /** `query.listener` as `address:port`, for the sentence about a loop. */
  readonly listenerName?: (listener: number) => string
  /** Number of this shard; 0 sends the loop probes. */
  readonly shard: number
  readonly hashSeed: number
  readonly end: FlightEnd
}
