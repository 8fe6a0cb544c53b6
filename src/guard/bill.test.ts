import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { GuardParts } from '../../test/support/guard.ts'
import { type GuardSim, guardSim, rulesPlan } from '../../test/support/guard-sim.ts'
import { query, type ReplyParts } from '../../test/support/message.ts'
import { emptyPlan, type PlanData } from '../link/plan-data.ts'
import { Bill } from '../metrics/bill.ts'
import { ruleNames, savingRules } from './rules.ts'

/**
 * The bill's promise, with the whole road in a simulated network: what it says was saved is what the upstream sees less of, compared with the
 * same queries and no such rule.
 */
const names = { clusterDomains: ['cluster.local'], searchSuffixes: ['example.org', 'lan'] }
/** With an SOA, or it would be of one type alone. */
const denied = (): ReplyParts => ({ rcode: 3, authority: ['. 60 SOA ns.test root.test 1 2 3 4 60'] })
const labels = ['other', ...names.searchSuffixes, ...names.clusterDomains]

interface Ask {
  readonly name: string
  readonly type?: string
  readonly more?: object
  /** ms to wait before it. */
  readonly after?: number
}
interface Played {
  readonly sim: GuardSim
  /** `rule suffix queries packets bytes` of each row. */
  readonly rows: string[]
  readonly packets: number
  /** Questions that the upstream saw, those of rules' own among them. */
  readonly questions: number
}
type Script = Parameters<typeof guardSim>[1]

function play(parts: GuardParts, asks: readonly Ask[], script: Script = denied, more: Partial<PlanData> = {}): Played {
  let questions = 0
  const counting: Script = (name, asked) => {
    questions++
    return script(name, asked)
  }
  const sim = guardSim({ ...names, ...parts }, counting, more)
  // The first probes of wildcards are over then.
  sim.shard.world.advance(2000)
  for (const { name, type = 'A', more: bits = {}, after = 0 } of asks) {
    sim.shard.world.advance(after)
    sim.shard.ask(query(name, type, bits))
  }
  const { total, bySuffix } = billOf(sim).report()
  const rows = bySuffix.map((row) => `${row.rule} ${row.suffix} ${row.queries} ${row.packets} ${row.bytes}`)
  return { sim, rows, packets: total.packets, questions }
}

function billOf(sim: GuardSim, suffixes: readonly string[] = labels): Bill {
  return new Bill({ lanes: () => [sim.shard.counters.lane], rules: savingRules, suffixes: () => suffixes }, 0)
}

/** With the rules and without them: a question and an answer for each that the upstream did not see. */
function assertTrue(parts: GuardParts, asks: readonly Ask[], script?: Script, more?: Partial<PlanData>): Played {
  const played = play(parts, asks, script, more)
  const without = play({ ...parts, rules: {} }, asks, script, more)
  const saved = Math.max(2 * (without.questions - played.questions), 0)
  assert.equal(played.packets, saved, 'what is billed is what was saved')
  assert.deepEqual(without.rows, [])
  return played
}

const junk = (label: string, suffix = 'example.org'): Ask => ({ name: `${label}.svc.cluster.local.${suffix}` })
const aaaa = (ask: Ask): Ask => ({ ...ask, type: 'AAAA' })
/** Root's SOA as `denied` sends it: owner, ten octets, two names, five numbers. */
const soaBytes = 1 + 10 + 9 + 11 + 20
/** Of a question with OPT and a denial without SOA, for a name of so many bytes in the DNS. */
const bytesOf = (name: string, extra = 0): number => 2 * (28 + 12 + name.length + 2 + 4) + 11 + extra

test('junk costs a question per name and lifetime of its denial, whatever its types and however often it is asked', () => {
  const asks = [junk('a'), aaaa(junk('a')), junk('a'), junk('b'), { ...junk('a'), after: 31_000 }, junk('c', 'lan')]
  const { rows } = assertTrue({ rules: { searchSuffix: {} } }, asks)
  const first = bytesOf('a.svc.cluster.local.example.org')
  // Two probes of wildcards, one per suffix, are taken off.
  const probes = bytesOf('0123456789abcdef.example.org', soaBytes) + bytesOf('0123456789abcdef.lan', soaBytes)
  assert.deepEqual(rows, [
    `searchSuffix example.org 5 2 ${3 * first - probes}`,
    `searchSuffix lan 1 2 ${bytesOf('c.svc.cluster.local.lan')}`,
  ])
})

test('a suffix that nobody configured is other, and a name is below the longest that is', () => {
  const asks = [junk('a', 'unknown.net'), junk('b', 'deep.lan'), junk('c', 'deep.lan')]
  const { rows } = assertTrue({ rules: { searchSuffix: {} } }, asks)
  assert.deepEqual(
    rows.map((row) => row.split(' ').slice(0, 3).join(' ')),
    ['searchSuffix other 1', 'searchSuffix lan 2'],
  )
})

test('a cut saves its names less its probe and its samples', () => {
  const asks = Array.from({ length: 20 }, (_, i): Ask => ({ name: `host${i}.com.example.org` }))
  const { rows } = assertTrue({ rules: { cut: {} } }, [...asks, ...asks.map(aaaa), ...asks])
  assert.equal(rows.length, 1)
  assert.match(rows[0] ?? '', /^cut example\.org 60 32 /)
})

test('the answer to a cut name is as long as that of its parent, behind the question', () => {
  const script: Script = () => ({
    rcode: 3,
    authority: ['example.org 60 SOA ns.example.org root.example.org 7 2 3 4 60'],
  })
  const parts = { rules: { cut: { samples: 0 } } }
  const { rows, sim } = assertTrue(parts, [{ name: 'a.com.example.org' }, { name: 'b.com.example.org' }], script)
  const soa = rows[0]?.split(' ').at(-1)
  const extra = Number(soa) - 2 * bytesOf('a.com.example.org') + bytesOf('com.example.org')
  assert.ok(extra > 40 && extra < 120, `${extra} bytes of SOA`)
  assert.equal(sim.shard.unaccounted, 0)
})

test('in a cluster zone a denial lives 5 s, and names count under the cluster domain', () => {
  const at = (label: string, after = 0): Ask => ({ name: `${label}.com.svc.cluster.local`, after })
  const asks = [at('a'), at('b'), at('c'), at('a'), at('a', 5200), at('b')]
  const { rows } = assertTrue({ rules: { cut: {} } }, asks)
  assert.match(rows[0] ?? '', /^cut cluster\.local 6 6 /)
})

test('a parent that exists costs a question, which is paid off before anything is saved', () => {
  const there: Script = (name) => (name === 'com.example.org' ? { answers: [`${name} 60 A 192.0.2.1`] } : denied())
  const parts = { rules: { cut: { samples: 0 } } }
  const passing = play(parts, [{ name: 'a.com.example.org' }, { name: 'b.com.example.org' }], there)
  assert.deepEqual(passing.rows, [])
  const asks = ['a.com', 'a.net', 'b.net', 'c.net'].map((name) => ({ name: `${name}.example.org` }))
  const { packets } = assertTrue(parts, asks, there)
  assert.equal(packets, 2)
})

test('a sample that exists is no saving', () => {
  const there: Script = (name) => (name.startsWith('deep') ? { answers: [`${name} 60 A 192.0.2.1`] } : denied())
  const asks = ['a', 'b', 'deep', 'c', 'd'].map((label) => ({ name: `${label}.com.example.org` }))
  assert.equal(play({ rules: { cut: {} } }, asks, there).packets, 0)
})

const addresses: Script = (name, { questions }) => {
  if (name.startsWith('nodata')) return {}
  if (name.startsWith('missing')) return denied()
  if (name.startsWith('broken')) return { rcode: 2 }
  return { answers: questions[0]?.type === 28 ? [`${name} 60 AAAA 2001:db8::1`] : [`${name} 60 A 192.0.2.1`] }
}

test('an AAAA that shares the lookup of A saves its own, once in the lifetime of the answer', () => {
  const a: Ask = { name: 'www.example.com' }
  const asks = [a, aaaa(a), aaaa(a), a, { ...a, after: 61_000 }, aaaa(a), { name: 'b.lan' }, aaaa({ name: 'b.lan' })]
  const { rows } = assertTrue({ rules: { aaaaFilter: { mode: 'enforce' } } }, asks, addresses)
  assert.deepEqual(rows, [
    `aaaaFilter other 3 4 ${2 * bytesOf('www.example.com')}`,
    `aaaaFilter lan 1 2 ${bytesOf('b.lan')}`,
  ])
})

test('an AAAA that caused the lookup saves nothing, nor do those after it', () => {
  const asks = [{ name: 'www.example.com' }, { name: 'nodata.example.com' }, { name: 'missing.example.com' }].map(aaaa)
  const { rows, packets } = assertTrue({ rules: { aaaaFilter: { mode: 'enforce' } } }, [...asks, ...asks], addresses)
  assert.equal(packets, 0)
  assert.match(rows.join(), /^aaaaFilter other 2 0 0$/)
})

test('NODATA is shared as long as a denial; NXDOMAIN and failures would have served AAAA anyway', () => {
  const asks = ['nodata', 'missing', 'broken'].map((label): Ask => ({ name: `${label}.example.com` }))
  const both = asks.flatMap((ask) => [ask, aaaa(ask), aaaa(ask)])
  const { rows } = play({ rules: { aaaaFilter: { mode: 'enforce' } } }, both, addresses)
  assert.deepEqual(rows, [`aaaaFilter other 2 2 ${bytesOf('nodata.example.com')}`])
})

test('A and AAAA at once: the one that joined is the one that saved', () => {
  const sim = guardSim({ ...names, rules: { aaaaFilter: { mode: 'enforce' } } }, addresses)
  sim.shard.send(query('www.example.com', 'A'))
  sim.shard.send(query('www.example.com', 'AAAA'))
  sim.shard.send(query('www.example.com', 'AAAA'))
  sim.shard.send(query('www.example.net', 'AAAA'))
  sim.shard.send(query('www.example.net', 'A'))
  sim.shard.world.advance(20)
  assert.equal(sim.asked().length, 2)
  const { queries, packets } = billOf(sim).report().total
  assert.deepEqual([queries, packets], [2, 2])
})

test('a name that loses its suffix saves its question only where the real name costs none', () => {
  const parts = { rules: { searchSuffix: { action: 'strip' } } }
  const real: Ask = { name: 'web.svc.cluster.local' }
  const script: Script = (name) => (name === real.name ? { answers: [`${name} 300 A 192.0.2.1`] } : denied())
  const swapped = assertTrue(parts, [junk('other'), junk('another')], script)
  assert.equal(swapped.packets, 0)
  // The two probes of wildcards are to be paid first.
  const { rows } = assertTrue(parts, [real, junk('web'), junk('web'), junk('web', 'lan'), junk('x', 'lan')], script)
  assert.match(rows[0] ?? '', /^searchSuffix example\.org 2 0 /)
  assert.match(rows[1] ?? '', /^searchSuffix lan 1 0 /)
})

test('what observes, is asked with DO, has no upstream, or is no rule that saves is not in the bill', () => {
  const asks = [junk('a'), { ...junk('b'), more: { edns: { dnssecOk: true } } }]
  for (const parts of [
    { mode: 'observe' as const, rules: { searchSuffix: {}, cut: {} } },
    { rules: { localAnswers: {} } },
  ])
    assert.deepEqual(play(parts, asks).rows, [])
  const local = { rules: { localAnswers: { records: ['web.svc.cluster.local.example.org. A 192.0.2.1'] } } }
  assert.deepEqual(play(local, [junk('web'), { name: 'x.invalid' }]).rows, [])
  assert.match(play({ rules: { searchSuffix: {} } }, asks).rows.join(), /^searchSuffix example\.org 1 /)
  const alone = { upstreams: [], routes: emptyPlan.routes }
  assert.deepEqual(play({ rules: { searchSuffix: {} } }, asks, denied, alone).rows, ['searchSuffix example.org 1 0 0'])
})

test('a reload that changes the names leaves each count with its own', () => {
  const { sim } = play({ rules: { searchSuffix: {} } }, [junk('a'), junk('b', 'lan')])
  const rules = { searchSuffix: {} }
  const next = rulesPlan({ rules, clusterDomains: ['cluster.local'], searchSuffixes: ['new.test', 'lan'] })
  const wire = (text: string) =>
    Buffer.concat(
      text
        .split('.')
        .map((l) => Buffer.from(`${String.fromCharCode(l.length)}${l}`))
        .concat(Buffer.of(0)),
    )
  // As app/build does it: rows of before first.
  const billNames = ['example.org', 'lan', 'cluster.local', 'new.test'].map(wire)
  sim.shard.commit({ ...next, billNames })
  for (const ask of [junk('c'), junk('d', 'new.test'), junk('e', 'lan'), junk('f', 'lan')])
    sim.shard.ask(query(ask.name))
  const { bySuffix } = billOf(sim, ['other', 'example.org', 'lan', 'cluster.local', 'new.test']).report()
  assert.deepEqual(
    bySuffix.map(({ suffix, queries }) => `${suffix} ${queries}`),
    ['other 1', 'example.org 1', 'lan 3', 'new.test 1'],
  )
  assert.ok(ruleNames.includes('searchSuffix'))
})
