import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasHint, stripHint } from './svc-params.ts'

interface Param {
  readonly key: number
  readonly value: Uint8Array
}

const u16 = (n: number): number[] => [n >> 8, n & 0xff]
const targets = [[0], [1, 0x61, 0], [3, 0x63, 0x64, 0x6e, 4, 0x74, 0x65, 0x73, 0x74, 0]]
const rdataOf = (target: number[], params: readonly Param[]): number[] => [
  ...[0, 1, ...target],
  ...params.flatMap(({ key, value }) => [...u16(key), ...u16(value.length), ...value]),
]

const keys = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 8 })
const param = (key: number) => fc.uint8Array({ maxLength: 40 }).map((value) => ({ key, value }))
const params = keys.chain((list) => fc.tuple(...list.map(param)))
const mandatory = fc.option(fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 6 }))
const withList = (list: readonly number[] | null, rest: readonly Param[]): Param[] =>
  list === null ? [...rest] : [{ key: 0, value: Uint8Array.from(list.flatMap(u16)) }, ...rest]

/** Strips it in the midst of other bytes, which must stay. */
function stripped(rdata: readonly number[]): number[] {
  const bytes = Uint8Array.from([0xee, 0xee, ...rdata, 0xee, 0xee])
  const length = stripHint(bytes, 2, rdata.length)
  assert.ok(length <= rdata.length)
  assert.deepEqual([...bytes.subarray(0, 2), ...bytes.subarray(rdata.length + 2)], [0xee, 0xee, 0xee, 0xee])
  return [...bytes.subarray(2, 2 + length)]
}

test('all but ipv6hint stays, in its order', () => {
  fc.assert(
    fc.property(fc.constantFrom(...targets), mandatory, params, (target, list, rest) => {
      const rdata = rdataOf(target, withList(list, rest))
      const isThere = rest.some(({ key }) => key === 6)
      const left = list?.filter((key) => key !== 6) ?? []
      const expected = rdataOf(
        target,
        withList(
          left.length > 0 ? left : null,
          rest.filter(({ key }) => key !== 6),
        ),
      )
      assert.equal(hasHint(Uint8Array.from(rdata), 0, rdata.length), isThere)
      assert.deepEqual(stripped(rdata), isThere ? expected : rdata)
    }),
  )
})

test('any bytes: nothing outside is touched, and a second time nothing is left to do', () => {
  const damaged = fc
    .tuple(fc.constantFrom(...targets), mandatory, params, fc.nat(), fc.nat(255), fc.nat(400))
    .map(([target, list, rest, at, byte, cut]) => {
      const rdata = rdataOf(target, withList(list, [...rest, { key: 6, value: new Uint8Array(16) }]))
      rdata[at % rdata.length] = byte
      return rdata.slice(0, cut)
    })
  fc.assert(
    fc.property(fc.oneof(damaged, fc.array(fc.nat(255), { maxLength: 80 })), (rdata) => {
      const once = stripped(rdata)
      assert.equal(hasHint(Uint8Array.from(once), 0, once.length), false)
      if (!hasHint(Uint8Array.from(rdata), 0, rdata.length)) assert.deepEqual(once, rdata)
    }),
  )
})
