/** The tables of SAFETY for what clients send: every row on UDP and on TCP, in both UDP engines. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { ask, exchange } from '../support/client.ts'
import { parse, query, RCODES, typeNumber } from '../support/message.ts'
import { startScene } from '../support/scene.ts'
import { anyAddress } from '../support/upstream.ts'

const OPT = Buffer.from([0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0])

/** The bytes with counts (question, answer, authority, additional) and a tail. */
function counted(bytes: Buffer, counts: readonly number[], tail: Buffer = Buffer.alloc(0)): Buffer {
  const copy = Buffer.concat([bytes, tail])
  for (const [i, count] of counts.entries()) copy.writeUInt16BE(count, 4 + i * 2)
  return copy
}
const one = query('row.test')
const header = (...counts: number[]): Buffer => counted(query('.').subarray(0, 12), counts)
const question = (name: readonly number[]): Buffer => Buffer.from([...name, 0, 1, 0, 1])

const SILENT: Record<string, Buffer> = {
  'a reply': query('row.test', 'A', { qr: true }),
  'a reply of another opcode': query('row.test', 'A', { qr: true, opcode: 5 }),
  '11 bytes': one.subarray(0, 11),
  '1 byte': one.subarray(0, 1),
}

const CODES: Record<string, [Buffer, number]> = {
  IQUERY: [query('row.test', 'A', { opcode: 1 }), RCODES.NOTIMP],
  STATUS: [query('row.test', 'A', { opcode: 2 }), RCODES.NOTIMP],
  NOTIFY: [query('row.test', 'SOA', { opcode: 4 }), RCODES.NOTIMP],
  UPDATE: [query('row.test', 'SOA', { opcode: 5 }), RCODES.NOTIMP],
  'DSO (RFC 8490)': [query('row.test', 'A', { opcode: 6 }), RCODES.NOTIMP],
  'opcode 15': [query('row.test', 'A', { opcode: 15 }), RCODES.NOTIMP],
  'no question': [header(0, 0, 0, 0), RCODES.FORMERR],
  'no question, but OPT': [counted(header(0, 0, 0, 0), [0, 0, 0, 1], OPT), RCODES.FORMERR],
  'two questions (RFC 9619)': [counted(one, [2, 0, 0, 0], one.subarray(12)), RCODES.FORMERR],
  '65535 questions in 12 bytes': [header(65535, 65535, 65535, 65535), RCODES.FORMERR],
  'a count that lies': [counted(one, [1, 0, 0, 1]), RCODES.FORMERR],
  'version.bind': [query('version.bind', 'TXT', { class: 3 }), RCODES.REFUSED],
  'id.server': [query('id.server', 'TXT', { class: 3 }), RCODES.REFUSED],
  'class HS': [query('row.test', 'A', { class: 4 }), RCODES.REFUSED],
  AXFR: [query('row.test', 'AXFR'), RCODES.REFUSED],
  IXFR: [query('row.test', 'IXFR'), RCODES.REFUSED],
  'EDNS version 1': [query('row.test', 'A', { edns: { version: 1 } }), RCODES.BADVERS],
  'EDNS version 255': [query('row.test', 'A', { edns: { version: 255 } }), RCODES.BADVERS],
  'two OPTs': [counted(one, [1, 0, 0, 2], Buffer.concat([OPT, OPT])), RCODES.FORMERR],
  'OPT in the answer': [counted(one, [1, 1, 0, 0], OPT), RCODES.FORMERR],
  'OPT in the authority': [counted(one, [1, 0, 1, 0], OPT), RCODES.FORMERR],
  'OPT that is not at the root': [
    counted(one, [1, 0, 0, 1], Buffer.concat([Buffer.from([1, 0x78]), OPT])),
    RCODES.FORMERR,
  ],
  'an option past its end': [
    counted(one, [1, 0, 0, 1], Buffer.concat([OPT.subarray(0, 9), Buffer.from([0, 5, 0, 3, 0, 9, 0])])),
    RCODES.FORMERR,
  ],
  'NXNAME (RFC 9824)': [query('row.test', 'NXNAME'), RCODES.FORMERR],
  'a label of type 01': [counted(header(1), [1, 0, 0, 0], question([0x41, 0x78, 0])), RCODES.FORMERR],
  'a pointer to itself': [counted(header(1), [1, 0, 0, 0], question([0xc0, 12])), RCODES.FORMERR],
  'a pointer forward': [counted(header(1), [1, 0, 0, 0], question([0xc0, 20])), RCODES.FORMERR],
  'a name of 256 bytes': [
    counted(header(1), [1, 0, 0, 0], question([...new Array(127).fill([1, 0x78]).flat(), 1, 0x78, 0])),
    RCODES.FORMERR,
  ],
  'unknown EDNS flags and options': [
    query('row.test', 'A', { edns: { flags: 0x7fff, options: [{ code: 65432, data: Buffer.alloc(7) }] } }),
    RCODES.NOERROR,
  ],
  'the Z bit': [query('row.test', 'A', { z: true }), RCODES.NOERROR],
  'an unknown type': [query('row.test', 'TYPE65000'), RCODES.NOERROR],
}

for (const engine of ['epoll', 'dgram']) {
  test(`${engine}: every row gets its code, or silence`, async (t) => {
    const { program, upstream } = await startScene(t, anyAddress, {}, { args: ['--udp', engine] })
    const wrong: string[] = []
    for (const transport of ['udp', 'tcp'] as const) {
      for (const [how, [bytes, code]] of Object.entries(CODES)) {
        const answer = await exchange(program, bytes, { transport, timeoutMs: 1000 })
        const got = answer?.rcode ?? 'silence'
        if (got !== code) wrong.push(`${transport}, ${how}: expected ${code}, got ${got}`)
        if (!answer) continue
        assert.deepEqual([answer.id, answer.qr], [bytes.readUInt16BE(0), true], how)
        assert.equal(answer.opcode, (bytes.readUInt8(2) >> 3) & 15, how)
        if (code === RCODES.BADVERS) assert.equal(answer.edns?.version, 0, how)
        if (code !== 0) assert.equal(answer.answers.length, 0, how)
      }
      await Promise.all(
        Object.entries(SILENT).map(async ([how, bytes]) => {
          const answer = await exchange(program, bytes, { transport, timeoutMs: 200 })
          if (answer) wrong.push(`${transport}, ${how}: expected silence, got rcode ${answer.rcode}`)
        }),
      )
    }
    assert.deepEqual(wrong, [])
    const types = new Set(upstream.asked.map((asked) => asked.type))
    assert.deepEqual([...types].sort(), [1, 65000], 'nothing but the good rows went upstream')
  })
}

test('ANY gets a minimal answer (RFC 8482), and is not forwarded', async (t) => {
  const { program, upstream } = await startScene(t)
  for (const transport of ['udp', 'tcp'] as const) {
    const answer = await ask(program, 'any.test', 'ANY', { transport })
    assert.equal(answer.rcode, RCODES.NOERROR)
    assert.ok(answer.answers.length <= 1 && answer.bytes.length < 120)
    if (answer.answers[0]) assert.equal(answer.answers[0].type, typeNumber('HINFO'))
  }
  assert.equal(upstream.asked.length, 0)
})

test('16,000 EDNS options take bounded time', async (t) => {
  const { program } = await startScene(t)
  const options = new Array(16_000).fill({ code: 65001, data: Buffer.alloc(0) })
  const bytes = query('options.test', 'A', { edns: { options } })
  assert.ok(bytes.length < 65536)
  const start = performance.now()
  for (let i = 0; i < 5; i++) assert.ok(await exchange(program, bytes, { transport: 'tcp' }))
  assert.ok(performance.now() - start < 500)
  assert.equal((await ask(program, 'after.test')).rcode, 0)
})

test('a real query cut at every offset, and with every byte turned, harms nobody', async (t) => {
  const { program } = await startScene(t)
  const { UdpClient } = await import('../support/client.ts')
  const client = await UdpClient.open(program)
  const whole = query('cut.example.test', 'AAAA', { edns: { options: [{ code: 10, data: Buffer.alloc(8) }] } })
  for (let end = 0; end < whole.length; end++) client.send(whole.subarray(0, end))
  for (let at = 0; at < whole.length; at++) {
    for (const value of [0, 1, 0x7f, 0xc0, 0xff]) {
      const turned = Buffer.from(whole)
      turned[at] = value
      client.send(turned)
    }
  }
  for (const bytes of await client.collect(2000, 500)) assert.ok(parse(bytes).qr)
  client.close()
  assert.equal((await ask(program, 'after.test')).rcode, 0)
})

test('big queries over UDP are queries too', async (t) => {
  const { program } = await startScene(t)
  for (const size of [600, 1300, 2500, 4000]) {
    const answer = await ask(program, `s${size}.test`, 'A', {
      edns: { options: [{ code: 12, data: Buffer.alloc(size) }] },
    })
    assert.ok(
      answer.rcode === RCODES.NOERROR || answer.rcode === RCODES.FORMERR,
      `${size} bytes: rcode ${answer.rcode}`,
    )
  }
})
