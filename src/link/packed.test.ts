import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ANSWER, Packer, packedBytesMax, placeGeneration, placeUpstream, Unpacker, upstreamPlace } from './packed.ts'

const record = fc.record({
  kind: fc.integer({ min: 1, max: 255 }),
  place: fc.integer({ min: 0, max: 0xffff }),
  first: fc.integer({ min: 0, max: 0xffffffff }),
  second: fc.integer({ min: 0, max: 0xffffffff }),
  octets: fc.oneof(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ minLength: 60_000, maxLength: 65_535 })),
  spare: fc.integer({ min: 0, max: 500 }),
})

test('what is packed comes out again, message after message', () => {
  fc.assert(
    fc.property(fc.array(fc.array(record, { maxLength: 12 }), { minLength: 1, maxLength: 4 }), (turns) => {
      const packer = new Packer()
      const unpacker = new Unpacker()
      for (const records of turns) {
        for (const one of records) {
          const at = packer.open(one.kind, one.place, one.first, one.second, one.octets.length + one.spare)
          assert.notEqual(at, -1)
          packer.bytes.set(one.octets, at)
          packer.close(one.octets.length)
        }
        assert.equal(packer.isEmpty, records.length === 0)
        unpacker.start(packer.take())
        for (const one of records) {
          assert.equal(unpacker.advance(), true)
          const { kind, place, first, second, at, length } = unpacker
          assert.deepEqual([kind, place, first, second], [one.kind, one.place, one.first, one.second])
          assert.deepEqual(unpacker.bytes.slice(at, at + length), one.octets)
        }
        assert.equal(unpacker.advance(), false)
        assert.equal(packer.isEmpty, true)
      }
    }),
    { numRuns: 60 },
  )
})

test('a full message says so and is whole all the same', () => {
  const packer = new Packer()
  const octets = new Uint8Array(50_000).fill(7)
  let count = 0
  while (packer.add(ANSWER, 0, count, 1, octets, 0, octets.length)) count++
  const message = packer.take()
  assert.ok(message.byteLength <= packedBytesMax)
  assert.equal(count, Math.floor(packedBytesMax / 50_016))
  assert.equal(packer.add(ANSWER, 0, 0, 1, octets, 0, octets.length), true)
  const unpacker = new Unpacker()
  unpacker.start(message)
  for (let i = 0; i < count; i++) {
    assert.equal(unpacker.advance(), true)
    assert.equal(unpacker.first, i)
  }
  assert.equal(unpacker.advance(), false)
})

test('misuse is our bug and ends the worker', () => {
  const packer = new Packer()
  packer.open(1, 0, 0, 0, 10)
  assert.throws(() => packer.open(1, 0, 0, 0, 10), /one record is open/)
  assert.throws(() => packer.close(11), /stays within the room/)
  const unpacker = new Unpacker()
  unpacker.start(new Uint32Array([1, 0, 0, 400, 0]).buffer)
  assert.throws(() => unpacker.advance(), /ends within its message/)
})

test('an upstream is named together with its plan', () => {
  for (const [generation, upstream] of [
    [0, 0],
    [1, 31],
    [2047, 5],
    [2048 + 3, 9],
  ] as const) {
    const place = upstreamPlace(generation, upstream)
    assert.ok(place <= 0xffff)
    assert.equal(placeUpstream(place), upstream)
    assert.equal(placeGeneration(place), generation & 0x7ff)
  }
})
