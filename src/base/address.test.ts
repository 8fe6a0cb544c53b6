import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { addressBytes, PrefixTable, writeMapped } from './address.ts'

const address = fc
  .constantFrom(4, 16)
  .chain((length) => fc.array(fc.constantFrom(0, 1, 10, 127, 192, 254, 255), { minLength: length, maxLength: length }))
  .map((octets) => Uint8Array.from(octets))
const prefix = address.chain((bytes) =>
  fc.integer({ min: 0, max: bytes.length * 8 }).map((length) => ({ bytes, length })),
)

/** Bit by bit, and of one family. */
function covers({ bytes, length }: { bytes: Uint8Array; length: number }, asked: Uint8Array): boolean {
  const bitsOf = (from: Uint8Array): string => [...from].map((octet) => octet.toString(2).padStart(8, '0')).join('')
  return bytes.length === asked.length && bitsOf(bytes).slice(0, length) === bitsOf(asked).slice(0, length)
}

test('a table has the addresses that one of its prefixes covers, and no others', () => {
  fc.assert(
    fc.property(fc.array(prefix, { maxLength: 5 }), address, fc.nat(7), (prefixes, asked, at) => {
      // A mapped address that is written in full is the IPv4 address.
      const isMapped = asked.length === 16 && asked.slice(0, 12).every((octet, i) => octet === (i < 10 ? 0 : 255))
      fc.pre(!isMapped)
      const mapped = new Uint8Array(at + addressBytes)
      writeMapped(asked, mapped, at)
      assert.equal(
        new PrefixTable(prefixes).has(mapped, at),
        prefixes.some((one) => covers(one, asked)),
      )
    }),
    { numRuns: 2000 },
  )
})

const cases: readonly [string, number[], number, number[], boolean][] = [
  ['a whole IPv4 address', [10, 0, 0, 7], 32, [10, 0, 0, 7], true],
  ['its neighbour', [10, 0, 0, 7], 32, [10, 0, 0, 6], false],
  ['all of IPv4', [0, 0, 0, 0], 0, [203, 0, 113, 9], true],
  ['all of IPv6 is not IPv4', Array(16).fill(0), 0, [203, 0, 113, 9], false],
  ['IPv4 written as mapped', [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 0], 104, [10, 9, 8, 7], true],
  ['half an octet', [172, 16, 0, 0], 12, [172, 31, 255, 255], true],
  ['just beyond it', [172, 16, 0, 0], 12, [172, 32, 0, 0], false],
]
for (const [what, bytes, length, asked, wanted] of cases) {
  test(`prefixes: ${what}`, () => {
    const mapped = new Uint8Array(addressBytes)
    writeMapped(Uint8Array.from(asked), mapped, 0)
    assert.equal(new PrefixTable([{ bytes: Uint8Array.from(bytes), length }]).has(mapped, 0), wanted)
  })
}
