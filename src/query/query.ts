import { viewOf } from '../base/octets.ts'
import type { LocalTable } from './local-table.ts'

/**
 * One query on its road: a reusable view, never allocated per query. `wire/accept` fills the first half from bytes,
 * the listener says who asked, the road fills the rest. Nobody keeps a Query: who must wait copies it to a ticket.
 */
export class Query {
  // The message as it stands in a batch.
  private octets: Uint8Array = empty
  /** Of `bytes`. */
  view: DataView = emptyView
  at = 0
  length = 0

  // Filled by accept (RFC 1035 section 4.1).
  id = 0
  /** The 16 flag bits as received. */
  flags = 0
  type = 0
  class = 0
  /** Bytes of the name that is looked up, its final 0 included; the name as asked stands at `at + 12`. */
  nameLength = 0
  /** Bytes of the name as asked, its final 0 included. */
  askedLength = 0
  /** The question name in lower case, wire form (RFC 4343). */
  readonly name = new Uint8Array(256)
  readonly nameView = viewOf(this.name)
  /** Where each label's length byte stands in `name`, leftmost first; the root is not a label. */
  readonly labels = new Uint8Array(128)
  labelCount = 0
  /** Seeded 30-bit hash of `name`. */
  hash = 0
  /** 1 when the query carries an OPT record. */
  hasOpt = 0
  /** What the client takes over UDP: 512 without OPT (RFC 6891 section 6.2.5). */
  payloadSize = 512
  /** 1 when DO is set (RFC 3225). */
  dnssecOk = 0

  // Who asked.
  /** Index of the listener; replies leave through it. */
  listener = 0
  /** 0 UDP, 1 TCP (any stream). */
  streamed = 0
  /** The peer as net/endpoint bytes (32), standing at peerAt in `peer`. */
  peer: Uint8Array = empty
  peerAt = 0
  /** The client's address, 16 bytes, IPv4 mapped. */
  readonly client = new Uint8Array(16)
  /** Streamed queries: which connection slot and which of its generations waits. */
  connection = 0
  connectionGeneration = 0
  /** ms on the shared clock at which it arrived. */
  receivedAt = 0

  // Decided on the road.
  /** The type that is looked up; another than `type` after a rule's `ask` (aaaaFilter asks A). */
  askType = 0
  route = 0
  /** How the name that is looked up came of the one that was asked (query/rename). */
  alias = 0
  /** Whose entry `alias` is; undefined where it is none. */
  aliases: LocalTable | undefined = undefined
  /** Bit per rule (its index in the plan) that wants to `finish` this query's reply. */
  marks = 0
  /** 1 after a rule's `cacheOnly`: answered from the cache or refused, never forwarded. */
  cacheOnly = 0
  /** 1 when a failure of ours is no reply: an unanswered health check is how CoreDNS learns to use its second target (FIELD 3.2). */
  silent = 0
  /** 1 when a rule that only observes would have denied the name as junk: it is the last to go upstream. */
  isJunk = 0
  /** 1 for explain: nothing is charged or counted. */
  dry = 0
  /** 1 when the cache has an answer that is over and may serve if no other comes. */
  hasStale = 0
  /** For a name that became another one: how long its denial may be kept, in s; 0: as long as that of the other name. */
  denialTtlMax = 0
  /** After PROBE: the label at which the name begins that is asked for (type A). */
  probeLabel = 0
  /** 1 when the flight whose answer it has, or waits for, was opened for it. */
  opened = 0
  /** After HOLD: for how long, ms. */
  holdMs = 0
  /** 1 when it was held back already, or could not be. */
  held = 0
  /** How many probes it has waited for. */
  probes = 0

  get bytes(): Uint8Array {
    return this.octets
  }
  /** On the road it is the same memory each time. */
  set bytes(bytes: Uint8Array) {
    if (bytes === this.octets) return
    this.octets = bytes
    this.view = viewOf(bytes)
  }
  get recursionDesired(): number {
    return (this.flags >> 8) & 1
  }
  get checkingDisabled(): number {
    return (this.flags >> 4) & 1
  }
  get authenticData(): number {
    return (this.flags >> 5) & 1
  }
}

const empty = new Uint8Array(0)
const emptyView = viewOf(empty)
