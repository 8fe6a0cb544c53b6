import type { Batch } from './batch.ts'
import type { Endpoint } from './endpoint.ts'

/**
 * The loop that drives a shard, and the datagram ports it watches. Three implementations: epoll (Linux, koffi), node
 * (dgram), and the simulated one in test/support. The turn is the same for all.
 */
export interface Reactor {
  /** For the start-up line: `epoll (batched system calls)` or `dgram`. */
  readonly engine: string
  /** A socket bound by the supervisor (`fd`) or to be bound here (dgram engine). Throws a sentence when it can't. */
  openListener(listener: ListenerSocket): DatagramPort
  /**
   * A UDP socket bound to `localPort` of the wildcard address and connected to `remote`, so that the kernel keeps
   * packets of others out (RFC 5452 section 9.1). Undefined when the port is taken or the network says no: try another.
   */
  openUpstream(remote: Endpoint, localPort: number): DatagramPort | undefined
  /**
   * Calls `turn` at once, and then whenever something is ready, kicked, or due, until `stop`. Returns to Node's loop
   * when idle (epoll) or at once (dgram), and goes on from there.
   */
  run(turn: Turn): void
  /** No turn begins after this; then every port is closed. */
  stop(): void
}

export interface ListenerSocket {
  /** Of the plan: `query.listener`. */
  readonly id: number
  readonly endpoint: Endpoint
  /** Bound already by the supervisor: a dup that is the reactor's own from `openListener` on; -1: bind here. */
  readonly fd: number
  /** Absent: UDP for shards, TCP for the streams worker, which alone is given this one. */
  readonly transport?: 'tls' | undefined
}

/** One turn; returns the absolute time (ms) by which it wants the next, or Infinity. */
export type Turn = (now: number, ready: Ready) => number

/** What is ready: arrays that are reused, valid up to their counts. */
export interface Ready {
  /** Somebody kicked: messages may wait on the ports of worker_threads. */
  kicked: boolean
  readonly upstreams: DatagramPort[]
  upstreamCount: number
  readonly listeners: DatagramPort[]
  listenerCount: number
}

export interface DatagramPort {
  /** `ListenerSocket.id` for listeners; for upstream ports whatever the owner writes here. */
  tag: number
  readonly connected: boolean
  /** Fills the batch from slot 0: data, lengths, peers. 0 when nothing waits. Never throws. */
  receive(batch: Batch): number
  /** Sends slots `from … from + count`; what the kernel does not take is counted in `dropped`. */
  send(batch: Batch, from: number, count: number): void
  /** Datagrams not taken by the kernel since last read; the owner resets it. */
  dropped: number
  /**
   * Last asynchronous error (errno: ECONNREFUSED, EHOSTUNREACH, ENETUNREACH) of a connected port, 0 for none; the owner
   * resets it.
   */
  lastError: number
  /**
   * Nothing new comes in from now on, and nobody need ask; what waits can still be received, and replies can still be sent until `close`. False, and
   * nothing has changed, where that can't be.
   */
  deafen(): boolean
  close(): void
}
