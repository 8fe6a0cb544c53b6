import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressFromText, addressToText, prefixFromText } from './address-text.ts'

const hex = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString('hex')

test('RFC 5952: one text for each address', () => {
  const table: [text: string, canonical: string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:0DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'], // §4.2.3: the first of equal runs
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'], // §4.2.2: one zero group stays
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'], // §4.2.3: the longest run
    ['2001:db8::0:0', '2001:db8::'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['2001:db8:122:344::192.0.2.33', '2001:db8:122:344::c000:221'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
  ]
  for (const [text, canonical] of table) assert.equal(addressToText(addressFromText(text) as Uint8Array), canonical)
})

test('what is no address', () => {
  const table = [
    '',
    '.',
    ':',
    ':::',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '256.1.1.1',
    '1.2.3.4 ',
    '0x7f.1.1.1',
    '1.2.3.-4',
  ]
  table.push(
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'g::',
    'fe80::1%lo',
    '::1.2.3',
  )
  table.push(
    '1.2.3.4::',
    '::1.2.3.4:5',
    '[::1]',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '::1/128',
    '1:2:3:4:5:6:7:1.2.3.4',
  )
  for (const text of table) assert.equal(addressFromText(text), undefined, text)
})

test('any bytes survive, and node:net has the same opinion of any text', () => {
  const bytes = fc.oneof(...[4, 16].map((length) => fc.uint8Array({ minLength: length, maxLength: length })))
  fc.assert(fc.property(bytes, (address) => assert.deepEqual(addressFromText(addressToText(address)), address)))
  const sparse = fc
    .array(fc.constantFrom(0, 0, 0, 1, 255), { minLength: 16, maxLength: 16 })
    .map((all) => Uint8Array.from(all))
  fc.assert(fc.property(sparse, (address) => assert.deepEqual(addressFromText(addressToText(address)), address)))
  const part = fc.constantFrom(':', '::', '.', '0', '1', '01', 'ff', '10', '255', '256', 'abcd', '1.2.3.4')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 16 }), (parts) => {
      const text = parts.join('')
      assert.equal(addressFromText(text)?.length, isIPv4(text) ? 4 : isIPv6(text) ? 16 : undefined, text)
    }),
    { numRuns: 3000 },
  )
  assert.throws(() => addressToText(new Uint8Array(5)), RangeError)
})

test('prefixes: host bits are cleared, a bare address is whole', () => {
  const table: [text: string, bytes: string, length: number][] = [
    ['10.0.0.0/8', '0a000000', 8],
    ['10.255.255.255/9', '0a800000', 9],
    ['192.0.2.1', 'c0000201', 32],
    ['192.0.2.1/32', 'c0000201', 32],
    ['255.255.255.255/0', '00000000', 0],
    ['2001:db8:ffff::/33', '20010db8800000000000000000000000', 33],
    ['::1', '00000000000000000000000000000001', 128],
  ]
  for (const [text, bytes, length] of table) {
    const prefix = prefixFromText(text)
    assert.deepEqual([hex(prefix?.bytes), prefix?.length], [bytes, length], text)
  }
  for (const text of [
    '',
    '/8',
    '10.0.0.0/',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    '10/8',
  ]) {
    assert.equal(prefixFromText(text), undefined, text)
  }
})
