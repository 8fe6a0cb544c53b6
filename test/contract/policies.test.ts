/** Which upstream is asked, how often, and what a sick one costs (settings `forward`). */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { ask } from '../support/client.ts'
import { RCODES, reply } from '../support/message.ts'
import { freePort } from '../support/ports.ts'
import { startProgram } from '../support/program.ts'
import { openUpstream, startScene } from '../support/scene.ts'
import { after, anyAddress, type Script } from '../support/upstream.ts'

const silent: Script = () => undefined

for (const policy of ['roundRobin', 'random', 'sequential', 'fastest'] as const) {
  test(`policy ${policy} over a quick and a slow upstream`, async (t) => {
    const slow = await openUpstream(t, (asked) => after(40, anyAddress(asked) as Buffer))
    const quick = await openUpstream(t, anyAddress)
    const program = await startProgram(t, { upstreams: [slow.target, quick.target], forward: { policy } })
    for (let i = 0; i < 40; i++) assert.equal((await ask(program, `p${i}.test`)).rcode, RCODES.NOERROR)
    const counts = [slow.asked.length, quick.asked.length] as const
    const told = `${counts[0]} slow, ${counts[1]} quick`
    if (policy === 'sequential') assert.deepEqual(counts, [40, 0], told)
    if (policy === 'roundRobin') assert.ok(Math.abs(counts[0] - counts[1]) <= 4, told)
    if (policy === 'random') assert.ok(counts[0] >= 8 && counts[1] >= 8, told)
    if (policy === 'fastest') assert.ok(counts[1] >= 30, told)
  })
}

for (const policy of ['fastest', 'sequential', 'roundRobin'] as const) {
  test(`policy ${policy}: a dead upstream does not slow every question down`, async (t) => {
    const dead = await openUpstream(t, silent)
    const good = await openUpstream(t, anyAddress)
    const program = await startProgram(t, { upstreams: [dead.target, good.target], forward: { policy } })
    const times: number[] = []
    for (let i = 0; i < 30; i++) {
      const start = performance.now()
      assert.equal((await ask(program, `d${i}.test`)).rcode, RCODES.NOERROR, `question ${i}`)
      times.push(performance.now() - start)
    }
    const slow = times.filter((ms) => ms > 250).length
    assert.ok(slow <= 10, `${slow} of 30 questions waited for the dead upstream`)
  })
}

test('SERVFAIL and REFUSED of one upstream are not the last word while another is there', async (t) => {
  for (const rcode of [RCODES.SERVFAIL, RCODES.REFUSED]) {
    const sick = await openUpstream(t, (asked) => reply(asked, { rcode }))
    const good = await openUpstream(t, anyAddress)
    const program = await startProgram(t, { upstreams: [sick.target, good.target], forward: { policy: 'sequential' } })
    assert.equal((await ask(program, 's.test')).rcode, RCODES.NOERROR, `rcode ${rcode}`)
    await program.stop()
  }
})

test('NXDOMAIN of the first upstream is the answer: nobody else is asked', async (t) => {
  const first = await openUpstream(t, (asked) => reply(asked, { rcode: RCODES.NXDOMAIN }))
  const second = await openUpstream(t, anyAddress)
  const program = await startProgram(t, { upstreams: [first.target, second.target], forward: { policy: 'sequential' } })
  assert.equal((await ask(program, 'n.test')).rcode, RCODES.NXDOMAIN)
  assert.equal(second.asked.length, 0)
})

test('an upstream that knows no EDNS is asked again without, and one FORMERR is not for good', async (t) => {
  const { program, upstream } = await startScene(t, (asked) =>
    asked.edns && asked.name.startsWith('old') ? reply(asked, { rcode: RCODES.FORMERR }) : anyAddress(asked),
  )
  assert.equal((await ask(program, 'old.test')).rcode, RCODES.NOERROR)
  assert.equal((await ask(program, 'new.test')).rcode, RCODES.NOERROR)
  assert.ok(upstream.asked.at(-1)?.edns, 'the next question has EDNS again')
})

test('attempts is how often a question is sent at most', async (t) => {
  for (const attempts of [1, 2]) {
    const { program, upstream } = await startScene(t, silent, {
      forward: { attempts, replyWithin: '1s', giveUpAfter: '1s' },
    })
    assert.equal((await ask(program, 'once.test')).rcode, RCODES.SERVFAIL)
    assert.equal(upstream.count('once.test'), attempts)
    await program.stop()
  }
})

test('an upstream that comes back is used again', async (t) => {
  const port = await freePort()
  const program = await startProgram(t, { upstreams: [`127.0.0.1:${port}`] })
  assert.equal((await ask(program, 'before.test')).rcode, RCODES.SERVFAIL)
  const upstream = await openUpstream(t, anyAddress, { port })
  const deadline = Date.now() + 4000
  for (let i = 0; (await ask(program, `after${i}.test`)).rcode !== RCODES.NOERROR; i++) {
    assert.ok(Date.now() < deadline, 'not used 4 s after it came back')
  }
  assert.ok(upstream.asked.length > 0)
})

test('an answer above our 1232 bytes without TC does no harm', async (t) => {
  const { program } = await startScene(t, (asked) =>
    reply(asked, { answers: Array.from({ length: 150 }, (_, i) => `${asked.name} 60 A 192.0.2.${i + 1}`) }),
  )
  const answer = await ask(program, 'rude.test', 'A', { transport: 'tcp' })
  assert.ok(answer.rcode === RCODES.SERVFAIL || answer.answers.length === 150, `${answer.answers.length} records`)
  assert.equal((await ask(program, 'rude.test')).tc, answer.answers.length === 150)
})

test('an extended rcode of an upstream is no answer (RFC 6891 6.1.3)', async (t) => {
  const { program } = await startScene(t, (asked) =>
    asked.edns ? reply(asked, { rcode: Number(asked.name.slice(1, 3)), edns: {} }) : anyAddress(asked),
  )
  for (const rcode of [16, 23]) {
    for (const edns of [undefined, {}]) {
      const answer = await ask(program, `x${rcode}${edns ? 'edns' : ''}.test`, 'A', edns ? { edns } : {})
      const isGood = answer.rcode === RCODES.NOERROR && answer.answers.length === 1
      assert.ok(
        isGood || answer.rcode === RCODES.SERVFAIL,
        `${rcode} came as ${answer.rcode}, ${answer.answers.length} answers`,
      )
    }
  }
})
