import type { Guard } from '../guard/guard.ts'
import type { Draft } from '../query/draft.ts'
import type { Query } from '../query/query.ts'
import { Reply } from '../query/reply.ts'
import { replyLimit, sealReply, writeReply } from '../query/write-reply.ts'

/** Room beyond the limit: what is being written may pass it before it is cut. */
const spareBytes = 1024

/** The draft as the client of `query` would get it, made as engine/replies makes it. For explain: allocates. */
export function replyBytes(guard: Guard, query: Query, draft: Draft): Uint8Array {
  const reply = new Reply()
  reply.limit = replyLimit(query)
  reply.bytes = new Uint8Array(reply.limit + spareBytes)
  writeReply(query, draft, 0, reply)
  if (query.marks !== 0) guard.finish(query, reply)
  sealReply(query, draft, reply)
  return reply.bytes.slice(0, reply.length)
}
