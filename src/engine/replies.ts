import { copyOctets } from '../base/octets.ts'
import type { Guard } from '../guard/guard.ts'
import * as metric from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { endpointLength } from '../net/endpoint.ts'
import type { Outbox } from '../net/outbox.ts'
import type { DatagramPort } from '../net/reactor.ts'
import { Draft } from '../query/draft.ts'
import { denialBytes, toldOf } from '../query/lost.ts'
import type { Query } from '../query/query.ts'
import { ALIAS_STRIPPED } from '../query/rename.ts'
import { Reply } from '../query/reply.ts'
import { replyLimit, sealReply, writeReply } from '../query/write-reply.ts'
import { FLAGS, TC } from '../wire/header.ts'

/** Where replies to streamed queries are written: the packed message that leaves at the end of the turn (listen/streamed). */
export interface StreamedReplies {
  readonly bytes: Uint8Array
  openReply(connection: number, generation: number): number
  closeReply(length: number): void
  noReply(connection: number, generation: number): void
}

/** Writes each reply straight into the place it leaves from: a tx slot, or the message to the streams worker. */
export class Replies {
  /** By listener id. */
  readonly listeners: (DatagramPort | undefined)[] = []
  guard: Guard | undefined
  private readonly outbox: Outbox
  private readonly streamed: StreamedReplies
  private readonly counters: Counters
  private readonly datagram = new Reply()
  private readonly message = new Reply()
  private readonly denial = new Draft(denialBytes)
  private rotation = 0

  constructor(outbox: Outbox, streamed: StreamedReplies, counters: Counters) {
    this.outbox = outbox
    this.streamed = streamed
    this.counters = counters
  }

  /** Sends the draft as the reply to `query`, and books how the query ended. */
  send(query: Query, draft: Draft, outcome: number): void {
    // What a rule says of the real name, be it that its client is over a limit, is no failure to look it up.
    const isLost = query.alias === ALIAS_STRIPPED && outcome !== metric.outcomes.rule
    const told = isLost ? toldOf(query, draft, this.denial) : draft
    const lane = this.counters.lane
    lane[outcome] = (lane[outcome] as number) + 1
    const rcode = replyCounter(told.rcode)
    lane[rcode] = (lane[rcode] as number) + 1
    if (query.streamed) this.sendStreamed(query, told)
    else this.sendDatagram(query, told)
  }

  /** A failure of ours: SERVFAIL, or nothing for those who learn from silence. */
  fail(query: Query, draft: Draft): void {
    if (query.silent) this.drop(query, metric.outcomes.probe)
    else this.send(query, draft, metric.outcomes.failed)
  }

  /** Ends a query without a reply. */
  drop(query: Query, outcome: number): void {
    this.counters.add(outcome)
    if (query.streamed) this.endStreamed(query)
  }

  /** A streamed message gets no reply: its connection must hear of it all the same. */
  endStreamed(query: Query): void {
    this.streamed.noReply(query.connection, query.connectionGeneration)
  }

  flush(): void {
    this.outbox.flush()
  }

  private sendDatagram(query: Query, draft: Draft): void {
    const port = this.listeners[query.listener]
    if (port === undefined) return
    const slot = this.outbox.take(port)
    const batch = this.outbox.batch
    const reply = this.datagram
    reply.bytes = batch.bytes
    reply.at = batch.dataAt(slot)
    reply.limit = replyLimit(query)
    this.write(query, draft, reply)
    copyOctets(query.view, query.peerAt, reply.view, batch.peerAt(slot), endpointLength(query.bytes, query.peerAt))
    this.outbox.commit(reply.length)
  }

  private sendStreamed(query: Query, draft: Draft): void {
    const reply = this.message
    reply.at = this.streamed.openReply(query.connection, query.connectionGeneration)
    reply.bytes = this.streamed.bytes
    reply.limit = replyLimit(query)
    this.write(query, draft, reply)
    this.streamed.closeReply(reply.length)
  }

  private write(query: Query, draft: Draft, reply: Reply): void {
    // A linear congruential step per reply: a plain count would give a client that asks A and AAAA in pairs the same first address each time.
    this.rotation = (Math.imul(this.rotation, 1664525) + 1013904223) | 0
    if (draft.refusedBy !== 0) this.guard?.answers.explain(draft)
    writeReply(query, draft, this.rotation >>> 16, reply)
    if (query.marks !== 0) this.guard?.finish(query, reply)
    sealReply(query, draft, reply)
    if (((reply.bytes[reply.at + FLAGS] as number) & (TC >> 8)) !== 0) this.counters.add(metric.truncated)
  }
}

function replyCounter(rcode: number): number {
  switch (rcode) {
    case 0:
      return metric.replies.NOERROR
    case 3:
      return metric.replies.NXDOMAIN
    case 2:
      return metric.replies.SERVFAIL
    case 5:
      return metric.replies.REFUSED
    case 1:
      return metric.replies.FORMERR
    case 4:
      return metric.replies.NOTIMP
    default:
      return metric.replies.other
  }
}
