import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from './build.ts'
import { load } from './load.ts'
import { Reload } from './reload.ts'
import type { Settings } from './settings.ts'
import type { World } from './world.ts'

const world: World = {
  readText(path) {
    // The files of a test alone.
    if (!path.startsWith(tmpdir())) return undefined
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return undefined
    }
  },
  interfaces: () => ({}),
}

function stage(t: TestContext, patienceMs?: number) {
  const folder = mkdtempSync(join(tmpdir(), 'dnsweir-reload-'))
  const file = join(folder, 'c.yaml')
  const write = (text: string): void => writeFileSync(file, text)
  write('upstreams: [10.0.0.1]')
  const source = { file, overrides: {} }
  const settings = load(source, world).settings as Settings
  const first = build(settings, 1, world)
  const said: string[] = []
  const printed: string[] = []
  const applied: { generation: number; upstreams: string[]; routes: number }[] = []
  const state = { refusal: undefined as string | undefined }
  const reload = new Reload(
    {
      source,
      world,
      ...(patienceMs === undefined ? {} : { patienceMs }),
      say: (level, sentence) => said.push(`${level}: ${sentence}`),
      print: (problems) => printed.push(...problems.map(({ message }) => message)),
      async apply(_, { plan }) {
        if (state.refusal !== undefined) throw new Error(state.refusal)
        const upstreams = plan.routes[0]?.upstreams.map((at) => plan.upstreams[at]?.name ?? '') ?? []
        applied.push({ generation: plan.generation, upstreams, routes: plan.routes.length })
      },
    },
    first,
    settings,
  )
  t.after(() => {
    reload.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { at: folder, file, write, reload, said, printed, applied, state }
}

test('a good file is applied; a bad one, a missing one and a refusal change nothing and say why', async (t) => {
  const { file, write, reload, said, printed, applied, state } = stage(t)
  write('upstreams: [10.0.0.2]')
  await reload.run('SIGHUP')
  assert.deepEqual(applied, [{ generation: 2, upstreams: ['10.0.0.2:53'], routes: 1 }])
  assert.match(said.at(-1) as string, /^info: reloaded: SIGHUP/)

  write('upstream: [10.0.0.3]\nthreads: many\n')
  await reload.run('SIGHUP')
  assert.equal(printed.length, 2)
  assert.match(
    said.at(-1) as string,
    /^error: reload refused, the old settings stay: .*c\.yaml:1:1: .* \(and 1 more\)$/,
  )

  state.refusal = 'shard-0 will not'
  write('upstreams: [10.0.0.4]')
  await reload.run('SIGHUP')
  assert.match(said.at(-1) as string, /the old settings stay: shard-0 will not$/)

  state.refusal = undefined
  rmSync(file)
  await reload.run('SIGHUP')
  assert.match(said.at(-1) as string, /can't be read: there is no such file$/)
  assert.equal(applied.length, 1)
})

test('an empty file is refused, whoever asks; one that says nothing else means all defaults', async (t) => {
  const { write, reload, said, applied } = stage(t)
  for (const text of ['', '\n \n']) {
    write(text)
    await reload.run('SIGHUP')
    assert.match(said.at(-1) as string, /^error: reload refused, .*c\.yaml is empty/)
  }
  assert.equal(applied.length, 0)
  write('{}')
  await reload.run('SIGHUP')
  assert.equal(applied.length, 1)
})

test('a file that is being written is read when it is whole', async (t) => {
  const { write, reload, said, applied } = stage(t)
  for (let round = 0; round < 10; round++) {
    write(`upstreams: [10.0.1.${round}]\n`)
    const under = reload.run('SIGHUP')
    // Between the looks, and while it is read, at other places each time.
    await sleep(15 * round)
    write('')
    await sleep(20)
    write('upstreams: [10.6.6.6]\n')
    await sleep(20)
    write(`upstreams: [10.6.6.6]\nroutes: [{ zones: [a.test], upstreams: [10.0.2.${round}] }]\n`)
    await under
  }
  await reload.run('SIGHUP')
  assert.ok(applied.length >= 10, said.join('\n'))
  const halves = applied.filter(({ upstreams, routes }) => upstreams[0] === '10.6.6.6:53' && routes === 1)
  assert.deepEqual(halves, [])
  assert.ok(applied.every(({ upstreams }) => upstreams.length === 1))
})

test('a file that is never still is refused in the end', async (t) => {
  const { write, reload, said, applied } = stage(t, 600)
  let turn = 0
  const timer = setInterval(() => write(`upstreams: [10.0.0.${turn++ % 200}]`), 30)
  t.after(() => clearInterval(timer))
  await reload.run('SIGHUP')
  assert.match(said.at(-1) as string, /^error: reload refused, .*c\.yaml is still being written/)
  assert.equal(applied.length, 0)
})

test('resolv.conf: what says the same is passed over in silence; one that is gone, empty or half keeps its servers', async (t) => {
  const { at, file, said, applied, reload } = stage(t)
  const path = join(at, 'resolv.conf')
  const until = async (count: number): Promise<void> => {
    for (const end = Date.now() + 4000; applied.length + said.length < count; await sleep(20)) {
      assert.ok(Date.now() < end, said.join('\n'))
    }
  }
  writeFileSync(path, 'nameserver 10.0.0.1\n')
  writeFileSync(file, `upstreams: [${path}]`)
  await reload.run('SIGHUP')
  assert.deepEqual(applied.at(-1)?.upstreams, ['10.0.0.1:53'])
  const quiet = { said: said.length, applied: applied.length }
  writeFileSync(path, '# a new lease\nnameserver 10.0.0.1\n')
  await sleep(700)
  assert.deepEqual({ said: said.length, applied: applied.length }, quiet, 'nothing new')

  const faults = [
    [() => rmSync(path), /can't be read; the servers it named stay: 10\.0\.0\.1:53$/],
    [() => writeFileSync(path, ''), /is empty; the servers it named stay: 10\.0\.0\.1:53$/],
    [() => writeFileSync(path, 'nameserver 10.0.'), /names no server; the servers it named stay: 10\.0\.0\.1:53$/],
  ] as const
  for (const [change, sentence] of faults) {
    const before = applied.length + said.length
    change()
    await until(before + 1)
    assert.match(said.at(-1) as string, sentence)
    assert.equal(applied.length, quiet.applied)
  }
  // By rename, and by a swapped link.
  writeFileSync(`${path}.next`, 'nameserver 10.0.0.2\n')
  renameSync(`${path}.next`, path)
  await until(applied.length + said.length + 2)
  assert.deepEqual(applied.at(-1)?.upstreams, ['10.0.0.2:53'])
  writeFileSync(join(at, 'other.conf'), 'nameserver 10.0.0.3\n')
  symlinkSync('other.conf', `${path}.next`)
  renameSync(`${path}.next`, path)
  await until(applied.length + said.length + 2)
  assert.deepEqual(applied.at(-1)?.upstreams, ['10.0.0.3:53'])
  writeFileSync(join(at, 'other.conf'), 'nameserver 10.0.0.4\n')
  await until(applied.length + said.length + 2)
  assert.deepEqual(applied.at(-1)?.upstreams, ['10.0.0.4:53'], 'and what the link leads to is watched, too')
})
