import type { Guard } from '../guard/guard.ts'
import type { Draft } from '../query/draft.ts'
import type { Query } from '../query/query.ts'
import { Reply } from '../query/reply.ts'
import { replyLimit, sealReply, writeReply } from '../query/write-reply.ts'
import { Records } from '../wire/records.ts'

/** Room beyond the limit: what is being written may pass it before it is cut. */
const spareBytes = 1024

/** The draft as the client of `query` would get it, made as engine/replies makes it. For explain: allocates. */
export function replyBytes(guard: Guard, query: Query, draft: Draft): Uint8Array {
  const reply = new Reply()
  reply.limit = replyLimit(query)
  reply.bytes = new Uint8Array(reply.limit + spareBytes)
  if (draft.refusedBy !== 0) guard.answers.explain(draft)
  writeReply(query, draft, 0, reply)
  if (query.marks !== 0) guard.finish(query, reply)
  sealReply(query, draft, reply)
  return reply.bytes.slice(0, reply.length)
}

/** The records of what the cache holds for `query`, as they came: no rule has shaped them, and none is cut off. */
export function recordsOf(query: Query, hit: Draft): Records {
  const reply = new Reply()
  reply.limit = messageBytesMax
  reply.bytes = new Uint8Array(messageBytesMax + spareBytes)
  writeReply(query, hit, 0, reply)
  const records = new Records()
  records.read(reply.bytes, 0, reply.questionEnd, reply.length)
  return records
}

const messageBytesMax = 65_535
