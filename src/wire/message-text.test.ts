import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse, query, reply } from '../../test/support/message.ts'
import { messageText } from './message-text.ts'

test('sections, names in rdata in full, the lowest TTL, flags', () => {
  const asked = parse(query('Www.a.test', 'MX'))
  const bytes = reply(asked, {
    answers: ['www.a.test 60 MX 10 mail.a.test', 'www.a.test 60 SRV 1 2 3 host.a.test'],
    authority: ['a.test 40 SOA ns.a.test root.a.test 1 2 3 4 5'],
    additional: ['mail.a.test 50 A 192.0.2.1'],
  })
  const text = messageText(bytes)
  assert.deepEqual(text.answer, ['www.a.test. 60 IN MX 10 mail.a.test.', 'www.a.test. 60 IN SRV 1 2 3 host.a.test.'])
  assert.deepEqual(text.authority, ['a.test. 40 IN SOA ns.a.test. root.a.test. 1 2 3 4 5'])
  assert.deepEqual(text.additional, ['mail.a.test. 50 IN A 192.0.2.1'])
  assert.deepEqual(
    [text.ttl, text.size, text.rcode, text.opcode, text.ede],
    [40, bytes.length, 'NOERROR', 'QUERY', null],
  )
  assert.equal(text.question, 'Www.a.test. IN MX')
  assert.ok(text.flags.includes('qr') && text.flags.includes('rd'))
})

test('no record, an extended rcode and an extended error', () => {
  const words = Buffer.from('\0\x12rule: w\x1brds', 'latin1')
  const asked = parse(query('a.test', 'A', { edns: {} }))
  const bytes = reply(asked, { rcode: 0 })
  const opt = Buffer.from([0, 0, 41, 4, 0xd0, 1, 0, 0, 0, 0, words.length + 4, 0, 15, 0, words.length])
  const header = parse(bytes)
  const bare = header.edns === undefined ? bytes : bytes.subarray(0, 12 + 8 + 4)
  const message = Buffer.concat([bare, opt, words])
  message.writeUInt16BE(1, 10)
  const text = messageText(message)
  assert.deepEqual([text.rcode, text.ttl, text.additional], ['BADVERS', null, []])
  assert.deepEqual(text.ede, { code: 18, text: 'rule: w\\027rds' })
})
