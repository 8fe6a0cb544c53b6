import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { generatedPages } from './generated.ts'

for (const page of generatedPages) {
  test(`${page.path} is fresh`, () => {
    const stale = `${page.path} is stale: refresh it with \`npm run docs\``
    let text = ''
    try {
      text = readFileSync(page.path, 'utf8')
    } catch {
      assert.fail(`${page.path} is missing: write it with \`npm run docs\``)
    }
    assert.equal(text, page.text(), stale)
  })
}
