import assert from 'node:assert/strict'
import { test } from 'node:test'
import { micros } from './micros.ts'

/** What each step must give: a step that failed at once would be the fastest of all. */
const results: Readonly<Record<string, (result: unknown) => boolean>> = {
  'query/open': (result) => result === 0,
  'query/name-set, hit': (result) => result === 1000,
  'query/name-set, none': (result) => result === -1,
  'wire/outgoing': (result) => result === 12 + 18 + 4 + 11,
  'wire/incoming, positive': (result) => result === 0,
  'wire/rebuild, positive': (result) => result === 0,
  'wire/rebuild, negative': (result) => result === 2,
}

for (const { name, step } of micros) {
  test(`${name} does its step`, () => {
    for (let i = 0; i < 100; i++) {
      const result = step()
      assert.ok(results[name]?.(result) ?? typeof result === 'number', `${result}`)
    }
  })
}
