import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { FileWatch } from './watch.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'dnsweir-watch-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('changes in place, by rename and by a swapped link are seen, once each; neighbours are not', async (t) => {
  const at = folder(t)
  mkdirSync(join(at, 'one'))
  mkdirSync(join(at, 'two'))
  writeFileSync(join(at, 'one', 'c.yaml'), 'a')
  writeFileSync(join(at, 'two', 'c.yaml'), 'bb')
  symlinkSync('one', join(at, '..data'))
  symlinkSync(join('..data', 'c.yaml'), join(at, 'c.yaml'))
  let changes = 0
  const watch = new FileWatch(
    () => changes++,
    () => '',
  )
  t.after(() => watch.close())
  const follow = (): void => watch.follow([join(at, 'c.yaml')])
  const seen = async (change: () => void): Promise<number> => {
    const before = changes
    change()
    await sleep(400)
    return changes - before
  }
  follow()
  assert.equal(await seen(() => writeFileSync(join(at, 'other'), 'x')), 0)
  assert.equal(await seen(() => writeFileSync(join(at, 'one', 'c.yaml'), 'longer')), 1)
  const swap = (): void => {
    symlinkSync('two', join(at, '..data_tmp'))
    renameSync(join(at, '..data_tmp'), join(at, '..data'))
  }
  assert.equal(await seen(swap), 1)
  follow()
  assert.equal(await seen(() => writeFileSync(join(at, 'two', 'c.yaml'), 'and again')), 1)
  assert.equal(await seen(() => rmSync(join(at, 'two', 'c.yaml'))), 1)
})
