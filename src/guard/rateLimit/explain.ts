import { clientText } from '../../query/client-text.ts'
import type { Query } from '../../query/query.ts'
import { PASS, type Verdict } from '../../query/verdict.ts'
import { nameToText } from '../../wire/text.ts'
import type { RateLimitSettings } from './settings.ts'

/** What the limit says of the client and the domain at offset `domainAt` of the name, asked dry; no token is taken. */
export function explainLimit(
  query: Query,
  verdict: Verdict,
  settings: RateLimitSettings,
  isExempt: boolean,
  domainAt: number,
): string {
  const who = settings.shared ? 'all clients together' : clientText(query.client)
  if (isExempt) return `${clientText(query.client)} is exempt`
  const { burst, rate, charge, over } = settings
  const domain = nameToText(query.name.slice(domainAt, query.nameLength))
  const limit = `${rate} a second below ${domain}, ${burst} at once`
  if (verdict !== PASS) return `${who}: over the limit of ${limit}, or of the client as a whole (over: ${over})`
  return `${who}: under the limit of ${limit}; each ${charge === 'all' ? 'query' : 'question that goes upstream'} is charged`
}
