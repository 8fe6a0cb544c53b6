import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { layers, misplaced } from './layers.ts'
import { importsOf, parsed, sources } from './sources.ts'

test('imports lead downward, as the table says', () => {
  const found = sources().flatMap((file) => importsOf(parsed(file)).map(({ specifier }) => misplaced(file, specifier)))
  assert.ok(found.length > 100, 'the checker sees the imports')
  assert.deepEqual(found.filter((sentence) => sentence !== undefined).sort(), [])
})

test('the table lists the folders of src, each once, and itself leads downward', () => {
  const listed = layers.flatMap(({ folders }) => folders)
  const folders = readdirSync('src', { withFileTypes: true }).map(({ name }) => name)
  assert.deepEqual([...listed].sort(), folders.sort())
  for (const { level, imports, folders } of layers) {
    for (const name of imports) {
      const other = layers.find((layer) => layer.folders.includes(name))
      const isLink = folders.includes('link') && name === 'net'
      assert.ok(other !== undefined && (other.level < level || isLink), `${folders} may import ${name}`)
    }
  }
})

test('no file of src imports itself in a circle', () => {
  const graph = new Map(sources().map((file) => [file, targets(file)]))
  assert.deepEqual(circle(graph), [])
  assert.deepEqual(
    circle(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['b']],
      ]),
    ),
    ['b', 'c', 'b'],
  )
})

/** A checker that lets everything pass looks like a clean house: each of these must be flagged. */
const bad: readonly [file: string, text: string, sentence: RegExp][] = [
  ['src/base/clock.ts', `import { x } from '../wire/name.ts'`, /level 0.*may import nothing/],
  ['src/wire/name.ts', `import type { Query } from '../query/query.ts'`, /level 1/],
  ['src/cache/cache.ts', `export { guard } from '../guard/guard.ts'`, /level 3/],
  ['src/engine/serve.ts', `export * from '../streams/hub.ts'`, /level 4/],
  ['src/query/query.ts', `const x: import('../engine/plan.ts').Plan = y`, /level 2/],
  ['src/admin/server.ts', `const x = await import('../app/log.ts')`, /level 6/],
  ['src/cli/main.ts', `import '../threads/shard.ts'`, /level 8/],
  ['src/engine/serve.ts', `import { z } from 'zod'`, /package zod/],
  ['src/net/batch.ts', `const koffi = createRequire(import.meta.url)('koffi')`, /package koffi/],
  ['src/config/field.ts', `import type { ZodType } from 'zod/v4'`, /package zod\/v4/],
  ['src/base/clock.ts', `await import(name)`, /package \(name\)/],
  ['src/base/clock.ts', `import { x } from '../../test/support/query.ts'`, /not in src/],
  ['src/other/x.ts', `import '../base/clock.ts'`, /does not list/],
  ['src/guard/guard.ts', `import { acl } from './acl/acl.ts'`, /only src\/guard\/rules.ts/],
  ['src/guard/acl/acl.ts', `import { junk } from '../searchSuffix/junk.ts'`, /only src\/guard\/rules.ts/],
  ['src/guard/acl/acl.ts', `import { Guard } from '../guard.ts'`, /may import of the guard/],
]

for (const [file, text, sentence] of bad) {
  test(`flagged: ${text} in ${file}`, () => {
    const [found, ...more] = importsOf(parsed(file, text))
    assert.ok(found !== undefined && more.length === 0)
    assert.match(misplaced(file, found.specifier) ?? 'nothing', sentence)
  })
}

const good: readonly [file: string, specifier: string][] = [
  ['src/base/clock.ts', 'node:os'],
  ['src/link/kick.ts', '../net/sys.ts'],
  ['src/net/sys.ts', 'koffi'],
  ['src/config/parse-zod.ts', 'zod'],
  ['src/guard/rules.ts', './acl/acl.ts'],
  ['src/guard/acl/acl.ts', '../rule.ts'],
  ['src/guard/acl/acl.ts', './settings.ts'],
  ['src/app/settings-root.ts', '../guard/acl/settings.ts'],
]

for (const [file, specifier] of good) {
  test(`allowed: ${specifier} in ${file}`, () => assert.equal(misplaced(file, specifier), undefined))
}

function targets(file: string): string[] {
  return importsOf(parsed(file)).flatMap(({ specifier, typeOnly }) => {
    if (typeOnly || !specifier.startsWith('.')) return []
    return [new URL(specifier, `file:///${file}`).pathname.slice(1)]
  })
}

/** A path that comes back to where it was, or nothing. */
function circle(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>()
  const look = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return []
    for (const next of graph.get(file) ?? []) {
      const found = look(next, [...path, file])
      if (found.length > 0) return found
    }
    done.add(file)
    return []
  }
  for (const file of graph.keys()) {
    const found = look(file, [])
    if (found.length > 0) return found
  }
  return []
}
