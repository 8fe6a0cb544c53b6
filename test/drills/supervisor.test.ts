/** What the supervisor promises, with real threads: restarts, two-step reloads, sockets that outlive workers. */
import { strict as assert } from 'node:assert'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { explainQuestion } from '../../src/app/explain.ts'
import { outcomes, restarts } from '../../src/metrics/catalog.ts'
import { ask, maybeAsk } from '../support/client.ts'
import { freePort } from '../support/ports.ts'
import { books, noEpoll, startStage } from '../support/supervisor.ts'
import { floodUdp } from './flood.ts'

const everything = { guard: { localAnswers: { everything: {} } } }
const engines = ['epoll', 'dgram'] as const

async function until(what: string, holds: () => boolean, withinMs = 5000): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!holds()) {
    assert.ok(Date.now() < deadline, `not within ${withinMs} ms: ${what}`)
    await sleep(5)
  }
}

for (const engine of engines) {
  const skip = engine === 'epoll' && noEpoll

  test(`${engine}: a crashed shard and a crashed streams worker come back`, { skip }, async (t) => {
    const stage = await startStage(t, everything, { engine })
    const at = { address: '127.0.0.1', port: stage.port }
    for (const name of ['shard-0', 'streams', 'shard-0', 'streams']) {
      stage.supervisor.crash(name)
      await until(`${name} goes down`, () => !stage.supervisor.areAllUp)
      await until(`${name} is back`, () => stage.supervisor.areAllUp)
      assert.equal((await ask(at, 'a.test')).answers[0]?.data, '192.0.2.1', `UDP after ${name}`)
      assert.equal((await ask(at, 'a.test', 'A', { transport: 'tcp' })).answers.length, 1, `TCP after ${name}`)
    }
    const sums = stage.sums()
    assert.deepEqual([sums[restarts.shard], sums[restarts.streams]], [2, 2])
    assert.match(stage.said.join('\n'), /shard-0 crashed \(a drill: told to crash\); it is replaced/)
    const [asked, ended] = books(stage)
    assert.equal(asked, ended)
  })

  test(`${engine}: explain asks a shard that serves; one that dies says so`, { skip }, async (t) => {
    const stage = await startStage(t, everything, { engine })
    const { supervisor } = stage
    const question = explainQuestion({ name: 'a.test', dnssecOk: false, checkingDisabled: false, tcp: false })
    assert.ok(typeof question !== 'string')
    const { explanation, problem } = await supervisor.crew.explain(question, 5000)
    assert.deepEqual([explanation?.decidedBy, problem], ['localAnswers', ''])
    const broken = await supervisor.crew.explain({ ...question, message: new Uint8Array(3) }, 5000)
    assert.deepEqual([broken.explanation, broken.problem], [undefined, 'explain was given no query'])
    supervisor.crash('shard-0')
    await assert.rejects(supervisor.crew.explain(question, 60_000), /a drill: told to crash/)
    await assert.rejects(supervisor.crew.explain(question, 60_000), { message: 'shard-0 is being replaced' })
    await until('shard-0 is back', () => supervisor.areAllUp)
    assert.equal((await supervisor.crew.explain(question, 5000)).explanation?.decidedBy, 'localAnswers')
  })

  test(`${engine}: a reload moves to other addresses, and one that can't be had changes nothing`, {
    skip,
  }, async (t) => {
    const stage = await startStage(t, everything, { engine })
    const port = await freePort()
    const old = { address: '127.0.0.1', port: stage.port }
    const fresh = { address: '127.0.0.1', port }
    const free = (list: string[]) => ({ ...everything, listen: list })
    const both = [`127.0.0.1:${stage.port}`, `127.0.0.1:${port}`]
    await stage.supervisor.reload(stage.wanted(free(both)))
    for (const to of [old, fresh]) assert.equal((await ask(to, 'a.test')).answers.length, 1)
    await stage.supervisor.reload(stage.wanted(free([`127.0.0.1:${port}`])))
    assert.equal((await ask(fresh, 'a.test')).answers.length, 1)
    assert.equal((await ask(fresh, 'a.test', 'A', { transport: 'tcp' })).answers.length, 1)
    assert.equal(await maybeAsk(old, 'a.test', 'A', { timeoutMs: 150 }), undefined)
    const refused = stage.wanted(free([...both, `203.0.113.99:${port}`]))
    await assert.rejects(stage.supervisor.reload(refused), /203\.0\.113\.99:\d+ .*no such address/)
    assert.equal((await ask(fresh, 'a.test')).answers.length, 1)
    assert.equal(await maybeAsk(old, 'a.test', 'A', { timeoutMs: 150 }), undefined)
    // What was refused is not in the way of what comes next.
    await stage.supervisor.reload(stage.wanted(free(both)))
    for (const to of [old, fresh]) assert.equal((await ask(to, 'a.test')).answers.length, 1)
  })
}

test('threads are added and taken away, and the books stay whole', { skip: noEpoll }, async (t) => {
  const stage = await startStage(t, everything)
  const at = { address: '127.0.0.1', port: stage.port }
  for (const threads of [3, 1, 2]) {
    await stage.supervisor.reload(stage.wanted({ ...everything, threads }))
    assert.equal(stage.supervisor.shardCount, threads)
    for (let i = 0; i < 20; i++) assert.equal((await ask(at, `n${i}.test`)).answers.length, 1)
    assert.equal((await ask(at, 'a.test', 'A', { transport: 'tcp' })).answers.length, 1)
  }
  const [asked, ended] = books(stage)
  assert.deepEqual([asked, ended], [63, 63])
})

test('threads are taken away under load: nobody who waits is forgotten', { skip: noEpoll }, async (t) => {
  const slow = { guard: { localAnswers: { everything: { delay: '30ms' } } } }
  const stage = await startStage(t, { ...slow, threads: 3 })
  // From many ports, so that each shard has its share of them.
  const flood = floodUdp({ address: '127.0.0.1', port: stage.port }, 4000, 2000, 40)
  for (const threads of [1, 3, 2, 1, 4, 1]) {
    await sleep(250)
    await stage.supervisor.reload(stage.wanted({ ...slow, threads }))
  }
  const { sent, answered } = await flood
  assert.ok(sent > 6000, `${sent} sent`)
  assert.equal(sent - answered, 0, `lost of ${sent}`)
  await sleep(50)
  const [asked, ended] = books(stage)
  assert.equal(asked, ended)
})

test('a hundred reloads leak no file descriptor', { skip: noEpoll }, async (t) => {
  const stage = await startStage(t, everything)
  const open = () => readdirSync('/proc/self/fd').length
  await stage.supervisor.reload(stage.wanted(everything))
  const before = open()
  for (let i = 0; i < 100; i++) {
    const listen = [`127.0.0.1:${stage.port}`, ...(i % 2 === 0 ? [`127.0.0.2:${stage.port}`] : [])]
    await stage.supervisor.reload(stage.wanted({ ...everything, listen }))
  }
  assert.ok(Math.abs(open() - before) <= 1, `${before} before, ${open()} after`)
})

test('crashes leak no file descriptor, and a loop of crashes is slowed down', { skip: noEpoll }, async (t) => {
  const stage = await startStage(t, everything)
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  for (let i = 0; i < 7; i++) {
    stage.supervisor.crash('shard-0')
    await until('it goes down', () => !stage.supervisor.areAllUp)
    await until('it is back', () => stage.supervisor.areAllUp)
  }
  assert.ok(stage.said.some((sentence) => /again and again: it is replaced in 1 s/.test(sentence)))
  assert.ok(Math.abs(open() - before) <= 2, `${before} before, ${open()} after`)
  assert.equal(stage.sums()[outcomes.lost], 0)
})
