import { PrefixTable } from '../../base/address.ts'
import type { PrefixData } from '../../link/plan-data.ts'
import { RULE_EXEMPT, rule as ruleCounters } from '../../metrics/catalog.ts'
import type { Query } from '../../query/query.ts'
import { DROP, PASS, REPLY, type Verdict } from '../../query/verdict.ts'
import { Ede, Rcode } from '../../wire/codes.ts'
import { TC } from '../../wire/header.ts'
import { prefixFromText } from '../../wire/text.ts'
import type { Host, Rule, RuleKind } from '../rule.ts'
import { bucketsBytes, bucketsKey, TokenBuckets } from './buckets.ts'
import { explainLimit } from './explain.ts'
import { type RateLimitSettings, rateLimitSettings } from './settings.ts'

/**
 * One client can't starve the rest: a token bucket per client prefix, charged for what goes upstream, or for
 * everything.
 */
export const rateLimit: RuleKind<RateLimitSettings> = {
  name: 'rateLimit',
  settings: rateLimitSettings,
  perClient: true,
  memory: (settings) => ({ key: bucketsKey(settings), bytes: bucketsBytes(settings.buckets) }),
  create,
}

function create(settings: RateLimitSettings, host: Host): Rule {
  const { draft, counters } = host
  const { key, bytes } = { key: bucketsKey(settings), bytes: bucketsBytes(settings.buckets) }
  // Without shared memory each shard limits for itself.
  const buckets = new TokenBuckets(host.shared(key, bytes) ?? new SharedArrayBuffer(bytes), settings, host.random)
  const exempt = new PrefixTable(settings.exempt.map(prefixOf))
  const exempted = ruleCounters.at(host.index, RULE_EXEMPT)
  const edeText = new TextEncoder().encode('rateLimit: over the rate limit')

  function charge(query: Query): Verdict {
    if (exempt.size > 0 && exempt.has(query.client, 0)) {
      if (query.dry === 0) counters.add(exempted)
      return PASS
    }
    if (buckets.take(query.client, query.receivedAt, query.dry === 1)) return PASS
    return over(query)
  }

  function over(query: Query): Verdict {
    if (settings.over === 'drop') return DROP
    if (settings.over === 'truncate' && query.streamed === 0) {
      draft.reset(Rcode.NOERROR)
      draft.flags = TC
      return REPLY
    }
    draft.reset(Rcode.REFUSED)
    draft.ede = Ede.PROHIBITED
    draft.edeText = edeText
    return REPLY
  }

  const explain = (query: Query): string => explainLimit(query, settings, buckets, exempt)
  return settings.charge === 'all' ? { check: charge, explain } : { checkMiss: charge, explain }
}

function prefixOf(text: string): PrefixData {
  const prefix = prefixFromText(text)
  if (prefix === undefined) throw new Error(`guard.rateLimit: ${text} is no IP prefix`)
  return prefix
}
