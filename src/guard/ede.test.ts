/** Every extended error that a rule sends begins with the rule's name, so that who reads a reply knows whom to ask. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type GuardParts, guardOf, replyTo } from '../../test/support/guard.ts'
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
