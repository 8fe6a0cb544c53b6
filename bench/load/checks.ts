import type { Result } from './cases.ts'
import { replyWithinMs } from './peers/dnsweir.ts'

/** Something that must hold, and how it turned out. */
export interface Check {
  /** The same in every run. */
  readonly name: string
  readonly holds: boolean
  readonly sentence: string
}

/**
 * What a shared machine is forgiven, as a factor on the limit. A query every 200 µs pays for wake-ups and cold caches, which differ by a fifth from minute to
 * minute and hit a program of many threads harder; a latency is whatever else ran on the core. The report says so where it forgave.
 */
const paced = 1.4
const latency = 3

/** All that can be said from these results; a comparison with a server that wasn't measured is left out. */
export function check(results: readonly Result[]): Check[] {
  const cpu = (server: string, which: string) => median(results, server, which, (result) => result.cpuPerQuery)
  const checks: Check[] = [
    ...below('a cached hit', cpu('dnsweir', 'hits'), 'unbound', cpu('unbound', 'hits')),
    ...below('a cached hit', cpu('dnsweir', 'hits'), 'dnsdist', cpu('dnsdist', 'hits')),
    ...below('a miss', cpu('dnsweir', 'misses'), 'unbound', cpu('unbound', 'misses'), 0.5),
    ...below('a hit at 20,000 q/s', cpu('dnsweir', 'hits20k'), 'unbound', cpu('unbound', 'hits20k'), 1.15, paced),
    ...below('a hit at 5,000 q/s', cpu('dnsweir', 'hits5k'), 'unbound', cpu('unbound', 'hits5k'), 1.15, paced),
    ...atMost(
      'p99 of misses at saturation, ms',
      median(results, 'dnsweir', 'misses', (result) => result.p99),
      5,
      latency,
    ),
    ...atMost('RSS after a million new names, MiB', median(results, 'dnsweir', 'million', residentMiB), 112),
    ...atMost(
      'lateness of the latest deadline in a flood, ms',
      median(results, 'dnsweir', 'deadlines', lateness),
      10,
      latency,
    ),
    ...atMost('queries that were lost or failed, of 1,000', lostShare(results) * 1000, 1),
  ]
  return checks
}

function below(what: string, ours: number, peer: string, theirs: number, factor = 1, forgiven = 1): Check[] {
  if (Number.isNaN(ours) || Number.isNaN(theirs)) return []
  const limit = factor === 1 ? '' : `, allowed are ${factor} × that`
  const holds = ours < theirs * factor * forgiven
  const sentence = `${what} costs ${ours.toFixed(2)} µs of CPU, ${peer}'s ${theirs.toFixed(2)}${limit}`
  return [{ name: `${what}, against ${peer}`, holds, sentence: sentence + remark(holds, ours < theirs * factor) }]
}

function atMost(what: string, value: number, limit: number, forgiven = 1): Check[] {
  if (Number.isNaN(value)) return []
  const holds = value < limit * forgiven
  const sentence = `${what}: ${value.toFixed(2)}, allowed are ${limit}`
  return [{ name: what, holds, sentence: sentence + remark(holds, value < limit) }]
}

function remark(holds: boolean, strictly: boolean): string {
  return holds && !strictly ? ' (missed; forgiven as noise)' : ''
}

/** NaN when there is no such result. */
function median(results: readonly Result[], server: string, which: string, of: (result: Result) => number): number {
  const chosen = results.filter((result) => result.server === server && result.case === which)
  const values = chosen.map(of).sort((a, b) => a - b)
  return values[Math.floor(values.length / 2)] ?? Number.NaN
}

/** The reply that a deadline makes is a SERVFAIL; without any there was nothing to measure, which is no success. */
function lateness({ silent }: Result): number {
  return silent.failed === 0 ? Number.POSITIVE_INFINITY : silent.max - replyWithinMs
}

function residentMiB(result: Result): number {
  return result.resident / 2 ** 20
}

/** Of dnsweir's queries that had an answer to get. */
function lostShare(results: readonly Result[]): number {
  const ours = results.filter((result) => result.server === 'dnsweir')
  const sum = (of: (result: Result) => number): number => ours.reduce((total, result) => total + of(result), 0)
  const bad = sum((result) => result.failed + result.lost)
  return bad / (bad + sum((result) => result.answered))
}
