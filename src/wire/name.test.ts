import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lower, lowerFour } from './name.ts'

test('four bytes at once become what each of them becomes', () => {
  for (let byte = 0; byte < 256; byte++) {
    for (const other of [0, 0x40, 0x41, 0x5a, 0x5b, 0x7f, 0x80, 0xc1, 0xff]) {
      for (let place = 0; place < 4; place++) {
        const bytes = [other, other, other, other]
        bytes[place] = byte
        const view = new DataView(Uint8Array.from(bytes).buffer)
        view.setInt32(0, lowerFour(view.getInt32(0, true)), true)
        assert.deepEqual([...new Uint8Array(view.buffer)], bytes.map(lower), `${bytes}`)
      }
    }
  }
})
