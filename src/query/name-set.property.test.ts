import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NameSet } from './name-set.ts'
import { indexName } from './open.ts'
import { Query } from './query.ts'

/** Few labels, so that suffixes meet; one with a 0 octet and one with a dot in it. */
const label = fc.constantFrom('a', 'b', 'org', 'org\0', 'x.org')
const labels = fc.array(label, { maxLength: 5 })

function wire(name: readonly string[]): Uint8Array {
  return Uint8Array.from([...name.flatMap((text) => [text.length, ...Buffer.from(text, 'latin1')]), 0])
}

function queryFor(name: readonly string[]): Query {
  const query = new Query()
  const bytes = wire(name)
  query.name.set(bytes)
  query.nameLength = bytes.length
  indexName(query, 1)
  return query
}

test('the longest suffix is the first of the name and its ancestors that is a member', () => {
  fc.assert(
    fc.property(fc.array(labels, { maxLength: 6 }), labels, fc.nat(3), (members, asked, from) => {
      const set = new NameSet(members.map(wire))
      const begin = Math.min(from, asked.length)
      const isMember = (at: number): boolean =>
        members.some((member) => JSON.stringify(member) === JSON.stringify(asked.slice(at)))
      let wanted = begin
      while (wanted <= asked.length && !isMember(wanted)) wanted++
      const found = set.longestSuffix(queryFor(asked), begin)
      if (wanted > asked.length) return assert.equal(found, -1)
      assert.deepEqual(members[found], asked.slice(wanted))
      assert.equal(set.matchedLabel, wanted)
    }),
    { numRuns: 3000 },
  )
})
