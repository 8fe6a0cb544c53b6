import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { generatedPages } from './generated.ts'

/** `npm run docs`: writes the generated pages. Run from the root of the project. */
for (const page of generatedPages) {
  mkdirSync(dirname(page.path), { recursive: true })
  writeFileSync(page.path, page.text())
  console.log(`wrote ${page.path}`)
}
