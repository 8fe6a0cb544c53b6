import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { filesUnder } from './sources.ts'

/** Files aim at 150 lines and are reviewed at this. */
const linesMax = 250
/** Tests are tables with a few lines of machinery. */
const testLinesMax = 500
/** A rule is read at one go; what it needs beside its verdict stands in files of its own. */
const ruleLinesMax = 120

/** Longer ones, each with its reason. One that has become short must leave the list. */
const exceptions: Readonly<Record<string, string>> = {
  'src/wire/rebuild.ts':
    'one pass over an answer whose steps share its offsets: apart they would hand each other six numbers',
}

const files = ['src', 'test', 'bench'].flatMap((folder) => filesUnder(folder))

test('no file is longer than it can be reviewed', () => {
  const long = files.filter((file) => lines(file) > (file.endsWith('.test.ts') ? testLinesMax : linesMax))
  assert.ok(files.length > 200, 'the files are found')
  assert.deepEqual(
    long.map((file) => `${file}: ${lines(file)}`).filter((one) => !((one.split(':')[0] as string) in exceptions)),
    [],
  )
  const stale = Object.keys(exceptions).filter((file) => !long.includes(file))
  assert.deepEqual(stale, [], 'exceptions that are none any more')
})

test('a rule is short', () => {
  const rules = files.filter((file) => /^src\/guard\/(\w+)\/\1\.ts$/.test(file))
  assert.ok(rules.length >= 5, 'the rules are found')
  const long = rules.filter((file) => lines(file) > ruleLinesMax)
  assert.deepEqual(long, [])
})

function lines(file: string): number {
  return readFileSync(file, 'utf8').split('\n').length - 1
}
