import { PrefixTable } from '../../base/address.ts'
import type { PrefixData } from '../../link/plan-data.ts'
import { RULE_EXEMPT, rule as ruleCounters } from '../../metrics/catalog.ts'
import { privatePrefixes } from '../../net/private-prefixes.ts'
import type { Query } from '../../query/query.ts'
import { DROP, PASS, REPLY, type Verdict } from '../../query/verdict.ts'
import { Ede, Rcode } from '../../wire/codes.ts'
import { TC } from '../../wire/header.ts'
import { prefixFromText } from '../../wire/text.ts'
import type { Host, Rule, RuleKind, SharedMemory } from '../rule.ts'
import { Domains } from './domains.ts'
import { type Action, DROPPED, type Episode, Episodes, episodesBytes, FAILED, REFUSED, TRUNCATED } from './episodes.ts'
import { explainLimit } from './explain.ts'
import { type Level, levelsOf } from './levels.ts'
import { Limiter, limiterBytes, limiterKey } from './limiter.ts'
import { eventOf } from './sentences.ts'
import { type RateLimitSettings, rateLimitSettings } from './settings.ts'

/**
 * No client starves the others, and no flood below one domain starves its client's other names: token buckets, charged
 * for what goes upstream, or for everything.
 */
export const rateLimit: RuleKind<RateLimitSettings> = {
  name: 'rateLimit',
  settings: rateLimitSettings,
  perClient: true,
  memory: memoryOf,
  create,
}

interface RateLimit extends Rule {
  /** Key of the memory of the rule that comes after this one; undefined when none does. */
  heir: string | undefined
}

function create(settings: RateLimitSettings, host: Host, before?: Rule): Rule {
  const { draft, counters } = host
  const { key, bytes } = memoryOf(settings)
  // Without shared memory each shard limits for itself.
  const memory = host.shared(key, bytes) ?? new SharedArrayBuffer(bytes)
  const domains = new Domains(host.names)
  const limiter = new Limiter(memory, settings, domains, host.random)
  const episodes = new Episodes(memory, limiterBytes(settings))
  const levels = levelsOf(settings)
  const exempt = new PrefixTable(settings.exempt.map(prefixOf))
  const nearby = new PrefixTable(privatePrefixes.map(prefixOf))
  const exempted = ruleCounters.at(host.index, RULE_EXEMPT)
  const edeText = new TextEncoder().encode('rateLimit: over the limit')
  const usual = { refuse: REFUSED, servfail: FAILED, drop: DROPPED, truncate: TRUNCATED }[settings.over] as Action
  if (before !== undefined) (before as RateLimit).heir = key

  function charge(query: Query): Verdict {
    if (exempt.size > 0 && exempt.has(query.client, 0)) {
      if (query.dry === 0) counters.add(exempted)
      return PASS
    }
    // TCP proves an address, so who is told to come by it must not find the bucket that forged ones have drained.
    const lane = query.streamed === 1 && slipOf(query) > 0 ? 1 : 0
    const level = limiter.take(query, lane)
    return level === undefined ? PASS : over(query, level, lane)
  }

  function over(query: Query, level: Level, lane: number): Verdict {
    const plain = usual === TRUNCATED && query.streamed === 1 ? REFUSED : usual
    if (query.dry === 1) return act(plain)
    const place = episodes.of(limiter.key, level.index, lane, query, level.byName ? domains.find(query) : -1)
    const nth = episodes.count(place, query.receivedAt)
    const slip = query.streamed === 1 ? 0 : slipOf(query)
    const action = slip > 0 && nth % slip === 0 ? TRUNCATED : plain
    episodes.book(place, action)
    return act(action)
  }

  function act(action: Action): Verdict {
    if (action === DROPPED) return DROP
    if (action === TRUNCATED) {
      // Without an extended error: what a forged address gets is no longer than what was sent in its name.
      draft.reset(Rcode.NOERROR)
      draft.flags = TC
      return REPLY
    }
    draft.reset(action === FAILED ? Rcode.SERVFAIL : Rcode.REFUSED)
    // RFC 8914 section 4.19, and section 2: an extended error may stand beside any rcode.
    draft.ede = Ede.PROHIBITED
    draft.edeText = edeText
    return REPLY
  }

  function slipOf({ client }: Query): number {
    return nearby.has(client, 0) ? settings.slipPrivate : settings.slip
  }

  const tell = (episode: Episode, isBegin: boolean): void =>
    host.event(eventOf(episode, isBegin, levels, settings, host.observed))

  const rule: RateLimit = {
    ...(settings.charge === 'all' ? { check: charge } : { checkMiss: charge }),
    heir: undefined,
    explain: (query, verdict) =>
      explainLimit(query, verdict, settings, exempt.has(query.client, 0), domains.find(query)),
    idle: (now) => episodes.next(now, tell),
    // The next plan's rule goes on with them where it has the same memory; otherwise nobody would say their end.
    close: () => rule.heir === key || episodes.endAll(tell),
  }
  return rule
}

function memoryOf(settings: RateLimitSettings): SharedMemory {
  return { key: limiterKey(settings), bytes: limiterBytes(settings) + episodesBytes }
}

function prefixOf(text: string): PrefixData {
  const prefix = prefixFromText(text)
  if (prefix === undefined) throw new Error(`guard.rateLimit: ${text} is no IP prefix`)
  return prefix
}
