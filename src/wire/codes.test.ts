import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  Class,
  classCode,
  className,
  Ede,
  edeName,
  Opcode,
  opcodeCode,
  opcodeName,
  Rcode,
  rcodeCode,
  rcodeName,
  Type,
  typeCode,
  typeName,
} from './codes.ts'

test('every name leads to its number and back', () => {
  for (const [name, code] of Object.entries(Type)) assert.deepEqual([typeCode(name), typeName(code)], [code, name])
  for (const [name, code] of Object.entries(Class)) assert.deepEqual([classCode(name), className(code)], [code, name])
  for (const [name, code] of Object.entries(Rcode)) assert.deepEqual([rcodeCode(name), rcodeName(code)], [code, name])
  for (const [name, code] of Object.entries(Opcode))
    assert.deepEqual([opcodeCode(name), opcodeName(code)], [code, name])
})

test('numbers without a name take the form of RFC 3597', () => {
  for (let code = 0; code <= 65535; code++) {
    assert.equal(typeCode(typeName(code)), code)
    assert.equal(classCode(className(code)), code)
  }
  assert.equal(typeName(65280), 'TYPE65280')
  assert.equal(className(7), 'CLASS7')
  assert.equal(rcodeName(12), 'RCODE12')
  assert.equal(opcodeName(3), 'OPCODE3')
})

test('names are read in any case, and only names', () => {
  assert.equal(typeCode('aaaa'), 28)
  assert.equal(typeCode('type1'), 1)
  assert.equal(classCode('in'), 1)
  for (const text of [
    '',
    'constructor',
    '__proto__',
    'toString',
    'TYPE',
    'TYPE65536',
    'TYPE-1',
    'TYPE1 ',
    'TYPE1e3',
    '1',
  ]) {
    assert.equal(typeCode(text), undefined, text)
  }
  assert.equal(rcodeCode('RCODE4096'), undefined)
  assert.equal(opcodeCode('OPCODE16'), undefined)
})

test('extended errors read as the registry writes them', () => {
  assert.equal(edeName(Ede.NO_REACHABLE_AUTHORITY), 'no reachable authority')
  assert.equal(edeName(Ede.NETWORK_ERROR), 'network error')
  assert.equal(edeName(4000), 'EDE4000')
})
