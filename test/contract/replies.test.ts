/** The shape of a reply: OPT hop by hop, size by client, rotation of addresses (RFC 6891, 9715; FIELD 3.12). */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { ask } from '../support/client.ts'
import { reply, TYPES } from '../support/message.ts'
import { startScene } from '../support/scene.ts'
import { anyAddress, nxdomain, type Script } from '../support/upstream.ts'

const addresses = (count: number, name: string, type = 'A'): string[] =>
  Array.from(
    { length: count },
    (_, i) => `${name} 60 ${type} ${type === 'A' ? `192.0.2.${i + 1}` : `2001:db8::${i + 1}`}`,
  )

test('OPT in the reply exactly when it was in the query, on miss and hit, positive and negative', async (t) => {
  const { program } = await startScene(
    t,
    (asked) => (asked.name.startsWith('nx') ? nxdomain(asked) : anyAddress(asked)),
    {
      searchSuffixes: ['example.org'],
    },
  )
  for (const name of ['a.test', 'nx.test', 'x.cluster.local.example.org']) {
    for (let turn = 0; turn < 2; turn++) {
      for (const transport of ['udp', 'tcp'] as const) {
        assert.equal((await ask(program, name, 'A', { transport })).edns, undefined, name)
        const { edns } = await ask(program, name, 'A', { transport, edns: { size: 4000 } })
        assert.deepEqual([edns?.version, edns?.dnssecOk], [0, false], name)
        assert.ok((edns?.size ?? 0) >= 512)
      }
    }
  }
})

test('a reply over UDP is never above min(client, 1232); TC says so, TCP has it all', async (t) => {
  const { program, upstream } = await startScene(t, (asked) => reply(asked, { answers: addresses(60, asked.name) }))
  const sizes: [string, { size: number } | undefined, number][] = [
    ['no OPT', undefined, 512],
    ['OPT 0', { size: 0 }, 512],
    ['OPT 100', { size: 100 }, 512],
    ['OPT 512', { size: 512 }, 512],
    ['OPT 800', { size: 800 }, 800],
    ['OPT 1232', { size: 1232 }, 1232],
    ['OPT 65535', { size: 65535 }, 1232],
  ]
  for (let turn = 0; turn < 2; turn++) {
    for (const [how, edns, most] of sizes) {
      const answer = await ask(program, 'sixty.test', 'A', edns ? { edns } : {})
      assert.ok(answer.bytes.length <= most, `${how}: ${answer.bytes.length} bytes`)
      assert.equal(answer.tc, most < 1000, how)
      assert.equal(answer.edns !== undefined, edns !== undefined, how)
      if (!answer.tc) assert.equal(answer.answers.length, 60, how)
    }
    const whole = await ask(program, 'sixty.test', 'A', { transport: 'tcp', edns: { size: 512 } })
    assert.deepEqual([whole.tc, whole.answers.length], [false, 60])
  }
  assert.equal(upstream.count('sixty.test'), 1)
})

test('a big answer that came over TCP is cut for UDP clients and whole for TCP ones, from the cache too', async (t) => {
  const big: Script = (asked) =>
    asked.transport === 'udp'
      ? reply(asked, { tc: true })
      : reply(asked, { answers: addresses(200, asked.name, 'AAAA') })
  const { program, upstream } = await startScene(t, big)
  for (let turn = 0; turn < 2; turn++) {
    const cut = await ask(program, 'big.test', 'AAAA', { edns: { size: 4096 } })
    assert.ok(cut.tc && cut.bytes.length <= 1232)
    const whole = await ask(program, 'big.test', 'AAAA', { transport: 'tcp' })
    assert.deepEqual([whole.tc, whole.answers.length], [false, 200])
  }
  assert.ok(upstream.asked.length <= 4, `${upstream.asked.length} questions upstream`)
})

for (const type of ['A', 'AAAA'] as const) {
  test(`${type} sets rotate from reply to reply, the chain before them does not`, async (t) => {
    const { program } = await startScene(t, (asked) =>
      asked.name.startsWith('chain')
        ? reply(asked, { answers: [`${asked.name} 60 CNAME pods.test.`, ...addresses(4, 'pods.test', type)] })
        : reply(asked, { answers: addresses(4, asked.name, type) }),
    )
    const all = addresses(4, 'x', type).map((text) => text.split(' ')[3])
    for (const name of ['plain.test', 'chain.test']) {
      const firsts = new Map<string, number>()
      for (let i = 0; i < 24; i++) {
        const { answers } = await ask(program, name, type, i % 2 ? { transport: 'tcp' } : {})
        if (name === 'chain.test') assert.equal(answers[0]?.type, TYPES['CNAME'])
        const data = answers.filter((rr) => rr.type === TYPES[type]).map((rr) => rr.data)
        assert.deepEqual([...data].sort(), [...all].sort(), 'the same set each time')
        firsts.set(data[0] as string, (firsts.get(data[0] as string) ?? 0) + 1)
      }
      assert.equal(firsts.size, 4, `${name}: first were ${[...firsts.keys()]}`)
    }
  })
}

test('other types keep their order', async (t) => {
  const { program } = await startScene(t, (asked) =>
    reply(asked, { answers: [1, 2, 3].map((i) => `${asked.name} 60 MX ${i} m${i}.test.`) }),
  )
  for (let i = 0; i < 6; i++) {
    const { answers } = await ask(program, 'mx.test', 'MX')
    assert.deepEqual(
      answers.map((rr) => rr.data),
      ['1 m1.test.', '2 m2.test.', '3 m3.test.'],
    )
  }
})
