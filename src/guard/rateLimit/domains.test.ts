import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localTableOf } from '../../../test/support/guard.ts'
import { queryOf, queryOfWire } from '../../../test/support/query.ts'
import { NameSet } from '../../query/name-set.ts'
import { nameFromText, nameToText } from '../../wire/text.ts'
import { Domains } from './domains.ts'

const set = (...names: string[]): NameSet => new NameSet(names.map((name) => nameFromText(name) as Uint8Array))
const domains = new Domains({
  clusterDomains: set('cluster.local', 'k8s'),
  searchSuffixes: set('example.org', 'corp.example.org'),
  routeZones: set('233.10.in-addr.arpa', '8.b.d.0.1.0.0.2.ip6.arpa', 'com', 'lan.example.net'),
  localNames: localTableOf(['db.lan']),
  servedBelow: set(),
})

const table = [
  ['u123.x.flood.test', 'flood.test.'],
  ['flood.test', 'flood.test.'],
  ['FLOOD.Test', 'flood.test.'],
  ['web.default.svc.cluster.local', 'cluster.local.'],
  ['web.k8s', 'k8s.'],
  ['a.b.example.org', 'example.org.'],
  ['a.b.corp.example.org', 'corp.example.org.'],
  ['corp.example.org', 'corp.example.org.'],
  ['db.default.svc.cluster.local.example.org', 'example.org.'],
  ['4.3.2.1.in-addr.arpa', 'in-addr.arpa.'],
  ['7.6.233.10.in-addr.arpa', '233.10.in-addr.arpa.'],
  ['1.2.3.8.b.d.0.1.0.0.2.ip6.arpa', '8.b.d.0.1.0.0.2.ip6.arpa.'],
  ['1.0.0.0.ip6.arpa', 'ip6.arpa.'],
  ['www.example.com', 'example.com.'],
  ['a.lan.example.net', 'example.net.'],
  ['www.shop.co.uk', 'co.uk.'],
  ['wpad', '.'],
  ['.', '.'],
] as const

for (const [name, domain] of table) {
  test(`${name} is below ${domain}`, () => {
    const query = queryOf(name)
    assert.equal(nameToText(query.name.subarray(0, query.nameLength), domains.find(query)), domain)
  })
}

test('a dot within a label separates nothing', () => {
  const query = queryOfWire(nameFromText('x\\.cluster.local') as Uint8Array, 1)
  assert.equal(nameToText(query.name, domains.find(query)), 'x\\.cluster.local.')
})

test('an error may come without a name', () => {
  const query = queryOf('a.b.c.test')
  query.nameLength = 0
  assert.equal(domains.find(query), 0)
})
