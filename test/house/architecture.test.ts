import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import ts from 'typescript'
import { layers } from './layers.ts'
import { filesUnder, parsed, walk } from './sources.ts'

const page = readFileSync('docs/ARCHITECTURE.md', 'utf8')

test('the sizes in ARCHITECTURE.md are those of the source', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (src\/\S+\.ts) \| ([\d,]+) \|/gm)]
  assert.ok(rows.length >= 15, 'the table is found')
  for (const [, name, file, value] of rows) {
    const known = constantIn(file as string, name as string)
    assert.equal(Number((value as string).replaceAll(',', '')), known, `${name} in ${file}`)
  }
})

test('the layers in ARCHITECTURE.md are those of the checker', () => {
  const section = page.slice(page.indexOf('\n## Layers'), page.indexOf('\n## Where'))
  const rows = [...section.matchAll(/^\| (\d) \| ([^|]+) \| [^|]+ \| ([^|]+) \|$/gm)]
  const written = rows.map(
    ([, level, folders, packages]) => `${level} ${folders}: ${(packages as string).replace(/ \(.*\)/, '')}`,
  )
  const checked = layers.map(({ level, folders, packages = {} }) => {
    const names = Object.values(packages).flat()
    return `${level} ${folders.join(', ')}: ${names.join(', ') || '–'}`
  })
  assert.deepEqual(written, checked)
})

test('decisions are numbered, and each says what was needed, chosen, and paid', () => {
  const files = filesUnder('docs/decisions', '.md')
  assert.ok(files.length >= 5)
  for (const [i, file] of files.entries()) {
    const text = readFileSync(file, 'utf8')
    assert.ok(file.startsWith(`docs/decisions/${String(i + 1).padStart(4, '0')}-`), file)
    assert.ok(text.startsWith(`# ${i + 1}. `), file)
    for (const word of ['Need', 'Choice', 'Considered', 'Price'])
      assert.ok(text.includes(`**${word}.**`), `${file}: ${word}`)
  }
})

/** The value of a constant that is written as a number, or as numbers times numbers. */
function constantIn(file: string, name: string): number {
  let value: number | undefined
  walk(parsed(file), (node) => {
    if (ts.isVariableDeclaration(node) && node.name.getText() === name && node.initializer)
      value = numberOf(node.initializer)
  })
  return value ?? assert.fail(`${file} has a constant ${name}`)
}

function numberOf(node: ts.Expression): number {
  if (ts.isNumericLiteral(node)) return Number(node.text)
  if (ts.isBinaryExpression(node)) {
    const [left, right] = [numberOf(node.left), numberOf(node.right)]
    if (node.operatorToken.kind === ts.SyntaxKind.AsteriskToken) return left * right
    if (node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskToken) return left ** right
  }
  return assert.fail(`${node.getText()} is a plain number`)
}
