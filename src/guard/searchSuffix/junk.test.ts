import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { localTableOf } from '../../../test/support/guard.ts'
import { queryOfWire } from '../../../test/support/query.ts'
import { NameSet } from '../../query/name-set.ts'
import { Query } from '../../query/query.ts'
import { nameToText } from '../../wire/text.ts'
import { JunkByForm } from './junk.ts'

type Name = readonly string[]

/** FIELD 2 word by word, slow and obvious: all ways to cut the name into L, Z and S. */
function isJunk(name: Name, zones: Name[], suffixes: Name[], routes: Name[], locals: Name[]): boolean {
  if ([...routes, ...locals].some((served) => isAtOrBelow(name, served))) return false
  for (let begin = 1; begin < name.length; begin++) {
    for (let suffix = begin + 1; suffix < name.length; suffix++) {
      const [left, middle, right] = [name.slice(0, begin), name.slice(begin, suffix), name.slice(suffix)]
      const zone = zones.find((one) => same(one, middle))
      if (zone === undefined) continue
      const isSuffix = suffixes.some((one) => same(one, right))
      const isPrivate = zone.length >= 2 && ['local', 'internal'].includes(zone.at(-1) as string)
      if (!isSuffix && !(isPrivate && ['svc', 'pod'].includes(left.at(-1) as string))) continue
      if (zones.some((other) => !same(other, zone) && isAtOrBelow(name, other))) continue
      return true
    }
  }
  return false
}

const same = (a: Name, b: Name): boolean => a.length === b.length && a.every((label, i) => label === b[i])
const isAtOrBelow = (name: Name, zone: Name): boolean =>
  name.length >= zone.length && same(name.slice(-zone.length), zone)

const wire = (name: Name): Uint8Array =>
  Uint8Array.from([...name.flatMap((label) => [label.length, ...Buffer.from(label, 'latin1')]), 0])

// Few words, so that zones, suffixes and schema words meet in one name; two labels hold a dot or a length byte.
const label = fc.constantFrom('cluster', 'local', 'internal', 'svc', 'pod', 'k8s', 'a', 'org', 'svc.cluster', '\x03svc')
const name = (minLength: number, maxLength: number) => fc.array(label, { minLength, maxLength })
const zone = fc.oneof(fc.constantFrom(['cluster', 'local'], ['k8s'], ['a', 'internal'], ['local']), name(1, 3))

test('the same decision as the definition read aloud, for any names and zones', () => {
  const query = new Query()
  const junk = { yes: 0, no: 0 }
  fc.assert(
    fc.property(
      fc.array(zone, { maxLength: 4 }),
      fc.array(name(1, 2), { maxLength: 3 }),
      fc.array(name(2, 4), { maxLength: 1 }),
      fc.array(name(2, 4), { maxLength: 1 }),
      fc.array(fc.tuple(fc.constantFrom('zone', 'suffix', 'label'), fc.nat(), label), { maxLength: 6 }),
      (zones, suffixes, routes, locals, picks) => {
        const asked = picks.flatMap(([kind, pick, word]) => {
          const from = kind === 'zone' ? zones : kind === 'suffix' ? suffixes : []
          return from[pick % from.length] ?? [word]
        })
        const set = (names: Name[]) => new NameSet(names.map(wire))
        const form = new JunkByForm({
          clusterDomains: set(zones),
          searchSuffixes: set(suffixes),
          routeZones: set(routes),
          servedBelow: new NameSet([]),
          localNames: localTableOf(locals.map((one) => nameToText(wire(one)))),
        })
        queryOfWire(wire(asked), 1, {}, query)
        const expected = isJunk(asked, zones, suffixes, routes, locals)
        junk[expected ? 'yes' : 'no']++
        const found = form.find(query)
        assert.equal(found !== -1, expected)
        if (!expected) return
        // What is found is a Z.S, with something left of it.
        const owner = asked.slice(found)
        assert.ok(found >= 1)
        assert.ok(zones.some((one) => owner.length > one.length && same(owner.slice(0, one.length), one)))
      },
    ),
    { numRuns: 20_000, seed: 1 },
  )
  assert.ok(junk.yes > 500 && junk.no > 500, `both are met: ${junk.yes} junk, ${junk.no} not`)
})

test('the longest name and the longest lists are decided quickly', () => {
  const zones = Array.from({ length: 32 }, (_, i) => [`z${i}`, 'local'])
  const form = new JunkByForm({
    clusterDomains: new NameSet(zones.map(wire)),
    searchSuffixes: new NameSet([wire(['lan'])]),
    routeZones: new NameSet([]),
    servedBelow: new NameSet([]),
    localNames: localTableOf([]),
  })
  const query = queryOfWire(wire(new Array<string>(126).fill('z')), 1)
  assert.equal(query.labelCount, 126)
  const from = performance.now()
  for (let i = 0; i < 100; i++) assert.equal(form.find(query), -1)
  assert.ok((performance.now() - from) / 100 < 5, 'well below a turn')
})
