/** A resolv.conf as upstream: watched, compared, its last good content kept; what it searches goes to the guard. */
import { strict as assert } from 'node:assert'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../support/client.ts'
import { reply } from '../support/message.ts'
import { type Program, startProgram, temporaryFolder } from '../support/program.ts'
import { openUpstream } from '../support/scene.ts'
import type { Script } from '../support/upstream.ts'

const saying =
  (address: string): Script =>
  (asked) =>
    reply(asked, { answers: [`${asked.name} 0 A ${address}`] })

const lines = (program: Program, word: RegExp): number =>
  program
    .stdout()
    .split('\n')
    .filter((line) => word.test(line)).length

test('a resolv.conf that changes in place, by rename, by link, and that goes, is empty or half', async (t) => {
  const [one, two] = [await openUpstream(t, saying('192.0.2.1')), await openUpstream(t, saying('192.0.2.2'))]
  const folder = temporaryFolder(t)
  const path = join(folder, 'resolv.conf')
  const names = ({ address, port }: { address: string; port: number }): string => `nameserver [${address}]:${port}\n`
  writeFileSync(path, names(one))
  const program = await startProgram(t, { upstreams: [path], searchSuffixes: 'auto' })
  let asked = 0
  const whom = async (): Promise<string> => (await ask(program, `n${asked++}.test`)).answers[0]?.data ?? ''
  const becomes = async (address: string, change: () => void): Promise<void> => {
    change()
    for (const until = Date.now() + 5000; (await whom()) !== address; await sleep(50)) {
      assert.ok(Date.now() < until, program.stdout())
    }
  }
  assert.equal(await whom(), '192.0.2.1')
  const before = lines(program, /reload/)
  writeFileSync(path, `# another lease\n${names(one)}`)
  await sleep(700)
  assert.equal(lines(program, /reload/), before, 'what says the same is no news')

  await becomes('192.0.2.2', () => writeFileSync(path, names(two)))
  await becomes('192.0.2.1', () => {
    writeFileSync(`${path}.next`, names(one))
    renameSync(`${path}.next`, path)
  })
  mkdirSync(join(folder, 'stub'))
  await becomes('192.0.2.2', () => {
    writeFileSync(join(folder, 'stub', 'resolv.conf'), names(two))
    symlinkSync(join('stub', 'resolv.conf'), `${path}.next`)
    renameSync(`${path}.next`, path)
  })
  await program.says(/(reloaded(.|\n)*){3}/)
  const reloads = lines(program, /reloaded/)
  const faults: readonly (readonly [string, () => void])[] = [
    ["can't be read", () => rmSync(path)],
    ['is empty', () => writeFileSync(path, '')],
    ['names no server', () => writeFileSync(path, 'nameserver 192.0.')],
    ['names nobody but ourselves', () => writeFileSync(path, names(program))],
  ]
  for (const [fault, change] of faults) {
    change()
    await program.says(
      new RegExp(`resolv\\.conf ${fault}.*; the servers it named stay: ${two.target.replaceAll('.', '\\.')}`),
    )
    assert.equal(await whom(), '192.0.2.2', fault)
  }
  assert.equal(lines(program, /reloaded/), reloads, 'nothing changed')
  await becomes('192.0.2.1', () => writeFileSync(path, names(one)))
})

test('the search list of a resolv.conf reaches the guard, also a later one', async (t) => {
  const upstream = await openUpstream(t, saying('192.0.2.1'))
  const path = join(temporaryFolder(t), 'resolv.conf')
  const text = (search: string): string => `nameserver [127.0.0.1]:${upstream.port}\n${search}\n`
  writeFileSync(path, text('search lan.example'))
  const program = await startProgram(t, { upstreams: [path], searchSuffixes: 'auto' })
  const junk = async (suffix: string): Promise<number> => (await ask(program, `a.cluster.local.${suffix}`)).rcode
  assert.deepEqual([await junk('lan.example'), await junk('other.example')], [3, 0])
  writeFileSync(path, text('search other.example'))
  for (const until = Date.now() + 5000; (await junk('other.example')) !== 3; await sleep(100)) {
    assert.ok(Date.now() < until, program.stdout())
  }
})
