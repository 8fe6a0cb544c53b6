import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import ts from 'typescript'
import { guardSettings, rootSettings } from '../../src/app/settings-root.ts'
import { members, type Shape } from '../../src/config/field.ts'
import { ruleKinds } from '../../src/guard/rules.ts'
import { families, tables } from '../../src/metrics/catalog.ts'
import { filesUnder, parsed, sources, walk } from './sources.ts'

const camelCase = /^[a-z]+([A-Z][a-z]*|[0-9]+)*$/
const kebabCase = /^[a-z0-9]+(-[a-z0-9]+)*$/
const ruleFolders = readdirSync('src/guard', { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort()

test('a rule is one word: folder = YAML key = metric label', () => {
  const keys = Object.keys(guardSettings.fields).filter((key) => key !== 'mode')
  assert.deepEqual(ruleFolders, [...keys].sort())
  for (const folder of ruleFolders) assert.match(folder, camelCase)
  const fields: Readonly<Record<string, { readonly shape: unknown }>> = guardSettings.fields
  const names = ruleKinds.map(({ name }) => name)
  assert.deepEqual(
    names,
    keys.filter((key) => names.includes(key)),
    'rules act in the order in which their settings stand',
  )
  for (const { name, settings } of ruleKinds) {
    assert.ok(filesUnder(`src/guard/${name}`).includes(`src/guard/${name}/${name}.ts`), `${name}/${name}.ts`)
    assert.equal(settings, fields[name]?.shape, `${name} has the settings that are parsed`)
  }
})

test('files are named in lower case with dashes, folders with one word', () => {
  const odd = ['src', 'test', 'bench']
    .flatMap((folder) => filesUnder(folder))
    .filter((file) => {
      const name = basename(file).replace(/(\.property)?(\.test)?\.ts$/, '')
      const isRule = ruleFolders.includes(name) && file.startsWith(`src/guard/${name}/`)
      return !kebabCase.test(name) && !isRule
    })
  assert.deepEqual(odd, [])
})

test('settings are camelCase, and each says what it means in a sentence', () => {
  const seen = settingsBelow(rootSettings, '')
  assert.ok(seen.length > 60, 'the settings are found')
  for (const { name, key, doc } of seen) {
    assert.match(key, camelCase, name)
    assert.match(doc, /^[A-Z`"].*[.)`]$/s, `${name}: ${doc}`)
  }
})

test('metrics are named as Prometheus names them', () => {
  const all = [...families, ...tables]
  assert.equal(new Set(all.map(({ name }) => name)).size, all.length, 'each once')
  for (const { name, type, labels, help } of all) {
    assert.match(name, /^dnsweir_[a-z]+(_[a-z]+)*$/)
    assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`)
    assert.match(help, /^[A-Z].*\.$/, name)
    for (const label of labels) assert.match(label, camelCase)
  }
})

test('every test file tests and asserts', () => {
  const files = ['src', 'test', 'bench'].flatMap((folder) => filesUnder(folder, '.test.ts'))
  assert.ok(files.length > 40, 'the tests are found')
  const idle = files.filter((file) => {
    const called = calls(parsed(file))
    return (
      !called.some((name) => /^(test|it)$/.test(name)) || !called.some((name) => /^assert\b|^fc\.assert$/.test(name))
    )
  })
  assert.deepEqual(idle, [])
})

test('no test is left out, or alone, in silence', () => {
  const files = ['src', 'test', 'bench'].flatMap((folder) => filesUnder(folder, '.test.ts'))
  const left = files.flatMap((file) =>
    calls(parsed(file))
      .filter((name) => /^(test|it|describe)\.(skip|only|todo)$/.test(name))
      .map((name) => `${file}: ${name}`),
  )
  assert.deepEqual(left, [])
})

test('nothing is left to be done later', () => {
  const words = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'X'.repeat(3), 'HA' + 'CK'].join('|')})\\b`)
  const files = [...sources(), ...filesUnder('test'), ...filesUnder('bench'), ...filesUnder('docs', '.md')]
  const left = files.filter((file) => words.test(readFileSync(file, 'utf8')))
  assert.deepEqual(left, [])
})

/** All settings below a shape, lists and alternatives looked through. */
function settingsBelow(shape: Shape<unknown>, at: string): { name: string; key: string; doc: string }[] {
  const of = members(shape)
  if (of.kind === 'list') return settingsBelow(of.item, at)
  if (of.kind === 'either') return settingsBelow(of.other, at)
  if (of.kind !== 'section') return []
  return Object.entries(of.fields).flatMap(([key, field]) => [
    { name: `${at}${key}`, key, doc: field.doc },
    ...settingsBelow(field.shape, `${at}${key}.`),
  ])
}

/** What is called in a file, as written: `test`, `assert.equal`. */
function calls(source: ts.SourceFile): string[] {
  const found: string[] = []
  walk(source, (node) => {
    if (ts.isCallExpression(node)) found.push(node.expression.getText(source))
  })
  return found
}
