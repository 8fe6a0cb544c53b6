/** The upstream side of SAFETY: what comes back is believed only when it is the answer to what was asked. */
import { strict as assert } from 'node:assert'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import { atEnd } from '../support/cleanup.ts'
import { ask, UdpClient } from '../support/client.ts'
import { nameBytes, query, reply } from '../support/message.ts'
import { startScene } from '../support/scene.ts'
import type { Asked, Script } from '../support/upstream.ts'

const good = (asked: Asked): Buffer => reply(asked, { answers: [`${asked.name} 60 A 192.0.2.1`] })
const evil = (asked: Asked): string[] => [`${asked.name} 60 A 203.0.113.66`]
const question = (name: string, type = 1, rrClass = 1): Buffer =>
  Buffer.concat([nameBytes(name), Buffer.from([type >> 8, type & 255, 0, rrClass])])

/** Each comes first, from the right address and port; the true answer comes right behind it. */
const BAD: Record<string, (asked: Asked) => Buffer> = {
  'wrong id': (asked) => reply(asked, { answers: evil(asked), id: asked.id ^ 1 }),
  'QR=0': (asked) => reply(asked, { answers: evil(asked), qr: false }),
  'wrong opcode': (asked) => reply(asked, { answers: evil(asked), opcode: 4 }),
  'another name': (asked) => reply(asked, { answers: evil(asked), question: question('other.test') }),
  'a longer name': (asked) => reply(asked, { answers: evil(asked), question: question(`x.${asked.name}`) }),
  'another type': (asked) => reply(asked, { answers: evil(asked), question: question(asked.name, 28) }),
  'another class': (asked) => reply(asked, { answers: evil(asked), question: question(asked.name, 1, 3) }),
  'no question': (asked) => reply(asked, { answers: evil(asked), question: Buffer.alloc(0), questionCount: 0 }),
  'two questions': (asked) =>
    reply(asked, {
      answers: evil(asked),
      question: Buffer.concat([asked.questionBytes, asked.questionBytes]),
      questionCount: 2,
    }),
  'TC with garbage': (asked) => {
    const bytes = reply(asked, { tc: true, id: asked.id ^ 0x100 })
    return Buffer.concat([bytes, Buffer.from('garbage')])
  },
  '11 bytes': (asked) => reply(asked).subarray(0, 11),
  '12 bytes': (asked) => reply(asked).subarray(0, 12),
  empty: () => Buffer.alloc(0),
  'FORMERR without question': (asked) => reply(asked, { rcode: 1, question: Buffer.alloc(0), questionCount: 0 }),
  'counts of 65535': (asked) => {
    const bytes = Buffer.from(reply(asked))
    bytes.writeUInt16BE(65535, 6)
    return bytes
  },
  'cut in the answer': (asked) => reply(asked, { answers: evil(asked) }).subarray(0, -3),
  'a pointer to itself': (asked) => {
    const at = 12 + asked.questionBytes.length
    const rest = Buffer.from([0xc0 | (at >> 8), at & 255, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 203, 0, 113, 66])
    const bytes = Buffer.concat([reply(asked), rest])
    bytes.writeUInt16BE(1, 6)
    return bytes
  },
}

for (const engine of ['epoll', 'dgram']) {
  test(`${engine}: the true answer wins over any bad packet before it`, async (t) => {
    let make = good
    const script: Script = (asked) => [make(asked), good(asked)]
    const { program } = await startScene(t, script, {}, { args: ['--udp', engine] })
    for (const [index, [how, bad]] of Object.entries(BAD).entries()) {
      make = bad
      const answer = await ask(program, `bad${index}.test`)
      assert.deepEqual([answer.rcode, answer.answers[0]?.data], [0, '192.0.2.1'], how)
    }
  })
}

test('a thousand bad packets before the true answer are counted, capped and survived', async (t) => {
  const { program } = await startScene(t, (asked) =>
    asked.transport === 'tcp' || asked.name.startsWith('fine')
      ? good(asked)
      : [
          ...Array.from({ length: 1000 }, (_, i) =>
            reply(asked, { answers: evil(asked), id: (asked.id + 1 + i) & 65535 }),
          ),
        ],
  )
  const answer = await ask(program, 'flooded.test')
  assert.notEqual(answer.answers[0]?.data, '203.0.113.66')
  assert.equal(answer.answers[0]?.data, '192.0.2.1', 'after 3 near misses the flight moves to TCP')
  assert.equal((await ask(program, 'fine.test')).answers[0]?.data, '192.0.2.1')
})

test('a reply from another address or port is not heard', async (t) => {
  const spoofer = createSocket('udp4').bind(0, '127.0.0.6')
  atEnd(t, () => spoofer.close())
  const { program, upstream } = await startScene(t, (asked) => {
    if (asked.transport === 'udp')
      spoofer.send(reply(asked, { answers: evil(asked) }), asked.from.port, asked.from.address)
    return new Promise((resolve) => setTimeout(() => resolve(good(asked)), 100))
  })
  assert.equal((await ask(program, 'spoofed.test')).answers[0]?.data, '192.0.2.1')
  assert.equal(upstream.count('spoofed.test'), 1)
})

test('ids and ports are random, and never the client’s', async (t) => {
  const { program, upstream } = await startScene(t)
  const client = await UdpClient.open(program)
  for (let id = 0; id < 600; id++) client.send(query(`r${id}.test`, 'A', { id }))
  assert.equal((await client.collect(600)).length, 600)
  client.close()
  const ids = upstream.asked.map((one) => one.id)
  const same = upstream.asked.filter((one) => one.name === `r${one.id}.test.`).length
  assert.ok(same <= 2, `${same} of 600 flights carry the client's id`)
  assert.ok(new Set(ids).size > 580, `${new Set(ids).size} different ids of 600`)
  const mean = ids.reduce((sum, id) => sum + id, 0) / ids.length
  assert.ok(mean > 28_000 && mean < 37_500, `mean id ${mean}`)
  const steps = ids.slice(1).map((id, i) => (id - (ids[i] as number)) & 65535)
  assert.ok(new Set(steps).size > 570, 'ids do not go in steps')
  for (let bit = 0; bit < 16; bit++) {
    const set = ids.filter((id) => (id >> bit) & 1).length
    assert.ok(set > 220 && set < 380, `bit ${bit} is set in ${set} of 600`)
  }
  const ports = [...new Set(upstream.asked.map((one) => one.from.port))].sort((a, b) => a - b)
  assert.ok(ports.length >= 4, `${ports.length} ports`)
  const neighbours = ports.slice(1).filter((port, i) => port - (ports[i] as number) === 1).length
  assert.ok(neighbours <= ports.length / 4 + 1, `${ports} are in a row`)
})

test('what a client put in its query does not go upstream: OPT is our own, hop by hop', async (t) => {
  const { program, upstream } = await startScene(t)
  const options = [
    { code: 10, data: Buffer.from('0123456789abcdef', 'hex') },
    { code: 8, data: Buffer.from('000118000a0000', 'hex') },
    { code: 3, data: Buffer.alloc(0) },
    { code: 12, data: Buffer.alloc(40) },
    { code: 65001, data: Buffer.from('odd') },
  ]
  const answer = await ask(program, 'e.test', 'A', { edns: { size: 4096, options, flags: 0x1234 }, ad: true })
  assert.equal(answer.rcode, 0)
  assert.deepEqual(
    answer.edns?.options.filter(({ code }) => code !== 15),
    [],
    'options are not echoed',
  )
  await ask(program, 'plain.test')
  for (const one of upstream.asked) {
    assert.equal(one.edns?.size, 1232, one.name)
    assert.deepEqual(
      one.edns?.options.map(({ code }) => code).filter((code) => [10, 8, 3, 12, 65001].includes(code)),
      [],
    )
    assert.ok(one.rd)
  }
  await ask(program, 'e.test', 'A', { edns: { options: [{ code: 10, data: Buffer.from('ffffffffffffffff', 'hex') }] } })
  assert.equal(upstream.count('e.test'), 1, 'cookies and client subnets are not in the key')
})

test('options and OPT of the upstream stay on its hop', async (t) => {
  const { program } = await startScene(t, (asked) =>
    reply(asked, {
      answers: [`${asked.name} 60 A 192.0.2.1`],
      edns: {
        size: 4096,
        options: [
          { code: 10, data: Buffer.alloc(16, 7) },
          { code: 3, data: Buffer.from('upstream') },
        ],
      },
    }),
  )
  assert.equal((await ask(program, 'o.test')).edns, undefined, 'no OPT asked, none given')
  const answer = await ask(program, 'o.test', 'A', { edns: { size: 512 } })
  assert.deepEqual(answer.edns?.options, [])
  assert.equal(answer.edns?.version, 0)
})

test('AD is given only to who asked for it', async (t) => {
  const { program } = await startScene(t, (asked) =>
    reply(asked, { answers: [`${asked.name} 60 A 192.0.2.1`], ad: true }),
  )
  assert.equal((await ask(program, 'ad.test')).ad, false)
  assert.equal((await ask(program, 'ad.test')).ad, false, 'nor on a hit')
})
