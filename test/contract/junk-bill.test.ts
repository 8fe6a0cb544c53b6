/** The junk bill: what each rule spared the resolvers behind it, in /metrics and /api/stats (decision 12). */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../support/client.ts'
import { startScene } from '../support/scene.ts'

interface Row {
  readonly rule: string
  readonly suffix: string
  readonly queries: number
  readonly packets: number
  readonly bytes: number
}
interface Saved {
  readonly since: string
  readonly total: Omit<Row, 'rule' | 'suffix'>
  readonly lastMinute: object
  readonly bySuffix: readonly Row[]
}

const both = (name: string): [string, string][] => ['A', 'AAAA'].map((type) => [name, type])
const junk = (count: number): [string, string][] =>
  Array.from({ length: count }, (_, i) => `user${i}.ns.svc.cluster.local.example.org`).flatMap(both)

const wildcardProbe = /^[0-9a-f]{16}\.example\.org/

/** Rule on, questions, what `rule suffix queries packets` must be. A name costs one denial whatever its types (RFC 2308 section 5). */
const CASES: readonly [string, object, readonly [string, string][], readonly string[]][] = [
  ['junk by form', { searchSuffix: {} }, junk(50), ['searchSuffix example.org 100 98']],
  ['asked again', { searchSuffix: {} }, [...junk(5), ...junk(5), ...junk(5)], ['searchSuffix example.org 30 8']],
  [
    'the schema of a cluster',
    { kubernetesNames: {} },
    ['www.google.com.cluster.local', 'a.b.cluster.local'].flatMap(both),
    ['kubernetesNames cluster.local 4 4'],
  ],
  [
    'A and AAAA of one name',
    { aaaaFilter: { mode: 'enforce' } },
    [...both('www.example.net'), ...both('www.example.com')],
    ['aaaaFilter other 2 4'],
  ],
  ['a rule that lets all pass', { searchSuffix: {} }, both('www.example.net'), []],
]

for (const [what, rules, questions, wanted] of CASES) {
  test(`the bill: ${what}`, async (t) => {
    const off = Object.fromEntries(
      ['searchSuffix', 'kubernetesNames', 'cut', 'aaaaFilter'].map((name) => [name, { mode: 'disabled' }]),
    )
    const { program, upstream } = await startScene(t, undefined, {
      searchSuffixes: ['example.org'],
      clusterDomains: ['cluster.local'],
      guard: { ...off, ...rules },
    })
    // The first probe for wildcards has its answer by then: it is what the rule costs.
    while ('searchSuffix' in rules && !upstream.probes.some(({ name }) => wildcardProbe.test(name))) await sleep(10)
    await ask(program, 'settled.example.net')
    for (const [name, type] of questions) await ask(program, name, type)
    const saved = ((await program.stats()) as { saved: Saved }).saved
    assert.deepEqual(
      saved.bySuffix.map(({ rule, suffix, queries, packets }) => `${rule} ${suffix} ${queries} ${packets}`),
      wanted,
    )
  })
}

test('the bill in /metrics is the one in /api/stats, and names no name', async (t) => {
  const { program } = await startScene(t, undefined, { clusterDomains: ['cluster.local'], searchSuffixes: [] })
  for (const label of ['secret', 'private', 'hidden']) await ask(program, `${label}.cluster.local`)
  const { saved } = (await program.stats()) as { saved: Saved }
  const metrics = await program.metrics()
  const labels = { rule: 'kubernetesNames', suffix: 'cluster.local' }
  const [row] = saved.bySuffix
  assert.deepEqual(
    ['queries', 'packets', 'bytes'].map((what) => metrics.value(`dnsweir_saved_${what}_total`, labels)),
    [row?.queries, row?.packets, row?.bytes],
  )
  assert.deepEqual([saved.total.queries, saved.total.packets], [3, 6])
  assert.ok(Date.now() - Date.parse(saved.since) < 60_000)
  assert.doesNotMatch(JSON.stringify(saved) + (await (await program.get('/metrics')).text()), /secret|private|hidden/)
})
