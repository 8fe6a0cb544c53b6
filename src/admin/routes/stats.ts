import { families, rule, tables, UP_ANSWERS, UP_RTT_SUM, upstream } from '../../metrics/catalog.ts'
import { balancedSums, unaccounted } from '../../metrics/sums.ts'
import type { AdminProvider } from '../provider.ts'
import { json, type Route } from '../route.ts'

/** The numbers of /metrics as one object, for `curl … | jq .upstreams`. */
export function stats(): Route {
  return { path: '/api/stats', answer: async (provider) => json(200, await statsOf(provider)) }
}

/**
 * Counters since the start: families with a label as `{ value: count }`, others as numbers. Gauges, which tell
 * of now, stand below `now`; they would meet counters of the same name otherwise (`flights`). Times are in ms, ISO 8601.
 */
export async function statsOf(provider: AdminProvider): Promise<Record<string, unknown>> {
  const { startedAt, ...info } = provider.info()
  const sums = await balancedSums(provider.lanes())
  const names = provider.names()
  const loops = provider.loops()
  const saved = provider.bill()
  const looping = new Set(loops.filter((loop) => loop.marked).map((loop) => loop.upstream))
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage()
  return {
    ...info,
    startedAt: new Date(startedAt).toISOString(),
    uptimeSeconds: Math.round((Date.now() - startedAt) / 1000),
    ...provider.ready(),
    ...group(sums, 'counter'),
    unaccounted: unaccounted(sums),
    now: group(sums, 'gauge'),
    rules: byName(names.rules, (row) => fields(sums, 'rule', row * rule.stride)),
    upstreams: byName(names.upstreams, (row, name) => ({
      ...fields(sums, 'upstream', row * upstream.stride),
      meanRttMs: meanRttMs(sums, row),
      looping: looping.has(name),
    })),
    loops: loops.map((loop) => ({ ...loop, since: new Date(loop.since).toISOString() })),
    episodes: provider.episodes().map((episode) => ({ ...episode, since: new Date(episode.since).toISOString() })),
    events: provider.events().map((event) => ({ ...event, at: new Date(event.at).toISOString() })),
    saved: { ...saved, since: new Date(saved.since).toISOString() },
    memory: { rss, heapTotal, heapUsed, external, arrayBuffers },
  }
}

function group(sums: Float64Array, type: 'counter' | 'gauge'): Record<string, unknown> {
  const chosen = families.filter((family) => family.type === type)
  return Object.fromEntries(
    chosen.map(({ name, labels, series }) => {
      const values = series.map(({ values, at }) => [values[0] ?? '', sums[at] as number] as const)
      return [camel(name), labels.length === 0 ? values[0]?.[1] : Object.fromEntries(values)]
    }),
  )
}

function fields(sums: Float64Array, rows: 'rule' | 'upstream', offset: number): Record<string, number> {
  const own = tables.filter((table) => table.rows === rows)
  return Object.fromEntries(own.map(({ name, at }) => [camel(name, `${rows}_`), sums[at + offset] as number]))
}

/** Two upstreams may go by one name only by mistake; a Map's last one would win, an object without prototype says so too. */
function byName<T>(names: readonly string[], value: (row: number, name: string) => T): Record<string, T> {
  const result: Record<string, T> = Object.create(null)
  names.forEach((name, row) => {
    result[name] = value(row, name)
  })
  return result
}

/** Null before the first answer: JSON has no NaN. */
function meanRttMs(sums: Float64Array, row: number): number | null {
  const answers = sums[upstream.at(row, UP_ANSWERS)] as number
  const seconds = sums[upstream.at(row, UP_RTT_SUM)] as number
  return answers === 0 ? null : Math.round((seconds / answers) * 1e6) / 1e3
}

/** `dnsweir_flights_joined_total` → `flightsJoined`. */
function camel(name: string, prefix = ''): string {
  const bare = name.replace(/^dnsweir_/, '').slice(prefix.length)
  return bare.replace(/_total$/, '').replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
