import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GuardParts, guardOf, replyTo } from '../../../test/support/guard.ts'
import { TYPES } from '../../../test/support/message.ts'
import { queryOf } from '../../../test/support/query.ts'
import { RULE_EXEMPT, RULE_OBSERVED, RULE_REPLIED } from '../../metrics/catalog.ts'
import { PASS, REPLY } from '../../query/verdict.ts'

const base: GuardParts = {
  rules: { searchSuffix: {} },
  clusterDomains: ['cluster.local', 'k8s', 'corp.internal', 'shop.example'],
  searchSuffixes: ['example.org', 'lan'],
}

/** Name → the SOA's owner, or false for a name that passes. */
const table: Record<string, string | false> = {
  'user1-svc.user1.svc.cluster.local.example.org': 'cluster.local.example.org.',
  'google.com.cluster.local.lan': 'cluster.local.lan.',
  'a.K8S.example.org': 'K8S.example.org.',
  'a.shop.example.lan': 'shop.example.lan.',
  'x.svc.cluster.local.unknown.net': 'cluster.local.unknown.net.',
  'svc.cluster.local.com': 'cluster.local.com.',
  '10-0-0-1.ns.pod.corp.internal.com': 'corp.internal.com.',
  'x.svc.cluster.local.cluster.local.lan': 'cluster.local.lan.',
  // Pods' own search lists: L.Z.S where S is in the cluster.
  'web.default.svc.cluster.local.default.svc.cluster.local': 'cluster.local.default.svc.cluster.local.',
  'cluster.local.example.org': false,
  'k8s.lan': false,
  'nas.example.org': false,
  'example.org': false,
  '.': false,
  com: false,
  'a.cluster.local.unknown.net': false,
  'xsvc.cluster.local.unknown.net': false,
  'a\\.svc.cluster.local.unknown.net': false,
  'web.default.svc.k8s.io': false,
  'www.k8s.example.org.edgekey.net': false,
  // A zone that could be public proves nothing without a suffix.
  'x.svc.shop.example.unknown.net': false,
  'x.cluster\\.local.example.org': false,
  'x.mycluster.local.example.org': false,
  'web.default.svc.cluster.local': false,
  'a.cluster.local.cluster.local': false,
  'x.svc.cluster.local.corp.internal': false,
  // A label whose bytes look like the labels of a zone.
  'x.\\007cluster\\005local.example.org': false,
}

test('what is junk by form, and the owner of its SOA', () => {
  const { guard, counted } = guardOf(base)
  for (const [name, owner] of Object.entries(table)) {
    const query = queryOf(name, 'AAAA', { hasOpt: true })
    assert.equal(guard.check(query), owner === false ? PASS : REPLY, name)
    if (owner === false) continue
    const { rcode, aa, answers, authority, edns } = replyTo(query, guard.draft)
    const [soa] = authority
    const ttl = owner.endsWith('.cluster.local.') ? 5 : 30
    assert.deepEqual([rcode, aa, answers.length, authority.length], [3, false, 0, 1], name)
    assert.deepEqual([soa?.name, soa?.type, soa?.ttl], [owner, TYPES['SOA'], ttl], name)
    assert.equal(soa?.data, `dnsweir.invalid. nobody.invalid. 1 3600 600 86400 ${ttl}`, name)
    assert.equal(edns?.options[0]?.data.readUInt16BE(), 15, 'EDE Blocked')
  }
  assert.equal(counted('searchSuffix', RULE_REPLIED), Object.values(table).filter(Boolean).length)
})

test('never at or below a route’s zone or a local answer', () => {
  const { guard } = guardOf({
    ...base,
    rules: {
      searchSuffix: {},
      localAnswers: { records: ['*.any.svc.cluster.local.lan. A 10.0.0.1', 'db.cluster.local.lan. A 10.0.0.1'] },
    },
    routeZones: ['routed.cluster.local.lan'],
  })
  const verdicts = [
    ['x.routed.cluster.local.lan', PASS],
    ['routed.cluster.local.lan', PASS],
    ['notrouted.cluster.local.lan', REPLY],
    ['x.db.cluster.local.lan', PASS],
    ['xdb.cluster.local.lan', REPLY],
    ['any.svc.cluster.local.lan', PASS],
  ] as const
  for (const [name, verdict] of verdicts) assert.equal(guard.check(queryOf(name)), verdict, name)
})

test('DO and CD pass and are counted, unless whenDnssec: answer', () => {
  const name = 'x.svc.cluster.local.example.org'
  const passing = guardOf(base)
  const strict = guardOf({ ...base, rules: { searchSuffix: { whenDnssec: 'answer', negativeTtl: '12s' } } })
  for (const parts of [{ dnssecOk: true }, { checkingDisabled: true }]) {
    assert.equal(passing.guard.check(queryOf(name, 'A', parts)), PASS)
    assert.equal(passing.guard.check(queryOf('www.example.org', 'A', parts)), PASS)
    const query = queryOf(name, 'A', parts)
    assert.equal(strict.guard.check(query), REPLY)
    assert.equal(replyTo(query, strict.guard.draft).authority[0]?.ttl, 12)
  }
  assert.equal(passing.counted('searchSuffix', RULE_EXEMPT), 2)
})

test('observe lets junk pass and counts it', () => {
  const { guard, counted } = guardOf({ ...base, mode: 'observe' })
  assert.equal(guard.check(queryOf('x.svc.cluster.local.example.org')), PASS)
  assert.equal(counted('searchSuffix', RULE_OBSERVED), 1)
})

test('what is explained is not learned from, and keeps nobody from learning', () => {
  const { guard, events } = guardOf({ rules: { searchSuffix: {} }, searchSuffixes: [] })
  guard.idle(0)
  for (let i = 0; i < 5000; i++) guard.check(queryOf('any.test', 'A', { dry: true }))
  guard.idle(2000)
  for (let i = 0; i < 9; i++) {
    const receivedAt = 2100 + 100 * i
    guard.denied(queryOf(`www.n${i}.test.corp.example`, 'A', { receivedAt }), false)
    guard.check(queryOf(`www.n${i}.test`, 'A', { receivedAt: receivedAt + 50 }))
  }
  guard.idle(4000)
  assert.equal(events.length, 1)
})
