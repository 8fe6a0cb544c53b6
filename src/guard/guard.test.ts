import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardOf, guardPlan } from '../../test/support/guard.ts'
import { queryOf } from '../../test/support/query.ts'
import { seededRandom } from '../base/random.ts'
import { section } from '../config/section.ts'
import { emptyPlan } from '../link/plan-data.ts'
import { billRulesMax } from '../metrics/bill-table.ts'
import {
  RULE_DROPPED,
  RULE_FINISHED,
  RULE_LIMITED,
  RULE_OBSERVED,
  RULE_REPLIED,
  rule as ruleCounters,
} from '../metrics/catalog.ts'
import { looseCounters } from '../metrics/counters.ts'
import type { Query } from '../query/query.ts'
import { Reply } from '../query/reply.ts'
import { ASK, CACHE_ONLY, DROP, PASS, REPLY, REWRITE, type Verdict } from '../query/verdict.ts'
import { createGuard } from './guard.ts'
import { lookedUpMax } from './looked-up.ts'
import { planRules, sharedMemory } from './plan.ts'
import type { Host, Rule, RuleKind } from './rule.ts'
import { ruleKinds, ruleNames, savingRules } from './rules.ts'

/** A rule that says what it is told and notes that it was asked. */
interface Scripted {
  readonly name: string
  readonly perClient?: true
  readonly says?: Verdict | ((query: Query, host: Host) => Verdict)
  readonly mode?: 'enforce' | 'observe'
  readonly rule?: (host: Host) => Rule
}

function scripted(list: readonly Scripted[]) {
  const asked: string[] = []
  const kinds = list.map(({ name, perClient, says, rule }): RuleKind<unknown> => {
    const create = (_: unknown, host: Host): Rule => ({
      check(query) {
        asked.push(name)
        host.draft.reset(says === REPLY || says === CACHE_ONLY ? host.index : 0)
        return typeof says === 'function' ? says(query, host) : (says ?? PASS)
      },
    })
    return {
      name,
      settings: section('A rule of the tests.', {}),
      ...(perClient ? { perClient } : {}),
      create: rule === undefined ? create : (_, host) => rule(host),
    }
  })
  const rules = list.map(({ name, mode = 'enforce' }) => ({ name, mode, settings: {} }))
  const counters = looseCounters()
  const deps = {
    clock: { now: () => 0 },
    random: seededRandom(1),
    counters,
    shared: () => undefined,
    events: () => undefined,
    isFirstShard: true,
    hashSeed: 1,
    ask: () => false,
  }
  const guard = createGuard({ ...emptyPlan, rules }, deps, undefined, kinds)
  const counted = (index: number, field: number) => counters.lane[ruleCounters.at(index, field)]
  return { guard, asked, counted }
}

const ask = (query: Query, host: Host): Verdict => {
  query.askType = 1
  query.marks |= host.mark
  return ASK
}

test('rules are asked in the order of the list, and the first that answers or drops ends it', () => {
  for (const [says, field] of [
    [REPLY, RULE_REPLIED],
    [DROP, RULE_DROPPED],
  ] as const) {
    const { guard, asked, counted } = scripted([{ name: 'a' }, { name: 'b', says }, { name: 'c' }])
    assert.equal(guard.check(queryOf('x.test')), says)
    assert.deepEqual(asked, ['a', 'b'])
    assert.equal(counted(1, field), 1)
    if (says === REPLY) assert.equal(guard.draft.rcode, 1, 'the draft is the one of the rule that decided')
  }
})

test('a rule that observes is counted, and its verdict and marks have no effect', () => {
  const verdicts: NonNullable<Scripted['says']>[] = [REPLY, DROP, CACHE_ONLY, REWRITE, ask]
  for (const says of verdicts) {
    const { guard, asked, counted } = scripted([{ name: 'a', says, mode: 'observe' }, { name: 'b' }])
    const query = queryOf('x.test', 'AAAA')
    assert.equal(guard.check(query), PASS)
    assert.deepEqual([asked, query.askType, query.marks, query.cacheOnly], [['a', 'b'], 28, 0, 0])
    assert.equal(counted(0, RULE_OBSERVED), 1)
  }
})

test('cacheOnly lets later rules answer, and keeps its draft when none does', () => {
  const quiet = scripted([{ name: 'a' }, { name: 'b', says: CACHE_ONLY }, { name: 'c', says: CACHE_ONLY }])
  const query = queryOf('x.test')
  assert.equal(quiet.guard.check(query), CACHE_ONLY)
  assert.deepEqual([quiet.guard.draft.rcode, query.cacheOnly, quiet.counted(1, RULE_LIMITED)], [1, 1, 1])
  const answered = scripted([
    { name: 'a', says: CACHE_ONLY },
    { name: 'b', says: REPLY },
  ])
  assert.equal(answered.guard.check(queryOf('x.test')), REPLY)
  assert.equal(answered.guard.draft.rcode, 1)
  const asking = scripted([{ name: 'a', says: ask }, { name: 'b', says: CACHE_ONLY }, { name: 'c' }])
  const aaaa = queryOf('x.test', 'AAAA')
  assert.equal(asking.guard.check(aaaa), CACHE_ONLY)
  assert.deepEqual([aaaa.askType, aaaa.marks, asking.asked.length], [1, 1, 3])
})

test('after a rewrite the rules run again, once, without those that look at the client alone', () => {
  const { guard, asked } = scripted([
    { name: 'limit', perClient: true },
    { name: 'a' },
    { name: 'b', says: REWRITE },
    { name: 'c', says: REPLY },
  ])
  assert.equal(guard.check(queryOf('x.test')), PASS)
  assert.deepEqual(asked, ['limit', 'a', 'b', 'a', 'b'])
  let turns = 0
  const once = scripted([
    { name: 'a', says: () => (turns++ === 0 ? REWRITE : PASS) },
    { name: 'b', says: REPLY },
  ])
  assert.equal(once.guard.check(queryOf('x.test')), REPLY)
})

test('explain counts nothing', () => {
  const { guard, counted } = scripted([
    { name: 'a', says: DROP, mode: 'observe' },
    { name: 'b', says: REPLY },
  ])
  assert.equal(guard.check(queryOf('x.test', 'A', { dry: true })), REPLY)
  assert.deepEqual([counted(0, RULE_OBSERVED), counted(1, RULE_REPLIED)], [0, 0])
})

test('admit and checkMiss ask the rules that have them, and refusals count as limits', () => {
  const refuse = (host: Host) => (): Verdict => {
    host.draft.reset(5)
    return REPLY
  }
  const { guard, counted } = scripted([
    { name: 'acl', rule: (host) => ({ admit: refuse(host) }) },
    { name: 'limit', rule: (host) => ({ checkMiss: refuse(host) }) },
  ])
  const query = queryOf('x.test')
  assert.deepEqual([guard.admit(query), guard.check(query), guard.checkMiss(query)], [REPLY, PASS, REPLY])
  assert.deepEqual([guard.draft.rcode, counted(0, RULE_LIMITED), counted(1, RULE_LIMITED)], [5, 1, 1])
})

test('finish reaches the rules that marked the query, with its name made anew', () => {
  const seen: string[] = []
  const finish = (name: string) => () => ({
    finish(query: Query) {
      seen.push(`${name} ${query.labelCount} ${String.fromCharCode(query.name[1] as number)}`)
    },
  })
  const { guard, counted } = scripted([
    { name: 'a', rule: finish('a') },
    { name: 'b', rule: finish('b') },
  ])
  const query = queryOf('X.test')
  query.marks = 2
  query.labelCount = 0
  query.name.fill(0)
  guard.finish(query, new Reply())
  assert.deepEqual([seen, counted(0, RULE_FINISHED), counted(1, RULE_FINISHED)], [['b 2 x'], 0, 1])
})

test('a rule gets the state of its predecessor, and disabled ones are absent', () => {
  const befores: unknown[] = []
  const rules: Rule[] = []
  const kind: RuleKind<unknown> = {
    name: 'a',
    settings: section('A rule of the tests.', {}),
    create(_settings, _host, before) {
      befores.push(before)
      rules.push({})
      return rules.at(-1) as Rule
    },
  }
  const deps = {
    clock: { now: () => 0 },
    random: seededRandom(1),
    counters: looseCounters(),
    shared: () => undefined,
    events: () => undefined,
    isFirstShard: true,
    hashSeed: 1,
    ask: () => false,
  }
  const plan = { ...emptyPlan, rules: [{ name: 'a', mode: 'enforce' as const, settings: {} }] }
  const first = createGuard(plan, deps, undefined, [kind])
  const second = createGuard(plan, deps, first, [kind])
  createGuard(emptyPlan, deps, second, [kind])
  assert.deepEqual(befores, [undefined, rules[0]])
})

test('guard.mode: observe makes observers of all rules but acl', () => {
  const rules = { acl: {}, rateLimit: {}, searchSuffix: { mode: 'observe' }, aaaaFilter: { mode: 'enforce' } }
  const modes = (mode: 'enforce' | 'observe') =>
    Object.fromEntries(guardPlan({ mode, rules }).rules.map((rule) => [rule.name, rule.mode]))
  assert.deepEqual(modes('enforce'), {
    acl: 'enforce',
    rateLimit: 'enforce',
    searchSuffix: 'observe',
    aaaaFilter: 'enforce',
  })
  assert.deepEqual(modes('observe'), {
    acl: 'enforce',
    rateLimit: 'observe',
    searchSuffix: 'observe',
    aaaaFilter: 'observe',
  })
})

test('the list: names are unique, fit their bits and rows, who saves has a place in the bill, and the limiter and the bill want shared memory', () => {
  assert.equal(new Set(ruleNames).size, ruleNames.length)
  assert.ok(ruleNames.length <= 16)
  assert.equal(ruleNames[0], 'acl')
  assert.deepEqual(savingRules, ['searchSuffix', 'kubernetesNames', 'cut', 'aaaaFilter'])
  assert.ok(savingRules.length <= billRulesMax)
  const { rules } = guardPlan({ rules: Object.fromEntries(ruleKinds.map(({ name }) => [name, {}])) })
  assert.deepEqual(
    sharedMemory(rules).map(({ key, bytes }) => [key.split('/')[0], bytes]),
    [
      ['rateLimit', 64 + (65_536 * 8 * 3) / 2 + 16 * 384],
      ['lookedUp', lookedUpMax * 8],
    ],
  )
  assert.deepEqual(planRules({ mode: 'enforce', acl: { mode: 'enforce' } }, ruleKinds.slice(0, 1)).length, 1)
})

test('the whole chain: a forbidden client meets acl, and no other rule decides about it', () => {
  const { guard, counted } = guardOf({
    rules: { acl: { allow: ['10.0.0.0/8'] }, localAnswers: { records: ['db.lan. A 10.0.0.5'] } },
  })
  assert.equal(guard.admit(queryOf('db.lan', 'A', { client: '192.0.2.1' })), REPLY)
  assert.equal(guard.admit(queryOf('db.lan', 'A', { client: '10.1.1.1' })), PASS)
  assert.equal(guard.check(queryOf('db.lan', 'A', { client: '10.1.1.1' })), REPLY)
  assert.deepEqual([counted('acl', RULE_LIMITED), counted('localAnswers', RULE_REPLIED)], [1, 1])
})
