import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bytesFromText, bytesToText, nameFromText, nameToText, quoted } from './text.ts'

const label63 = 'a'.repeat(63)

/** Labels as latin1 text → wire form, written apart from the code under test. */
const wire = (...labels: string[]): Uint8Array =>
  Uint8Array.from([...labels, ''].flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')]))

test('names: text to wire', () => {
  const table: [text: string, wire: Uint8Array][] = [
    ['.', wire()],
    ['example.org', wire('example', 'org')],
    ['Example.ORG.', wire('Example', 'ORG')],
    ['*.lan', wire('*', 'lan')],
    ['_sip._tcp.b\u00fccher.example', wire('_sip', '_tcp', 'xn--bcher-kva', 'example')],
    ['a_b.B\u00dcCHER', wire('a_b', 'xn--bcher-kva')],
    ['b\u00fccher\u3002example', wire('xn--bcher-kva', 'example')],
    ['1.2.3.\u00e9', wire('1', '2', '3', 'xn--9ca')],
    ['\uff11.org', wire('1', 'org')],
    ['a\\.b.c', wire('a.b', 'c')],
    ['a\\\\.c', wire('a\\', 'c')],
    ['\\000\\255\\065.\\ x', wire('\0\xffA', ' x')],
    ['a\\.', wire('a.')],
    [label63, wire(label63)],
    [`${label63}.${label63}.${label63}.${'b'.repeat(61)}.`, wire(label63, label63, label63, 'b'.repeat(61))],
  ]
  for (const [text, expected] of table) assert.deepEqual(nameFromText(text), expected, text)
})

test('names: what is none', () => {
  const table = [
    '',
    '..',
    '.a',
    'a..b',
    'a..',
    'a b',
    'a\tb',
    'a\nb',
    ' a',
    'a\0',
    'a\\',
    'a\\25',
    'a\\256',
    'a\\2x4',
    '\u00ad',
  ]
  table.push(
    `${label63}a`,
    `${label63}.${label63}.${label63}.${'b'.repeat(62)}`,
    '\u00fc/x',
    '\u00fc%41',
    '\u00fc:80',
    'xn--\u00fc',
  )
  table.push(
    '\u00fc\\.x',
    '\u00fc\\065',
    '\ud800',
    'u\u2028x',
    '\u2488x',
    'a.'.repeat(128),
    '\u00fc'.repeat(1021),
    '\\\u00fc',
  )
  for (const text of table) assert.equal(nameFromText(text), undefined, JSON.stringify(text))
  assert.equal(nameFromText('a.'.repeat(127))?.length, 255)
})

test('names: wire to text', () => {
  const table: [wire: Uint8Array, text: string][] = [
    [wire(), '.'],
    [wire('Example', 'org'), 'Example.org.'],
    [wire('a.b', 'c\\d'), 'a\\.b.c\\\\d.'],
    [wire('\x1b[31m', '\n\r\0\x7f', '\xe2\x80\xa8'), '\\027[31m.\\010\\013\\000\\127.\\226\\128\\168.'],
    [wire('a b', '";()@$'), 'a\\032b.\\"\\;\\(\\)\\@\\$.'],
    [wire('*', '_x-1'), '*._x-1.'],
  ]
  for (const [name, text] of table) assert.equal(nameToText(name), text)
  assert.equal(nameToText(Uint8Array.of(9, 9, ...wire('x')), 2), 'x.')
})

test('names: broken wire ends in a mark and never throws', () => {
  for (const bytes of [[], [1], [3, 97], [0xc0, 0], [64, ...new Array(64).fill(97), 0], [1, 97]]) {
    assert.match(nameToText(Uint8Array.from(bytes)), /<malformed>$/)
  }
  assert.match(nameToText(new Uint8Array(5000).fill(1)), /<malformed>$/)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => assert.match(nameToText(bytes), /^[\x20-\x7e]+$/)),
  )
})

test('names: any labels survive the way there and back', () => {
  const label = fc.uint8Array({ minLength: 1, maxLength: 63 })
  fc.assert(
    fc.property(fc.array(label, { maxLength: 6 }), (labels) => {
      const name = wire(...labels.map((bytes) => Buffer.from(bytes).toString('latin1')))
      fc.pre(name.length <= 255)
      assert.deepEqual(nameFromText(nameToText(name)), name)
    }),
  )
})

test('names: any text is answered, and what is a name keeps the limits', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => {
      const name = nameFromText(text)
      assert.ok(name === undefined || (name.length <= 255 && name.at(-1) === 0))
    }),
  )
})

test('strings: escapes both ways', () => {
  assert.deepEqual(bytesFromText('a\\"b\\\\c\\065\u00fc'), Uint8Array.from(Buffer.from('a"b\\cA\u00fc')))
  assert.equal(bytesToText(Uint8Array.from(Buffer.from('a"b\\\u00fc\n')), '"\\'), 'a\\"b\\\\\\195\\188\\010')
  for (const text of ['\\', '\\1', '\\12', '\\256', '\\1a2']) assert.equal(bytesFromText(text), undefined, text)
  fc.assert(fc.property(fc.uint8Array(), (bytes) => assert.deepEqual(bytesFromText(bytesToText(bytes, '"\\')), bytes)))
})

test('quoted: safe for a log and short', () => {
  assert.equal(quoted('a\u001b[2J\u2028'), '"a\\027[2J\\226\\128\\168"')
  assert.ok(quoted('x'.repeat(1e5)).length < 100)
})
