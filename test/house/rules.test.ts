/** Each rule's folder holds what belongs to a rule, and its README says what the code does: all settings, metrics that exist, a valid example. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseSettings } from '../../src/app/settings.ts'
import { formatProblems } from '../../src/config/problem.ts'
import { ruleKinds } from '../../src/guard/rules.ts'

const parts = ['What goes wrong without it', 'How it works', 'Settings', 'Metrics']
const metrics = readFileSync('docs/metrics.md', 'utf8')

for (const { name, settings } of ruleKinds) {
  const readme = readFileSync(`src/guard/${name}/README.md`, 'utf8')

  test(`${name}: failure first, then the mechanism, settings, metrics; tests beside it`, () => {
    const places = parts.map((part) => readme.indexOf(`\n**${part}.**`))
    assert.ok(readme.startsWith(`# ${name}\n`))
    assert.deepEqual([places.includes(-1), places], [false, [...places].sort((a, b) => a - b)])
    assert.ok(existsSync(`src/guard/${name}/${name}.test.ts`))
  })

  test(`${name}: every setting is named, every metric exists, the examples are valid`, () => {
    const section = readme.slice(readme.indexOf('\n**Settings.**'), readme.indexOf('\n**Metrics.**'))
    for (const key of Object.keys(settings.fields)) assert.ok(section.includes(`\`${key}\``), `${key} is named`)
    const named = [...readme.matchAll(/\bdnsweir_[a-z_]+/g)].map(([metric]) => metric)
    assert.ok(named.length > 0)
    for (const metric of named) assert.ok(metrics.includes(`| \`${metric}\` |`), `${metric} exists`)
    const examples = [...readme.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text]) => text as string)
    assert.ok(examples.length > 0)
    for (const text of examples) assert.equal(formatProblems(parseSettings(text, `${name}/README.md`).problems), '')
  })
}
