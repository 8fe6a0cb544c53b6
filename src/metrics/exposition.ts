import type { Counter, Gauge, Registry } from 'prom-client'
import type { BillReport } from './bill.ts'
import { billFamilies } from './bill-table.ts'
import { duration, durationAt, durationBuckets, families, tables } from './catalog.ts'
import { processMetrics } from './process.ts'
import { balancedSums, unaccounted } from './sums.ts'

/** What a scrape reads; each function gives the state of that moment. */
export interface MetricsSource {
  /** The workers' lanes, and main's own. */
  lanes(): readonly Float64Array[]
  names(): RowNames
  loops(): readonly LoopState[]
  bill(): BillReport
  info(): BuildInfo
}

/** Names of the rows of the tables of rules, upstreams and cluster domains, by row, from the plan that is live. */
export interface RowNames {
  readonly rules: readonly string[]
  readonly upstreams: readonly string[]
  /** Undefined for rows that are no cluster domain's. */
  readonly zones: readonly (string | undefined)[]
}

export interface LoopState {
  readonly route: string
  readonly upstream: string
  /** All questions of the route come back, or those of `zones`. */
  readonly marked: boolean
  /** Empty where it is all of them; their names come from the wire, so they are no label. */
  readonly zones: readonly string[]
  /** Since when, in ms since 1970. */
  readonly since: number
}

export interface BuildInfo {
  readonly version: string
  /** The UDP engine. */
  readonly engine: string
  /** Counts reloads. */
  readonly generation: number
}

export interface Exposition {
  readonly contentType: string
  /** All metrics in the Prometheus text format 0.0.4. */
  text(): Promise<string>
}

/** Families that stand in no lane. docs/metrics.md lists them too. */
export const derived = {
  unaccounted: {
    name: 'dnsweir_unaccounted',
    help: 'Queries minus outcomes minus waiting queries: always 0, or our books are wrong.',
    type: 'gauge',
    labels: [],
  },
  loopMarked: {
    name: 'dnsweir_loop_marked',
    help: '1 while questions that a route sends to an upstream come back to us.',
    type: 'gauge',
    labels: ['route', 'upstream'],
  },
  buildInfo: {
    name: 'dnsweir_build_info',
    help: 'Always 1; the labels say what is running.',
    type: 'gauge',
    labels: ['version', 'node', 'engine'],
  },
  generation: {
    name: 'dnsweir_plan_generation',
    help: 'How often the configuration was loaded.',
    type: 'gauge',
    labels: [],
  },
} as const

/**
 * The road counts in lanes; prom-client's objects are filled from their sum at a scrape and only then. It is loaded here, at the
 * first scrape: who never scrapes never pays its 3 MB.
 */
export async function createExposition(source: MetricsSource): Promise<Exposition> {
  // The import is of CommonJS: where the names are not seen through, they are below `default`.
  const module = await import('prom-client')
  const prom = module.default ?? module
  const registry: Registry = new prom.Registry()
  const registers = [registry]

  const counted = families.map((family) => ({ family, metric: create(family) }))
  const rows = tables.map((table) => ({ table, metric: create(table) }))
  const saved = billFamilies.map(create)
  const histogram = { name: duration.name, help: duration.help, type: duration.type, values: [] as HistogramValue[] }
  // prom-client's own histogram can only be filled one observation at a time; its registry asks for `get` alone.
  registry.registerMetric({ ...histogram, get: async () => ({ ...histogram }) } as never)
  const books = create(derived.unaccounted)
  const loops = create(derived.loopMarked)
  const build = create(derived.buildInfo)
  const generation = create(derived.generation)
  const system = processMetrics
    .filter((item) => item.read() !== undefined)
    .map((item) => ({ item, metric: create({ ...item, labels: [] }) }))

  return {
    contentType: registry.contentType,
    async text() {
      fill(await balancedSums(source.lanes()))
      return registry.metrics()
    },
  }

  function create(family: {
    name: string
    help: string
    type: string
    labels: readonly string[]
  }): Counter<string> | Gauge<string> {
    const { name, help, labels } = family
    const options = { name, help, labelNames: [...labels], registers }
    return family.type === 'counter' ? new prom.Counter(options) : new prom.Gauge(options)
  }

  /** Synchronous, so that all lines of a scrape tell of one moment. */
  function fill(sums: Float64Array): void {
    for (const { family, metric } of counted) {
      metric.reset()
      for (const { values, at } of family.series) metric.inc(labelled(family.labels, values), sums[at] as number)
    }
    const names = source.names()
    for (const { table, metric } of rows) {
      metric.reset()
      const list = { rule: names.rules, upstream: names.upstreams, zone: names.zones }[table.rows]
      list.forEach((name, row) => {
        if (name !== undefined) metric.inc({ [table.rows]: name }, sums[table.at + row * table.stride] as number)
      })
    }
    const { bySuffix } = source.bill()
    for (const metric of saved) metric.reset()
    for (const { rule, suffix, queries, packets, bytes } of bySuffix) {
      ;[queries, packets, bytes].forEach((value, i) => {
        saved[i]?.inc({ rule, suffix }, value)
      })
    }
    histogram.values = histogramValues(sums)
    books.reset()
    books.inc({}, unaccounted(sums))
    loops.reset()
    for (const loop of source.loops()) {
      loops.inc({ route: loop.route, upstream: loop.upstream }, loop.marked ? 1 : 0)
    }
    const info = source.info()
    build.reset()
    build.inc({ version: info.version, node: process.version, engine: info.engine }, 1)
    generation.reset()
    generation.inc({}, info.generation)
    for (const { item, metric } of system) {
      metric.reset()
      metric.inc({}, item.read() ?? 0)
    }
  }
}

interface HistogramValue {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Cumulative buckets, sum and count, as the text format wants them. */
function histogramValues(sums: Float64Array): HistogramValue[] {
  const bounds = [...durationBuckets.map(String), '+Inf']
  let count = 0
  const buckets = bounds.map((le, bucket) => {
    count += sums[durationAt + bucket] as number
    return { metricName: `${duration.name}_bucket`, labels: { le }, value: count }
  })
  const sum = sums[durationAt + bounds.length] as number
  return [
    ...buckets,
    { metricName: `${duration.name}_sum`, labels: {}, value: sum },
    { metricName: `${duration.name}_count`, labels: {}, value: count },
  ]
}

function labelled(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, i) => [name, values[i] as string]))
}
