import type { PrefixTable } from '../../base/address.ts'
import { clientText } from '../../query/client-text.ts'
import type { Query } from '../../query/query.ts'
import type { TokenBuckets } from './buckets.ts'
import type { RateLimitSettings } from './settings.ts'

/** The state of the client's bucket; no token is taken. */
export function explainLimit(
  { client, receivedAt }: Query,
  settings: RateLimitSettings,
  buckets: TokenBuckets,
  exempt: PrefixTable,
): string {
  const who = clientText(client)
  if (exempt.has(client, 0)) return `${who} is exempt`
  const { burst, rate, charge, over } = settings
  const tokens = buckets.tokens(client, receivedAt)
  const state = `the bucket of ${who} holds ${tokens} of ${burst} tokens and gets ${rate} a second`
  if (tokens === 0) return `${state}: over the limit (over: ${over})`
  return `${state}; one is taken for each ${charge === 'all' ? 'query' : 'question that goes upstream'}`
}
