import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Result } from './cases.ts'
import { check } from './checks.ts'

function result(server: string, which: string, parts: Partial<Result>): Result {
  const none = { answered: 0, failed: 0, lost: 0, p50: 0, p99: 0, max: 0 }
  const rest = { seconds: 1, cpuMicros: 0, cpuPerQuery: 0, queriesPerSecond: 0, resident: 0 }
  return { ...none, ...rest, silent: none, ...parts, server, case: which }
}

const silent = { answered: 0, failed: 9, lost: 0, p50: 0, p99: 0 }
const good: readonly Result[] = [
  ...[2, 9, 2.2].map((cpuPerQuery) => result('dnsweir', 'hits', { cpuPerQuery, answered: 10_000 })),
  result('unbound', 'hits', { cpuPerQuery: 2.6 }),
  result('dnsdist', 'hits', { cpuPerQuery: 2.8 }),
  result('dnsweir', 'misses', { cpuPerQuery: 6, p99: 4 }),
  result('unbound', 'misses', { cpuPerQuery: 26 }),
  result('dnsweir', 'hits20k', { cpuPerQuery: 14 }),
  result('unbound', 'hits20k', { cpuPerQuery: 13 }),
  result('dnsweir', 'hits5k', { cpuPerQuery: 36 }),
  result('unbound', 'hits5k', { cpuPerQuery: 33 }),
  result('dnsweir', 'million', { resident: 100 * 2 ** 20 }),
  result('dnsweir', 'deadlines', { silent: { ...silent, max: 504 } }),
]

test('all holds; the median counts, so one bad round of three does no harm', () => {
  assert.deepEqual(
    check(good).map(({ holds }) => holds),
    new Array(9).fill(true),
  )
})

const bad: readonly (readonly [string, string, Partial<Result>, RegExp])[] = [
  ['unbound', 'hits', { cpuPerQuery: 1.9 }, /a cached hit costs 2\.20 µs of CPU, unbound's 1\.90/],
  ['dnsdist', 'hits', { cpuPerQuery: 1.9 }, /dnsdist's 1\.90/],
  ['unbound', 'misses', { cpuPerQuery: 11 }, /a miss .* allowed are 0\.5 × that/],
  ['dnsweir', 'misses', { cpuPerQuery: 1, p99: 15.1 }, /p99 of misses/],
  ['dnsweir', 'hits20k', { cpuPerQuery: 21 }, /at 20,000/],
  ['dnsweir', 'hits5k', { cpuPerQuery: 54 }, /at 5,000/],
  ['dnsweir', 'million', { resident: 113 * 2 ** 20 }, /RSS/],
  ['dnsweir', 'deadlines', { silent: { ...silent, max: 531 } }, /lateness/],
  ['dnsweir', 'deadlines', { silent: { ...silent, failed: 0, max: 0 } }, /lateness/],
]
for (const [server, which, parts, sentence] of bad) {
  test(`${server} ${which} ${JSON.stringify(parts)} is found`, () => {
    const others = good.filter((one) => one.server !== server || one.case !== which)
    const failed = check([...others, result(server, which, parts)]).filter(({ holds }) => !holds)
    assert.match(failed.map((one) => one.sentence).join('\n'), sentence)
  })
}

test('what is forgiven as noise is said', () => {
  const others = good.filter(({ server, case: which }) => server !== 'dnsweir' || which !== 'hits5k')
  const checks = check([...others, result('dnsweir', 'hits5k', { cpuPerQuery: 45 })])
  assert.ok(checks.every(({ holds }) => holds))
  assert.equal(checks.filter(({ sentence }) => sentence.endsWith('(missed; forgiven as noise)')).length, 1)
})

test('what was not measured is not judged, and what was lost is', () => {
  assert.deepEqual(check([]), [])
  const lossy = check([result('dnsweir', 'hits', { answered: 900, lost: 100 })])
  assert.deepEqual(
    lossy.map(({ holds }) => holds),
    [false],
  )
})
