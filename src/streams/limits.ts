import type { StreamsData } from '../link/plan-data.ts'

/** Everything bounded in the streams worker. Durations in ms, sizes in bytes. */
export interface StreamLimits {
  /** Client connections in all: far below the 1,024 open files that a shell grants by default. */
  readonly connectionsMax: number
  /** Client connections per address; Infinity: no limit, as behind nodelocaldns, whose whole node is one address (FIELD 3.8). */
  readonly connectionsPerAddressMax: number
  /** A connection on which nothing happens: above the 10 s of nodelocaldns (FIELD 3.8). */
  readonly clientIdleMs: number
  /** From the first octet of a message to its last, however they trickle in. */
  readonly messageMs: number
  /** From the first octet of a TLS connection to the end of its handshake. */
  readonly handshakeMs: number
  /** From the moment the write buffer is too full to its being empty: who does not read is not waited for. */
  readonly writeMs: number
  /** Queries of one connection that wait for replies; above it the connection is not read. */
  readonly outstandingPerConnectionMax: number
  /** Write buffer of one connection above which it is not read. */
  readonly writeBufferBytesMax: number
  /** Write buffers of all connections: the one that would exceed it is closed. */
  readonly writeBuffersBytesMax: number
  /** Streamed queries that one shard holds: each of them may cost it a ticket. */
  readonly creditsPerShard: number

  /** Connections to one upstream: a second one is opened when the first has many questions open. */
  readonly upstreamConnectionsMax: number
  /** Questions open on one connection at which another one is opened. */
  readonly upstreamPipelineDepth: number
  readonly upstreamConnectMs: number
  /** After a connection could not be opened, questions fail at once for this long. */
  readonly upstreamBackoffMs: number
  /** A connection with nothing to do is closed. */
  readonly upstreamIdleMs: number
  /** Questions on one connection, and its age, after which the next question opens a new one: more than there are ids. */
  readonly upstreamQuestionsMax: number
  readonly upstreamAgeMs: number
  /** Messages that answer nothing we asked, after which the connection is closed. */
  readonly upstreamBadAnswersMax: number
}

/** The limits with what a plan says of clients' connections in their place. */
export function withPlan(
  limits: StreamLimits,
  { connectionsMax, connectionsPerAddressMax }: StreamsData,
): StreamLimits {
  return { ...limits, connectionsMax, connectionsPerAddressMax: connectionsPerAddressMax || Number.POSITIVE_INFINITY }
}

export const defaultLimits: StreamLimits = {
  connectionsMax: 512,
  connectionsPerAddressMax: Number.POSITIVE_INFINITY,
  clientIdleMs: 15_000,
  messageMs: 5000,
  handshakeMs: 5000,
  writeMs: 5000,
  outstandingPerConnectionMax: 64,
  writeBufferBytesMax: 64 * 1024,
  writeBuffersBytesMax: 32 * 1024 * 1024,
  creditsPerShard: 4096,
  upstreamConnectionsMax: 4,
  upstreamPipelineDepth: 64,
  upstreamConnectMs: 2000,
  upstreamBackoffMs: 100,
  upstreamIdleMs: 10_000,
  upstreamQuestionsMax: 100_000,
  upstreamAgeMs: 600_000,
  upstreamBadAnswersMax: 16,
}

/** How late a deadline may be noticed: they are all of seconds, so one timer sweeps over the connections. */
export const sweepMs = 100
