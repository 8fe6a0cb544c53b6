/** rebinding: public names do not lead to private addresses (SAFETY, RFC 8914 section 4.16). */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { ask } from '../support/client.ts'
import { type Message, RCODES, reply, TYPES } from '../support/message.ts'
import { startProgram } from '../support/program.ts'
import { openUpstream, startScene } from '../support/scene.ts'
import { type Script, soa } from '../support/upstream.ts'

/** Everything leads inside, but for names that begin with `pub`. */
const script: Script = (asked) => {
  const { name, type } = asked
  const isPublic = name.startsWith('pub')
  if (type === TYPES['A']) {
    if (name.startsWith('chain')) return reply(asked, { answers: [`${name} 60 CNAME t.test`, 't.test 60 A 10.0.0.1'] })
    return reply(asked, { answers: [`${name} 3600 A ${isPublic ? '192.0.2.1' : '192.168.1.1'}`], ad: true })
  }
  if (type === TYPES['AAAA'])
    return reply(asked, { answers: [`${name} 60 AAAA ${isPublic ? '2001:db8::1' : 'fd00::1'}`] })
  // ipv4hint=10.0.0.1
  if (type === TYPES['HTTPS']) return reply(asked, { answers: [`${name} 60 HTTPS 000100000400040a000001`] })
  if (type === TYPES['MX'])
    return reply(asked, { answers: [`${name} 60 MX 1 m.test`], additional: ['m.test 60 A 10.0.0.1'] })
  if (type === TYPES['TXT']) return reply(asked, { answers: [`${name} 60 TXT 10.0.0.1`] })
  return reply(asked, { authority: [soa(name)] })
}
const on = { mode: 'enforce', allow: ['corp.example'] }
const settings = { searchSuffixes: ['lan'], guard: { rebinding: on } }
const both = ['udp', 'tcp'] as const

function assertRefused(answer: Message, owner: string, how: string): void {
  assert.deepEqual([answer.rcode, answer.answers.length, answer.tc, answer.ad], [0, 0, false, false], how)
  const [record] = answer.authority
  assert.deepEqual([answer.authority.length, record?.type, record?.name], [1, TYPES['SOA'], owner], how)
  const ttl = record?.ttl ?? 0
  assert.ok(ttl > 25 && ttl <= 30, `${how}: TTL ${ttl}`)
  if (answer.edns === undefined) return
  assert.deepEqual(answer.edns.ede, [15], how)
  assert.match(answer.edns.options[0]?.data.toString('latin1', 2) ?? '', /^rebinding: /, how)
}

test('an answer that leads inside becomes an empty one, for all who ask, and is remembered', async (t) => {
  const { program, upstream } = await startScene(t, script, settings)
  for (const type of ['A', 'AAAA', 'HTTPS']) {
    for (let turn = 0; turn < 2; turn++) {
      for (const transport of both) {
        for (const edns of [{}, undefined]) {
          const how = `${type} over ${transport}, turn ${turn}, ${edns ? 'with' : 'without'} OPT`
          const answer = await ask(program, 'Evil.example', type, { transport, ...(edns && { edns }) })
          assertRefused(answer, 'example.', how)
        }
      }
    }
    assert.equal(upstream.count('evil.example', type), 1, `${type} is asked once`)
  }
  assertRefused(await ask(program, 'chain.evil.example', 'A', { edns: {} }), 'evil.example.', 'chain')
  const metrics = await program.metrics()
  assert.equal(metrics.value('dnsweir_rule_replied_total', { rule: 'rebinding' }), 4, 'counted by answer')
  assert.equal(metrics.value('dnsweir_cache_total', { event: 'negativeHit' }), 21)
  await program.says(
    /rebinding: the answer for evil\.example\. A leads to 192\.168\.1\.1, a private address, and is refused/,
  )
  assert.equal(program.stdout().match(/rebinding: the answer/g)?.length, 1, 'one line a minute')
})

test('other types of the name stay as they are, and lose addresses that come along', async (t) => {
  const { program } = await startScene(t, script, settings)
  assertRefused(await ask(program, 'evil.example'), 'example.', 'A')
  for (let turn = 0; turn < 2; turn++) {
    assert.equal((await ask(program, 'evil.example', 'TXT')).answers.length, 1)
    const mail = await ask(program, 'evil.example', 'MX')
    assert.deepEqual([mail.rcode, mail.answers[0]?.data, mail.additional.length], [0, '1 m.test.', 0])
    assert.equal((await ask(program, 'evil.example', 'SRV')).rcode, RCODES.NOERROR)
    assert.equal((await ask(program, 'pub.evil.example', 'A')).answers[0]?.data, '192.0.2.1')
    assert.equal((await ask(program, 'pub.evil.example', 'AAAA')).answers[0]?.data, '2001:db8::1')
  }
})

test('AAAA of which aaaaFilter made A hears of rebinding, whoever asked first', async (t) => {
  const guard = { rebinding: on, aaaaFilter: { mode: 'enforce' } }
  const { program, upstream } = await startScene(t, script, { guard })
  for (const transport of both) {
    for (const type of ['AAAA', 'A', 'AAAA'])
      assertRefused(
        await ask(program, 'evil.example', type, { edns: {}, transport }),
        'example.',
        `${type} over ${transport}`,
      )
    assert.deepEqual((await ask(program, 'pub.example', 'AAAA', { edns: {}, transport })).edns?.ede, [17])
  }
  assert.deepEqual([upstream.count('evil.example', 'A'), upstream.count('evil.example', 'AAAA')], [1, 0])
})

test('names of ours may lead inside', async (t) => {
  const upstream = await openUpstream(t, script)
  const program = await startProgram(t, {
    ...settings,
    upstreams: [upstream.target],
    routes: [{ zones: ['routed.example'], upstreams: [`tcp://${upstream.target}`] }],
    guard: { rebinding: on, localAnswers: { records: ['db.example. 60 IN A 10.0.0.5'] } },
  })
  const names = ['corp.example', 'a.corp.example', 'x.routed.example', 'nas.lan', 'x.default.svc.cluster.local']
  for (const name of [...names, 'x.localhost', 'x.local', 'nas.home.arpa', 'x.db.example']) {
    const data = (await ask(program, name)).answers[0]?.data
    assert.ok(data === '192.168.1.1' || (name === 'x.localhost' && data === '127.0.0.1'), `${name}: ${data}`)
  }
  assert.equal((await ask(program, 'db.example')).answers[0]?.data, '10.0.0.5')
  assertRefused(await ask(program, 'xcorp.example', 'A', { edns: {} }), 'example.', 'xcorp.example')
})

test('with DO and CD too, over an upstream on TCP, and by two threads alike', async (t) => {
  const upstream = await openUpstream(t, script)
  const program = await startProgram(t, { ...settings, threads: 2, upstreams: [`tcp://${upstream.target}`] })
  for (let turn = 0; turn < 12; turn++) {
    for (const variant of [{ edns: {} }, { edns: { dnssecOk: true } }, { cd: true, edns: {} }]) {
      assertRefused(await ask(program, 'evil.example', 'A', variant), 'example.', JSON.stringify(variant))
    }
  }
})

for (const rebinding of [{}, { mode: 'disabled' }, { mode: 'observe' }]) {
  test(`${JSON.stringify(rebinding)}: nothing is refused`, async (t) => {
    const { program } = await startScene(t, script, { guard: { rebinding } })
    assert.equal((await ask(program, 'evil.example')).answers[0]?.data, '192.168.1.1')
    assert.equal((await ask(program, 'evil.example', 'MX')).additional.length, 1)
    const observed = (await program.metrics()).samples.filter(
      ({ name, labels, value }) =>
        name === 'dnsweir_rule_observed_total' && labels['rule'] === 'rebinding' && value === 2,
    )
    assert.equal(observed.length, 'mode' in rebinding && rebinding.mode === 'observe' ? 1 : 0)
  })
}
