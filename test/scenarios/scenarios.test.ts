/** Every scenario of plays/, a test each: README.md says what they are and how they are written. */
import { strict as assert } from 'node:assert'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseScenario } from './parse.ts'
import { play } from './player.ts'

/** Tests run from the project's root. */
const folder = 'test/scenarios/plays'
/** At once: half of a scenario's time is the start of Node. */
const concurrency = 2
/** Of them, so that a folder that is not found is no success. */
const scenariosMin = 60

const only = process.env['SCENARIO']
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.txt'))
  .filter((name) => only === undefined || name.includes(only))
  .map((name) => join(folder, name))
  .sort()

test('scenarios', { concurrency }, async (t) => {
  let played = 0
  const titles = new Set<string>()
  await Promise.all(
    files.map((file) =>
      t.test(file.slice(folder.length + 1), async (one) => {
        const scenario = parseScenario(file, readFileSync(file, 'utf8'))
        assert.ok(!titles.has(scenario.title), `${file}:1: another scenario has this title`)
        titles.add(scenario.title)
        await play(one, scenario)
        played++
      }),
    ),
  )
  t.diagnostic(`${played} of ${files.length} scenarios were played to their end`)
  assert.ok(only !== undefined || files.length >= scenariosMin, `${files.length} scenarios were found`)
})
