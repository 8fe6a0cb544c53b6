import { CACHE_EXPIRED, CACHE_FAILURE, CACHE_MISS, CACHE_NEGATIVE } from '../cache/found.ts'
import type { ExplainStep } from '../link/explain-data.ts'
import type { PlanData } from '../link/plan-data.ts'
import type { Draft } from '../query/draft.ts'
import { OPEN_ANY, OPEN_REFUSED } from '../query/open.ts'
import { PROBE_COREDNS, PROBE_DNSMASQ, PROBE_ROOT_NS } from '../query/probe.ts'
import type { Query } from '../query/query.ts'
import type { Outlook } from '../upstream/choice.ts'
import { rcodeName, typeName } from '../wire/codes.ts'
import { isAtOrBelow } from '../wire/name.ts'
import { nameToText } from '../wire/text.ts'

/** What explain says of the steps that are no rules. */
export function routeStep({ routes, upstreams }: PlanData, { route, name, nameLength }: Query): ExplainStep {
  const { zones = [], upstreams: indexes = [], name: verdict = '' } = routes[route] ?? {}
  const to = indexes.map((at) => upstreams[at]?.name).join(', ') || 'nobody'
  const above = zones.filter((zone) => isAtOrBelow(name, 0, nameLength, zone, 0, zone.length))
  const zone = above.reduce((longest, one) => (one.length > longest.length ? one : longest), new Uint8Array(0))
  const why =
    route === 0
      ? `no route's zone is at or above the name, so the default route is taken: to ${to}`
      : `${nameToText(zone)} is the longest zone at or above the name: to ${to}`
  return { step: 'route', verdict, why }
}

/** @param hit undefined where no program runs @param byName the denial of the name as a whole */
export function cacheStep(found: number, hit: Draft | undefined, byName: boolean, msLeft: number): ExplainStep {
  const step = 'cache'
  if (hit === undefined) {
    return {
      step,
      verdict: 'unknown',
      why: 'no program was asked, so what its cache holds is not known; below, it holds nothing',
    }
  }
  if (found === CACHE_MISS) return { step, verdict: 'miss', why: 'no answer to this question is kept' }
  const ago = Math.max(0, Math.floor(-msLeft / 1000))
  if (found === CACHE_EXPIRED)
    return { step, verdict: 'expired', why: `the answer that was kept is over since ${ago} s` }
  const ttl = Math.ceil(msLeft / 1000)
  const kept = `kept for ${hit.age} s, ${ttl} s left`
  if (found === CACHE_FAILURE)
    return { step, verdict: 'failure', why: `a failure (${rcodeName(hit.rcode)}), ${kept}`, ttl }
  if (found !== CACHE_NEGATIVE) return { step, verdict: 'hit', why: `an answer, ${kept}`, ttl }
  const what =
    hit.refusedBy > 0
      ? 'an empty answer in place of one that a rule refused'
      : byName
        ? 'the name does not exist, whatever its type'
        : hit.rcode === 0
          ? 'the name has no such record'
          : 'the name does not exist'
  return { step, verdict: 'negative', why: `${what}, ${kept}`, ttl }
}

/** @param isOpen the same question is under way */
export function upstreamStep(
  { upstreams, forward }: PlanData,
  outlook: readonly Outlook[],
  isOpen: boolean,
): ExplainStep {
  const step = 'upstream'
  if (outlook.length === 0) return { step, verdict: 'none', why: 'there is no upstream that may be asked: SERVFAIL' }
  if (isOpen) return { step, verdict: 'join', why: 'the same question is under way: this one waits for its answer' }
  const name = ({ upstream }: Outlook): string => upstreams[upstream]?.name ?? ''
  const timed = (one: Outlook): string => (one.rttMs === 0 ? name(one) : `${name(one)} (${one.rttMs.toFixed(1)} ms)`)
  const next = outlook.find(({ isNext }) => isNext)
  const others = outlook.filter((one) => one.isAsked && one !== next).map(timed)
  const parts =
    next === undefined ? [`${others.length === 1 ? '' : 'any of '}${others.join(', ')}`] : [`${timed(next)} first`]
  if (next !== undefined && others.length > 0) parts.push(`then ${others.join(', ')}`)
  for (const one of outlook) {
    if (one.isLooping)
      parts.push(`${name(one)} loops: at most 20 questions a second, and only while nothing else works`)
    else if (one.isDown) parts.push(`${name(one)} is down (${one.failures} failures in a row): tested now and then`)
  }
  if (outlook.every(({ isDown, isLooping }) => isDown || isLooping)) {
    parts.push('while nothing works, 20 questions a second and two for each answer')
  }
  return { step, verdict: 'ask', why: `policy ${forward.policy}: ${parts.join('; ')}` }
}

export function openWords(opened: number, type: number): string {
  if (opened === OPEN_ANY) return 'type ANY gets the minimal answer of RFC 8482, whatever the name'
  if (opened === OPEN_REFUSED)
    return `${typeName(type)} is not served here: zone transfers and transactions are refused`
  return `${typeName(type)} is no type to ask for: FORMERR`
}

export function probeWords(probe: number): string {
  if (probe === PROBE_ROOT_NS)
    return 'a health check by its form (. NS, as CoreDNS sends): exempt from limits, answered while an upstream works'
  const whose = probe === PROBE_COREDNS ? "CoreDNS's" : probe === PROBE_DNSMASQ ? "dnsmasq's" : "a dnsweir's"
  return `${whose} loop probe by its form: no rule and no cache, sent once to one upstream (one of our own gets NXDOMAIN)`
}
