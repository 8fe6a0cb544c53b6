import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bill } from './bill.ts'
import {
  BILL_BYTES,
  BILL_PACKETS,
  BILL_QUERIES,
  billFamilies,
  billLength,
  billOwed,
  billRow,
  billRowsMax,
  billRulesMax,
} from './bill-table.ts'
import {
  durationAt,
  families,
  gauges,
  laneLength,
  outcomes,
  queries,
  RULE_REPLIED,
  rule,
  summedLength,
  tables,
  UP_ANSWERS,
  upstream,
  zone,
} from './catalog.ts'
import { Counters, looseCounters } from './counters.ts'
import { createExposition, derived, type MetricsSource } from './exposition.ts'
import { metricsMarkdown } from './markdown.ts'

function source(lanes: readonly Float64Array[], more: Partial<MetricsSource> = {}): MetricsSource {
  return {
    lanes: () => lanes,
    names: () => ({
      rules: ['acl', 'searchSuffix'],
      upstreams: ['192.0.2.1:53', 'tcp://[2001:db8::1]:53'],
      zones: [undefined, undefined, 'cluster.local', undefined, 'k8s'],
    }),
    loops: () => [{ route: '.', upstream: '192.0.2.1:53', marked: true, zones: [], since: 0 }],
    bill: () => billOf(lanes).report(),
    info: () => ({ version: '1.2.3', engine: 'epoll', generation: 4 }),
    ...more,
  }
}

function billOf(lanes: readonly Float64Array[], suffixes = ['other', 'lan', 'odd"\\']): Bill {
  return new Bill({ lanes: () => lanes, rules: ['searchSuffix', 'cut'], suffixes: () => suffixes }, 0)
}

/** Adds to a row of the junk bill. */
function save(counters: Counters, rule: number, row: number, queries: number, packets: number, bytes: number): void {
  const at = summedLength + billRow(rule, row)
  counters.add(at + BILL_QUERIES, queries)
  counters.add(at + BILL_PACKETS, packets)
  counters.add(at + BILL_BYTES, bytes)
}

/** The lines of a scrape that are samples, as name with labels → number. */
async function scrape(from: MetricsSource): Promise<Map<string, number>> {
  const text = await (await createExposition(from)).text()
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

test('lanes are summed, rows get the names of the plan', async () => {
  const lanes = [looseCounters(), looseCounters()]
  for (const [i, counters] of lanes.entries()) {
    counters.add(queries.udp, 10 + i)
    counters.add(outcomes.hit, 9 + i)
    counters.set(gauges.waiting, 1)
    counters.add(rule.at(1, RULE_REPLIED), 3)
    counters.add(upstream.at(1, UP_ANSWERS), 5)
    counters.add(zone.at(4, 0), 7)
    counters.add(zone.at(1, 0), 1)
  }
  const samples = await scrape(source(lanes.map((counters) => counters.lane)))
  const expected: [string, number][] = [
    ['dnsweir_queries_total{proto="udp"}', 21],
    ['dnsweir_queries_total{proto="tcp"}', 0],
    ['dnsweir_outcomes_total{outcome="hit"}', 19],
    ['dnsweir_waiting', 2],
    ['dnsweir_unaccounted', 0],
    ['dnsweir_rule_replied_total{rule="acl"}', 0],
    ['dnsweir_rule_replied_total{rule="searchSuffix"}', 6],
    ['dnsweir_upstream_answers_total{upstream="tcp://[2001:db8::1]:53"}', 10],
    ['dnsweir_kubernetes_names_passed_total{zone="cluster.local"}', 0],
    ['dnsweir_kubernetes_names_passed_total{zone="k8s"}', 14],
    ['dnsweir_loop_marked{route=".",upstream="192.0.2.1:53"}', 1],
    [`dnsweir_build_info{version="1.2.3",node="${process.version}",engine="epoll"}`, 1],
    ['dnsweir_plan_generation', 4],
  ]
  for (const [name, value] of expected) assert.equal(samples.get(name), value, name)
  const zones = [...samples.keys()].filter((name) => name.startsWith('dnsweir_kubernetes_names'))
  assert.equal(zones.length, 2, 'rows of other names are no series')
  assert.ok((samples.get('process_resident_memory_bytes') ?? 0) > 1e6)
  assert.ok((samples.get('process_cpu_seconds_total') ?? 0) > 0)
})

test('the junk bill has series for rows with counts alone, summed over lanes, with labels that break out of nothing', async () => {
  const lanes = [looseCounters(), looseCounters()]
  for (const counters of lanes) {
    save(counters, 0, 1, 3, 4, 500)
    save(counters, 1, 2, 1, 0, 0)
  }
  const samples = await scrape(source(lanes.map(({ lane }) => lane)))
  const saved = [...samples].filter(([name]) => name.startsWith('dnsweir_saved_'))
  assert.deepEqual(saved, [
    ['dnsweir_saved_queries_total{rule="searchSuffix",suffix="lan"}', 6],
    ['dnsweir_saved_queries_total{rule="cut",suffix="odd\\"\\\\"}', 2],
    ['dnsweir_saved_packets_total{rule="searchSuffix",suffix="lan"}', 8],
    ['dnsweir_saved_packets_total{rule="cut",suffix="odd\\"\\\\"}', 0],
    ['dnsweir_saved_bytes_total{rule="searchSuffix",suffix="lan"}', 1000],
    ['dnsweir_saved_bytes_total{rule="cut",suffix="odd\\"\\\\"}', 0],
  ])
})

test('a second scrape shows the state of its own moment', async () => {
  const counters = looseCounters()
  let marked = true
  const from = source([counters.lane], { loops: () => [{ route: '.', upstream: 'u', marked, zones: [], since: 0 }] })
  const exposition = await createExposition(from)
  counters.add(queries.tcp)
  counters.add(outcomes.rule)
  assert.match(await exposition.text(), /^dnsweir_loop_marked\{route="\.",upstream="u"\} 1$/m)
  counters.add(queries.tcp)
  counters.add(outcomes.rule)
  marked = false
  const second = await exposition.text()
  assert.match(second, /^dnsweir_queries_total\{proto="tcp"\} 2$/m)
  assert.match(second, /^dnsweir_loop_marked\{route="\.",upstream="u"\} 0$/m)
})

test('the histogram is cumulative, with sum and count', async () => {
  const counters = looseCounters()
  for (const ms of [0.1, 0.3, 0.3, 60_000]) counters.duration(ms)
  const samples = await scrape(source([counters.lane]))
  const name = 'dnsweir_upstream_duration_seconds'
  assert.equal(samples.get(`${name}_bucket{le="0.00025"}`), 1)
  assert.equal(samples.get(`${name}_bucket{le="0.0005"}`), 3)
  assert.equal(samples.get(`${name}_bucket{le="8.192"}`), 3)
  assert.equal(samples.get(`${name}_bucket{le="+Inf"}`), 4)
  assert.equal(samples.get(`${name}_count`), 4)
  assert.ok(Math.abs((samples.get(`${name}_sum`) ?? 0) - 60.0007) < 1e-9)
})

test('a query without an end is said', async () => {
  const counters = looseCounters()
  counters.add(queries.udp, 3)
  counters.add(outcomes.hit, 1)
  const samples = await scrape(source([counters.lane]))
  assert.equal(samples.get('dnsweir_unaccounted'), 2)
})

test('a query that a scrape catches on its road is none without an end', async () => {
  const counters = new Counters(new Float64Array(laneLength))
  counters.add(queries.udp)
  const late = setTimeout(() => counters.add(outcomes.hit), 2)
  const samples = await scrape(source([counters.lane]))
  clearTimeout(late)
  assert.equal(samples.get('dnsweir_unaccounted'), 0)
  assert.equal(samples.get('dnsweir_queries_total{proto="udp"}'), 1)
})

test('no label value can break out of its line', async () => {
  const names = () => ({ rules: [], upstreams: ['a"b\\c\nd'], zones: [] })
  const text = await (await createExposition(source([], { names }))).text()
  assert.match(text, /^dnsweir_upstream_packets_total\{upstream="a\\"b\\\\c\\nd"\} 0$/m)
})

test('names follow the conventions of Prometheus, and none is declared twice', () => {
  const all = [...families, ...tables, ...billFamilies, ...Object.values(derived)]
  for (const { name, type, help } of all) {
    assert.match(name, /^dnsweir_[a-z]+(_[a-z]+)*$/)
    assert.equal(name.endsWith('_total'), type === 'counter', name)
    assert.match(help, /^[A-Z0-9].*\.$/, name)
  }
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length)
})

test('places do not overlap and lie in the lane', () => {
  const places = families.flatMap((family) => family.series.map(({ at }) => at))
  const rowsOf = { rule: 16, upstream: 32, zone: billRowsMax }
  for (const { rows, at, stride } of tables) for (let row = 0; row < rowsOf[rows]; row++) places.push(at + row * stride)
  for (let bucket = 0; bucket < 18; bucket++) places.push(durationAt + bucket)
  for (let rule = 0; rule < billRulesMax; rule++) {
    for (let row = 0; row < billRowsMax; row++) {
      for (let field = 0; field < 3; field++) places.push(summedLength + billRow(rule, row) + field)
    }
    places.push(summedLength + billOwed(rule), summedLength + billOwed(rule) + 1)
  }
  assert.ok(billLength * 8 <= 64 * 1024, 'a lane has at most 64 KiB of them')
  assert.equal(new Set(places).size, places.length)
  assert.ok(Math.max(...places) < laneLength)
})

test('the page names every family', () => {
  const page = metricsMarkdown()
  for (const { name, help } of [...families, ...tables, ...billFamilies, ...Object.values(derived)]) {
    assert.ok(page.includes(`| \`${name}\` |`) && page.includes(help), name)
  }
})
