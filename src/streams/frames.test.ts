import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Frames } from './frames.ts'

const message = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 500, maxLength: 3000 }))

/** The stream cut at the given places, which may repeat (empty chunks). */
function cut(stream: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (stream.length + 1)).sort((a, b) => a - b), stream.length]
  return at.slice(1).map((to, i) => stream.slice(at[i], to))
}

function framed(messages: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(messages.flatMap((one) => [Buffer.from([one.length >> 8, one.length & 255]), one])),
  )
}

test('any chunking gives the same messages, whether they are taken at once or late', () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 12 }),
      fc.array(fc.nat(), { maxLength: 40 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }),
      fc.nat(3),
      (messages, places, eager, missing) => {
        const stream = framed(messages)
        const whole = stream.subarray(0, stream.length - Math.min(missing, stream.length))
        const frames = new Frames()
        const found: Uint8Array[] = []
        cut(whole, places).forEach((chunk, i) => {
          frames.push(chunk)
          if (!eager[i % eager.length]) return
          while (frames.next()) found.push(frames.bytes.slice(frames.at, frames.at + frames.length))
        })
        while (frames.next()) found.push(frames.bytes.slice(frames.at, frames.at + frames.length))
        const used = framed(found).length
        assert.deepEqual(found, messages.slice(0, found.length))
        assert.equal(frames.isMidMessage, whole.length > used)
        assert.ok(missing > 0 || found.length === messages.length)
      },
    ),
    { numRuns: 500 },
  )
})

test('byte by byte, with the longest message there is', () => {
  const longest = new Uint8Array(65_535).map((_, i) => i * 7)
  const frames = new Frames()
  const stream = framed([longest, new Uint8Array(0), longest])
  const lengths: number[] = []
  for (let at = 0; at < stream.length; at++) {
    frames.push(stream.subarray(at, at + 1))
    while (frames.next()) {
      lengths.push(frames.length)
      if (frames.length > 0) assert.deepEqual(frames.bytes.slice(frames.at, frames.at + frames.length), longest)
    }
  }
  assert.deepEqual(lengths, [65_535, 0, 65_535])
})

test('an announced length costs no memory', () => {
  const frames = new Frames()
  frames.push(new Uint8Array([0xff, 0xff, 1]))
  assert.equal(frames.next(), false)
  assert.ok((frames as unknown as { held: Uint8Array }).held.length <= 512)
})
