import { billLength, billRowsMax } from './bill-table.ts'

export * from './fields.ts'

/**
 * THE list of counters: each series is one place in a lane of Float64s that one worker writes and main sums at a scrape.
 * A family is declared once, here; the road uses the numbers, exposition and docs/metrics.md use the rest.
 * No label value comes from the wire: the rows of rules and upstreams get their names from the plan.
 */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** Label values and the place in the lane. */
  readonly series: readonly { readonly values: readonly string[]; readonly at: number }[]
}

/** A table of counters with one row per rule, upstream, or cluster domain. */
export interface RowFamily {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly rows: 'rule' | 'upstream' | 'zone'
  readonly labels: readonly string[]
  readonly values: readonly string[]
  /** Place of row 0; row r is at `at + r * stride`. */
  readonly at: number
  readonly stride: number
}

let places = 0
const listed: Family[] = []
const rowFamilies: RowFamily[] = []

function single(name: string, help: string, type: 'counter' | 'gauge' = 'counter'): number {
  const at = places++
  listed.push({ name, help, type, labels: [], series: [{ values: [], at }] })
  return at
}

function labelled<const K extends readonly string[]>(
  name: string,
  help: string,
  label: string,
  values: K,
): Record<K[number], number> {
  const entries = values.map((value) => [value, places++] as const)
  listed.push({
    name,
    help,
    type: 'counter',
    labels: [label],
    series: entries.map(([value, at]) => ({ values: [value], at })),
  })
  return Object.fromEntries(entries) as Record<K[number], number>
}

export const queries = labelled('dnsweir_queries_total', 'Queries received from clients.', 'proto', ['udp', 'tcp'])
/** Each query ends in exactly one of these. */
export const outcomes = labelled('dnsweir_outcomes_total', 'How queries ended, each in exactly one way.', 'outcome', [
  'hit',
  'stale',
  'answered',
  'rule',
  'failed',
  'error',
  'probe',
  'dropped',
  'lost',
])
export const replies = labelled('dnsweir_replies_total', 'Replies sent to clients, by rcode.', 'rcode', [
  'NOERROR',
  'NXDOMAIN',
  'SERVFAIL',
  'REFUSED',
  'FORMERR',
  'NOTIMP',
  'other',
])
export const ignored = labelled(
  'dnsweir_ignored_total',
  'Packets that are no query, by reason; never answered.',
  'reason',
  ['short', 'response', 'source', 'malformed'],
)
export const truncated = single('dnsweir_truncated_total', 'Replies sent with TC set, to be asked again over TCP.')
export const cache = labelled('dnsweir_cache_total', 'Cache events.', 'event', [
  'hit',
  'negativeHit',
  'failureHit',
  'staleHit',
  'refreshed',
  'miss',
  'stored',
  'evicted',
  'refused',
])
export const flights = labelled('dnsweir_flights_total', 'Questions taken upstream, by how they ended.', 'end', [
  'answered',
  'failed',
  'abandoned',
  'refusedFull',
])
export const joined = single('dnsweir_flights_joined_total', 'Queries that waited on a flight that was already open.')
export const ednsRetried = single('dnsweir_edns_retries_total', 'Questions asked again without EDNS after FORMERR.')
export const badAnswers = labelled(
  'dnsweir_bad_answers_total',
  'Packets from upstreams that answer nothing we asked.',
  'reason',
  ['short', 'query', 'id', 'question', 'malformed'],
)
export const learned = single('dnsweir_learned_total', 'Answers taken over from another shard.')
export const guardSeen = labelled('dnsweir_probes_total', 'Loop and health probes of others.', 'kind', [
  'coredns',
  'dnsmasq',
  'dnsweir',
  'own',
  'rootNs',
])
/** What the rule `cut` did; `existing`, `missing`: what its probes of parents brought. */
export const cuts = labelled(
  'dnsweir_cut_total',
  'Parents that were asked for, and names below missing ones.',
  'event',
  ['probed', 'existing', 'missing', 'sampled', 'withdrawn', 'wouldCut'],
)
export const stripped = single('dnsweir_search_suffix_stripped_total', 'Queries that lost their search suffix.')
export const sendErrors = single('dnsweir_send_errors_total', 'Datagrams the kernel did not take.')
export const streamsRefused = labelled(
  'dnsweir_streams_refused_total',
  'Streamed connections and queries refused; idle: a connection closed to make room for a new one.',
  'reason',
  ['connections', 'perClient', 'credits', 'slow', 'idle'],
)
export const connections = labelled('dnsweir_connections_total', 'Stream connections.', 'side', ['client', 'upstream'])

export const restarts = labelled(
  'dnsweir_worker_restarts_total',
  'Workers that died or got stuck and were replaced.',
  'worker',
  ['shard', 'streams'],
)

export const gauges = {
  waiting: single('dnsweir_waiting', 'Queries that wait for an answer now.', 'gauge'),
  flights: single('dnsweir_flights', 'Flights open now.', 'gauge'),
  cacheEntries: single('dnsweir_cache_entries', 'Entries in the cache.', 'gauge'),
  cacheBytes: single('dnsweir_cache_bytes', 'Bytes of the cache in use.', 'gauge'),
  connections: single('dnsweir_connections', 'Client connections open now.', 'gauge'),
  wildcards: single('dnsweir_search_suffix_wildcards', 'Search suffixes below which every name exists.', 'gauge'),
}

/** One row per rule of the plan. */
const ruleStride = 8
const ruleBase = places
places += ruleStride * 16
export const rule = rows('rule', ruleBase, ruleStride, [
  ['dnsweir_rule_replied_total', 'Queries that the rule answered, and answers that it refused.', 'counter'],
  ['dnsweir_rule_dropped_total', 'Queries that the rule dropped.', 'counter'],
  ['dnsweir_rule_limited_total', 'Queries it sent to the cache only, refused, failed or truncated.', 'counter'],
  ['dnsweir_rule_finished_total', 'Replies that the rule shaped.', 'counter'],
  ['dnsweir_rule_observed_total', 'Queries that the rule would have answered or dropped, in observe mode.', 'counter'],
  ['dnsweir_rule_exempt_total', 'Queries that the rule let pass because of DO, CD or an exemption.', 'counter'],
  ['dnsweir_rule_renamed_total', 'Queries that the rule gave another name: alias, or lost suffix.', 'counter'],
] as const)

/** One row per upstream of the plan. */
const upstreamStride = 24
const upstreamBase = places
places += upstreamStride * 32
export const upstream = rows('upstream', upstreamBase, upstreamStride, [
  ['dnsweir_upstream_packets_total', 'Packets sent to the upstream.', 'counter'],
  ['dnsweir_upstream_answers_total', 'Answers accepted from it.', 'counter'],
  ['dnsweir_upstream_timeouts_total', 'Attempts that it did not answer in time.', 'counter'],
  ['dnsweir_upstream_failures_total', 'Attempts it answered with SERVFAIL or REFUSED.', 'counter'],
  ['dnsweir_upstream_unreachable_total', 'Network errors (refused, no route).', 'counter'],
  ['dnsweir_upstream_tcp_total', 'Questions asked over TCP.', 'counter'],
  ['dnsweir_upstream_rtt_seconds_total', 'Sum of round-trip times.', 'counter'],
  ['dnsweir_upstream_loop_probes_total', 'Loop probes sent to it.', 'counter'],
  ['dnsweir_upstream_loop_seen_total', 'Loop probes that came back.', 'counter'],
  [
    'dnsweir_upstream_restrained_total',
    'Questions not sent because it loops or is down, and so are all others.',
    'counter',
  ],
  ['dnsweir_upstream_held_back_total', 'Questions that waited for `forward.budget`.', 'counter'],
  ['dnsweir_upstream_over_budget_total', 'Questions not sent because `forward.budget` is spent.', 'counter'],
  ['dnsweir_upstream_budget_left', 'Packets of `forward.budget` that may leave at once.', 'gauge'],
  ['dnsweir_upstream_hedged_total', 'Questions sent to it as well, since another upstream was slow.', 'counter'],
  ['dnsweir_upstream_hedges_won_total', 'Of these, those that it answered first.', 'counter'],
  ['dnsweir_upstream_down', 'How many threads hold it to be down.', 'gauge'],
] as const)

/** One row per cluster domain: the row that it has in the junk bill, for good. */
const zoneBase = places
places += billRowsMax
export const zone = rows('zone', zoneBase, 1, [
  ['dnsweir_kubernetes_names_passed_total', 'Impossible names passed on: the zone is not strict.', 'counter'],
] as const)

function rows<const L extends readonly (readonly [string, string, 'counter' | 'gauge'])[]>(
  kind: RowFamily['rows'],
  base: number,
  stride: number,
  list: L,
): { readonly stride: number; at(row: number, field: number): number } {
  list.forEach(([name, help, type], i) => {
    rowFamilies.push({ name, help, type, rows: kind, labels: [kind], values: [], at: base + i, stride })
  })
  return { stride, at: (row, field) => base + row * stride + field }
}

/** Upper bounds in seconds of the upstream round-trip histogram: .00025 doubling, as CoreDNS dashboards expect. */
export const durationBuckets: readonly number[] = Array.from({ length: 16 }, (_, i) => 0.00025 * 2 ** i)
/** First of its 17 places (the last is +Inf), then the sum. */
export const durationAt = places
places += durationBuckets.length + 2

/** The histogram over all upstreams that stands at `durationAt`. */
export const duration = {
  name: 'dnsweir_upstream_duration_seconds',
  help: 'Round-trip times of answers from upstreams.',
  type: 'histogram',
} as const

export const families: readonly Family[] = listed
export const tables: readonly RowFamily[] = rowFamilies
/** Float64s of a lane that a scrape sums as a whole. */
export const summedLength = Math.ceil(places / 8) * 8
/** Float64s in one worker's lane, rounded up to cache lines so that two writers never share one. */
export const laneLength = summedLength + Math.ceil(billLength / 8) * 8
