import { billFamilies } from './bill-table.ts'
import { duration, durationBuckets, families, tables } from './catalog.ts'
import { derived } from './exposition.ts'
import { processMetrics } from './process.ts'

/** docs/metrics.md: every family that a scrape can show, from the same lists that the scrape uses. */
export function metricsMarkdown(): string {
  return [
    '# Metrics',
    '',
    '<!-- Generated from the source by `npm run docs`; edits here are overwritten. -->',
    '',
    '`GET /metrics` on the admin address gives them in the Prometheus text format. Label values come from this list and from',
    'the configuration, never from the network, so the number of series is constant between reloads. Only those of the junk bill',
    'come with their first count.',
    '',
    'Each query ends in exactly one outcome: `dnsweir_unaccounted` (queries − outcomes − waiting) is always 0, and at rest',
    '`sum(dnsweir_outcomes_total) == sum(dnsweir_queries_total)`.',
    '',
    ...section('Queries, cache, flights', families.map(familyRow)),
    ...section('One row per rule', tables.filter((table) => table.rows === 'rule').map(tableRow)),
    ...section('One row per cluster domain', tables.filter((table) => table.rows === 'zone').map(tableRow)),
    ...section('One row per upstream', tables.filter((table) => table.rows === 'upstream').map(tableRow)),
    ...section(
      'The junk bill',
      billFamilies.map((family) => [family.name, family.type, codes(family.labels), family.help]),
    ),
    'What counts as saved stands in [decision 12](decisions/0012-the-junk-bill.md): never more than is certain. `suffix` is the search',
    'suffix or cluster domain below which the names were, of those that the configuration knows, or `other`.',
    '',
    ...section('Over all upstreams', [
      [duration.name, duration.type, `\`le\`: ${durationBuckets.join(', ')}, +Inf`, duration.help],
    ]),
    ...section(
      'State',
      Object.values(derived).map((family) => [family.name, family.type, codes(family.labels), family.help]),
    ),
    ...section(
      'The process',
      processMetrics.map((metric) => [metric.name, metric.type, '', metric.help]),
    ),
  ].join('\n')
}

type Row = readonly string[]

function familyRow(family: (typeof families)[number]): Row {
  const values = family.series.flatMap((series) => series.values)
  const labels = family.labels.map((label) => `\`${label}\`: ${values.join(', ')}`).join('; ')
  return [family.name, family.type, labels, family.help]
}

function tableRow(table: (typeof tables)[number]): Row {
  return [table.name, table.type, codes(table.labels), table.help]
}

function codes(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}

function section(title: string, rows: readonly Row[]): string[] {
  const lines = rows.map(([name, type, labels, help]) => `| \`${name}\` | ${type} | ${labels} | ${help} |`)
  return [`## ${title}`, '', '| metric | type | labels | meaning |', '|---|---|---|---|', ...lines, '']
}
