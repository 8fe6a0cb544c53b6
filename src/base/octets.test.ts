import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { copyOctets, sameOctets, viewOf } from './octets.ts'

const range = fc.record({
  octets: fc.uint8Array({ minLength: 0, maxLength: 40 }),
  before: fc.nat(5),
  at: fc.nat(5),
})

test('copies a range wherever it stands, and touches nothing else', () => {
  fc.assert(
    fc.property(range, ({ octets, before, at }) => {
      const from = Uint8Array.of(...new Uint8Array(before), ...octets)
      const to = new Uint8Array(at + octets.length + 3).fill(0xee)
      copyOctets(viewOf(from), before, viewOf(to), at, octets.length)
      assert.deepEqual(to, Uint8Array.of(...new Uint8Array(at).fill(0xee), ...octets, 0xee, 0xee, 0xee))
    }),
  )
})

test('tells two ranges apart by any octet', () => {
  fc.assert(
    fc.property(range, fc.nat(), ({ octets, before, at }, which) => {
      const a = Uint8Array.of(...new Uint8Array(before), ...octets)
      const b = Uint8Array.of(...new Uint8Array(at).fill(1), ...octets)
      assert.ok(sameOctets(viewOf(a), before, viewOf(b), at, octets.length))
      if (octets.length === 0) return
      const place = at + (which % octets.length)
      b[place] = (b[place] as number) ^ 0x80
      assert.ok(!sameOctets(viewOf(a), before, viewOf(b), at, octets.length))
    }),
  )
})

test('a view of a part is of that part', () => {
  const whole = Uint8Array.of(1, 2, 3, 4)
  assert.equal(viewOf(whole.subarray(1, 3)).getUint8(0), 2)
  assert.equal(viewOf(whole.subarray(1, 3)).byteLength, 2)
})
