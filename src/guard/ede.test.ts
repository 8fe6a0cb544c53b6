/** Every extended error that a rule sends begins with the rule's name, so that who reads a reply knows whom to ask. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type GuardParts, guardOf, replyTo } from '../../test/support/guard.ts'
import { guardSim } from '../../test/support/guard-sim.ts'
import { query } from '../../test/support/message.ts'
import { queryOf } from '../../test/support/query.ts'
import { DROP, PASS } from '../query/verdict.ts'
import { ruleNames } from './rules.ts'

/** Files of a rule that are no tests. */
function sourceOf(rule: string): string {
  return readdirSync(`src/guard/${rule}`)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(`src/guard/${rule}/${file}`, 'utf8'))
    .join('\n')
}

test('a rule that sets a code sets a text beside it, and each text begins with its name', () => {
  for (const rule of ruleNames) {
    const source = sourceOf(rule)
    const codes = [...source.matchAll(/\.ede = /g)].length
    const withText = [...source.matchAll(/\.ede = .*\n\s*\w+\.edeText = /g)].length
    assert.equal(withText, codes, `${rule}: every .ede = is followed by .edeText =`)
    const texts = [...source.matchAll(/encode\(\s*['"`]([^'"`]*)/g)].map(([, text]) => text as string)
    if (codes > 0) assert.ok(texts.length > 0, `${rule} has a text`)
    for (const text of texts) assert.match(text, new RegExp(`^${rule}: \\S`), `${rule}: "${text}"`)
  }
})

/** Questions that rules answer themselves. */
const cases: readonly (readonly [rule: string, parts: GuardParts, name: string])[] = [
  ['acl', { rules: { acl: { allow: [] } } }, 'www.test'],
  ['rateLimit', { rules: { rateLimit: { charge: 'all', rate: '1/s', burst: 1 } } }, 'www.test'],
  ['localAnswers', { rules: { localAnswers: {} } }, 'hidden.onion'],
  [
    'searchSuffix',
    { rules: { searchSuffix: {} }, clusterDomains: ['cluster.local'], searchSuffixes: ['example.org'] },
    'a.svc.cluster.local.example.org',
  ],
]

test('aaaaFilter over rebinding: AAAA hears why A was refused, from upstream and from the cache, and of IPv6 only where there is an address', () => {
  const rules = { aaaaFilter: { mode: 'enforce' }, rebinding: { mode: 'enforce' } }
  const { shard } = guardSim({ rules }, (name) => ({
    answers: [name === 'evil.test' ? 'evil.test 60 A 10.0.0.1' : `${name} 60 A 192.0.2.1`],
  }))
  const said = (name: string, type: string): string => {
    const got = shard.ask(query(name, type, { edns: {} }))
    const option = got?.edns?.options.find(({ code }) => code === 15)
    return `${got?.rcode} ${got?.edns?.ede} ${option?.data.toString('latin1', 2)}`
  }
  for (const type of ['AAAA', 'A', 'AAAA'])
    assert.equal(said('evil.test', type), '0 15 rebinding: the answer was refused', type)
  for (const round of [1, 2]) assert.match(said('www.test', 'AAAA'), /^0 17 aaaaFilter: /, `round ${round}`)
})

test('so it is in replies', () => {
  for (const [rule, parts, name] of cases) {
    const { guard } = guardOf(parts)
    let verdict: number = PASS
    const query = queryOf(name, 'A', { hasOpt: true })
    for (let tries = 0; tries < 3 && verdict === PASS; tries++) verdict = guard.admit(query) || guard.check(query)
    assert.ok(verdict !== PASS && verdict !== DROP, rule)
    const option = replyTo(query, guard.draft).edns?.options.find(({ code }) => code === 15)
    assert.match(option?.data.toString('latin1', 2) ?? '', new RegExp(`^${rule}: \\S`), rule)
  }
})
