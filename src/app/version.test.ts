import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { version } from './version.ts'

test('the version is that of package.json', () => {
  // Tests run from the project's root, as npm starts them.
  assert.equal(version, JSON.parse(readFileSync('package.json', 'utf8')).version)
})
