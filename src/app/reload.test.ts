import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { build } from './build.ts'
import { load } from './load.ts'
import { Reload } from './reload.ts'
import type { Settings } from './settings.ts'
import type { World } from './world.ts'

const world: World = { readText: () => undefined, interfaces: () => ({}) }

function stage(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'dnsweir-reload-'))
  const file = join(folder, 'c.yaml')
  const write = (text: string): void => writeFileSync(file, text)
  write('upstreams: [10.0.0.1]')
  const source = { file, overrides: {} }
  const first = build(load(source).settings as Settings, 1, world)
  const said: string[] = []
  const printed: string[] = []
  const applied: { generation: number; upstreams: string[] }[] = []
  const state = { refusal: undefined as string | undefined }
  const reload = new Reload(
    {
      source,
      world,
      say: (level, sentence) => said.push(`${level}: ${sentence}`),
      print: (problems) => printed.push(...problems.map(({ message }) => message)),
      async apply(_, { plan }) {
        if (state.refusal !== undefined) throw new Error(state.refusal)
        const upstreams = plan.routes[0]?.upstreams.map((at) => plan.upstreams[at]?.name ?? '') ?? []
        applied.push({ generation: plan.generation, upstreams })
      },
    },
    first,
  )
  t.after(() => {
    reload.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { file, write, reload, said, printed, applied, state }
}

test('a good file is applied; a bad one, a missing one and a refusal change nothing and say why', async (t) => {
  const { file, write, reload, said, printed, applied, state } = stage(t)
  write('upstreams: [10.0.0.2]')
  await reload.run('SIGHUP', true)
  assert.deepEqual(applied, [{ generation: 2, upstreams: ['10.0.0.2:53'] }])
  assert.match(said.at(-1) as string, /^info: reloaded: SIGHUP/)

  write('upstream: [10.0.0.3]\nthreads: many\n')
  await reload.run('SIGHUP', true)
  assert.equal(printed.length, 2)
  assert.match(
    said.at(-1) as string,
    /^error: reload refused, the old settings stay: .*c\.yaml:1:1: .* \(and 1 more\)$/,
  )

  state.refusal = 'shard-0 will not'
  write('upstreams: [10.0.0.4]')
  await reload.run('SIGHUP', true)
  assert.match(said.at(-1) as string, /the old settings stay: shard-0 will not$/)

  state.refusal = undefined
  rmSync(file)
  await reload.run('SIGHUP', true)
  assert.match(said.at(-1) as string, /can't be read: there is no such file$/)
  assert.equal(applied.length, 1)
})

test('an emptied file waits for its content, unless the operator says so', async (t) => {
  const { write, reload, said, applied } = stage(t)
  write('')
  await reload.run('a file has changed', false)
  assert.match(said.at(-1) as string, /is empty, as if somebody was still writing it$/)
  assert.equal(applied.length, 0)
  await reload.run('SIGHUP', true)
  assert.equal(applied.length, 1)
})
