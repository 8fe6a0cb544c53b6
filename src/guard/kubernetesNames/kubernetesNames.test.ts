import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GuardParts, guardOf, replyTo } from '../../../test/support/guard.ts'
import { TYPES } from '../../../test/support/message.ts'
import { queryOf } from '../../../test/support/query.ts'
import { RULE_OBSERVED, RULE_REPLIED, zone as zoneCounters } from '../../metrics/catalog.ts'
import { PASS, REPLY } from '../../query/verdict.ts'
import { nameToText } from '../../wire/text.ts'

/** The settings that a column of the table stands for. */
const columns: Record<string, Readonly<Record<string, unknown>>> = {
  plain: {},
  /** Everything that may be let through is. */
  open: { strict: 'all', pinNames: true, denyBarePorts: false },
  strict: { strict: 'all', extra: ['apps.cluster.local', 'api.k8s.example.com'] },
}

const parts = (settings: Readonly<Record<string, unknown>>): GuardParts => ({
  rules: { kubernetesNames: settings, localAnswers: { records: ['db.lan.cluster.local. A 10.0.0.5'] } },
  clusterDomains: ['cluster.local', 'east.cluster.local', 'clusterset.local', 'k8s', 'k8s.example.com'],
  routeZones: ['cluster.local', 'consul.cluster.local', 'local'],
})

const NO = 'denied'
const yes = 'passes'

/** Name → whether it is denied by the settings of each column: plain, open, strict. */
const table: Record<string, readonly [string, string, string]> = {
  // What Kubernetes and CoreDNS publish.
  'cluster.local': [yes, yes, yes],
  'svc.cluster.local': [yes, yes, yes],
  'pod.cluster.local': [yes, yes, yes],
  'dns-version.cluster.local': [yes, yes, yes],
  'ns.dns.cluster.local': [yes, yes, yes],
  'default.svc.cluster.local': [yes, yes, yes],
  'default.pod.cluster.local': [yes, yes, yes],
  'kubernetes.default.svc.cluster.local': [yes, yes, yes],
  'KUBERNETES.Default.SVC.Cluster.LOCAL': [yes, yes, yes],
  '7zip.default.svc.cluster.local': [yes, yes, yes],
  '0.0.svc.cluster.local': [yes, yes, yes],
  'web-0.web.default.svc.cluster.local': [yes, yes, yes],
  '10-233-64-5.web.default.svc.cluster.local': [yes, yes, yes],
  'fd00--1.web.default.svc.cluster.local': [yes, yes, yes],
  '_http._tcp.web.default.svc.cluster.local': [yes, yes, yes],
  '_HTTP._TCP.web.default.svc.cluster.local': [yes, yes, yes],
  '_tcp.web.default.svc.cluster.local': [yes, yes, yes],
  '_._.web.default.svc.cluster.local': [yes, yes, yes],
  '_zone.web.default.svc.cluster.local': [yes, yes, yes],
  '*.default.svc.cluster.local': [yes, yes, yes],
  '10-233-64-5.default.pod.cluster.local': [yes, yes, yes],
  'fd00--1.default.pod.cluster.local': [yes, yes, yes],
  'a.10-233-64-5.default.pod.cluster.local': [yes, yes, yes],
  'a.b.c.d.e.10-233-64-5.default.pod.cluster.local': [yes, yes, yes],
  'www.google.com.default.pod.cluster.local': [yes, yes, yes],
  // Fits the schema: another rule's matter.
  'com.svc.cluster.local': [yes, yes, yes],
  'google.com.svc.cluster.local': [yes, yes, yes],
  'google.com.default.svc.cluster.local': [yes, yes, yes],
  'svc.svc.svc.cluster.local': [yes, yes, yes],
  'pod.svc.cluster.local': [yes, yes, yes],
  'svc.pod.cluster.local': [yes, yes, yes],
  // The rightmost label is neither svc nor pod.
  'com.cluster.local': [NO, NO, NO],
  'google.com.cluster.local': [NO, NO, NO],
  'GOOGLE.com.Cluster.Local': [NO, NO, NO],
  'www.google.com.cluster.local': [NO, NO, NO],
  'kubernetes.cluster.local': [NO, NO, NO],
  'kubernetes.default.cluster.local': [NO, NO, NO],
  'web.svc.default.cluster.local': [NO, NO, NO],
  'svc.default.cluster.local': [NO, NO, NO],
  'svcs.cluster.local': [NO, NO, NO],
  'sv.cluster.local': [NO, NO, NO],
  'web.default.pods.cluster.local': [NO, NO, NO],
  'example.org.cluster.local': [NO, NO, NO],
  'web.default.svc.cluster.local.cluster.local': [NO, NO, NO],
  '_ldap._tcp.cluster.local': [NO, NO, NO],
  '_services._dns-sd._udp.cluster.local': [NO, NO, NO],
  'a.dns-version.cluster.local': [NO, NO, NO],
  'dns-versions.cluster.local': [NO, NO, NO],
  'ns.cluster.local': [NO, NO, NO],
  'a.ns.dns.cluster.local': [NO, NO, NO],
  'ns1.dns.cluster.local': [NO, NO, NO],
  '*.cluster.local': [NO, NO, NO],
  // An ancestor of a name that exists.
  'dns.cluster.local': [yes, yes, yes],
  // Labels, not text.
  'a\\.svc.cluster.local': [NO, NO, NO],
  'web.default\\.svc.cluster.local': [NO, NO, NO],
  'x\\003svc.cluster.local': [NO, NO, NO],
  'ns\\.dns.cluster.local': [NO, NO, NO],
  'a\\.b.c\\.d.default.svc.cluster.local': [yes, yes, yes],
  'www\\.google.com.default.svc.cluster.local': [yes, yes, yes],
  '\\000.\\255.svc.cluster.local': [yes, yes, yes],
  'google.com.cluster\\.local': [yes, yes, yes],
  'google.com.mycluster.local': [yes, yes, yes],
  'google.com.cluster.localx': [yes, yes, yes],
  // Five labels up to svc.
  'www.google.com.default.svc.cluster.local': [NO, yes, NO],
  'a.b.c.d.svc.cluster.local': [NO, yes, NO],
  '_http.tcp.web.default.svc.cluster.local': [NO, yes, NO],
  'http._tcp.web.default.svc.cluster.local': [NO, yes, NO],
  'http.tcp.web.default.svc.cluster.local': [NO, yes, NO],
  'east.web-0.web.default.svc.cluster.local': [NO, yes, NO],
  // Six and more.
  'a.b.c.d.e.svc.cluster.local': [NO, NO, NO],
  'a._http._tcp.web.default.svc.cluster.local': [NO, NO, NO],
  '_a._http._tcp.web.default.svc.cluster.local': [NO, NO, NO],
  'www.google.com.kubecamp.default.svc.cluster.local': [NO, NO, NO],
  'web.default.svc.cluster.local.default.svc.cluster.local': [NO, NO, NO],
  'a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.svc.cluster.local': [NO, NO, NO],
  // Names that pin or prefer a zone.
  'pin._zone.web.default.svc.cluster.local': [NO, yes, NO],
  'a.pin._zone.web.default.svc.cluster.local': [NO, yes, NO],
  'us-east-1a.prefer._zone.web.default.svc.cluster.local': [NO, yes, NO],
  'rack7.hall2.us-east-1a.pin._zone.web.default.svc.cluster.local': [NO, yes, NO],
  'a.PREFER._ZONE.web.default.svc.cluster.local': [NO, yes, NO],
  'a.pinned._zone.web.default.svc.cluster.local': [NO, NO, NO],
  'a.pin.zone.web.default.svc.cluster.local': [NO, NO, NO],
  'a._zone.pin.web.default.svc.cluster.local': [NO, NO, NO],
  'a.pin._zone.default.svc.cluster.local': [NO, yes, NO],
  'a.pin\\._zone.web.b.default.svc.cluster.local': [NO, NO, NO],
  // Somebody else serves it.
  'consul.cluster.local': [yes, yes, yes],
  'web.service.consul.cluster.local': [yes, yes, yes],
  'a.b.c.d.e.f.consul.cluster.local': [yes, yes, yes],
  'xconsul.cluster.local': [NO, NO, NO],
  'x.db.lan.cluster.local': [yes, yes, yes],
  'xdb.lan.cluster.local': [NO, NO, NO],
  'lan.cluster.local': [yes, yes, yes],
  // extra, with all below it; its ancestors exist then.
  'apps.cluster.local': [NO, NO, yes],
  'shop.apps.cluster.local': [NO, NO, yes],
  'a.b.c.svc.apps.cluster.local': [NO, NO, yes],
  'xapps.cluster.local': [NO, NO, NO],
  // Nested: the innermost zone decides.
  'east.cluster.local': [yes, yes, yes],
  'svc.east.cluster.local': [yes, yes, yes],
  'web.default.svc.east.cluster.local': [yes, yes, yes],
  'google.com.east.cluster.local': [yes, NO, NO],
  'web.default.svc.west.cluster.local': [NO, NO, NO],
  // Zones of several clusters.
  'web-0.east.web.default.svc.clusterset.local': [yes, yes, yes],
  '_http._tcp.web.default.svc.clusterset.local': [yes, yes, yes],
  'www.google.com.default.svc.clusterset.local': [yes, yes, yes],
  'a.web-0.east.web.default.svc.clusterset.local': [yes, NO, NO],
  'google.com.clusterset.local': [yes, NO, NO],
  // A cluster domain of one label, and one that is a real zone too.
  'web.default.svc.k8s': [yes, yes, yes],
  k8s: [yes, yes, yes],
  'google.com.k8s': [yes, NO, NO],
  'registry.k8s.io': [yes, yes, yes],
  'api.k8s.example.com': [yes, NO, yes],
  'v1.api.k8s.example.com': [yes, NO, yes],
  'www.k8s.example.com': [yes, NO, NO],
  // None of a cluster's.
  local: [yes, yes, yes],
  'google.com.local': [yes, yes, yes],
  'google.com': [yes, yes, yes],
  '.': [yes, yes, yes],
}

for (const [i, [column, settings]] of Object.entries(columns).entries()) {
  test(`the table: ${column}`, () => {
    assert.ok(Object.keys(table).length >= 80)
    const { guard, counted } = guardOf(parts(settings))
    const wrong = Object.entries(table).filter(
      ([name, row]) => guard.check(queryOf(name)) !== (row[i] === NO ? REPLY : PASS),
    )
    assert.deepEqual(wrong, [])
    assert.equal(counted('kubernetesNames', RULE_REPLIED), Object.values(table).filter((row) => row[i] === NO).length)
  })
}

test('a denial: SOA of the zone, 5 s, and why', () => {
  const { guard } = guardOf(parts({ strict: ['k8s', 'east.cluster.local'] }))
  const cases = [
    ['google.com.cluster.local', 'cluster.local.', 'neither svc nor pod'],
    ['Com.Cluster.Local', 'Cluster.Local.', 'neither svc nor pod'],
    ['www.google.com.default.svc.cluster.local', 'cluster.local.', 'no port and protocol'],
    ['a.b.c.d.e.svc.k8s', 'k8s.', 'too many labels'],
    ['x.east.cluster.local', 'east.cluster.local.', 'neither svc nor pod'],
  ] as const
  for (const dnssec of [{}, { dnssecOk: true }, { checkingDisabled: true }]) {
    for (const [name, owner, words] of cases) {
      const query = queryOf(name, 'AAAA', { hasOpt: true, ...dnssec })
      assert.equal(guard.check(query), REPLY, name)
      const { rcode, aa, ad, answers, authority, edns } = replyTo(query, guard.draft)
      assert.deepEqual([rcode, aa, ad, answers.length, authority.length], [3, false, false, 0, 1], name)
      const [soa] = authority
      assert.deepEqual([soa?.name, soa?.type, soa?.ttl], [owner, TYPES['SOA'], 5], name)
      assert.equal(soa?.data, 'dnsweir.invalid. nobody.invalid. 1 3600 600 86400 5', name)
      assert.deepEqual(edns?.ede, [15], name)
      assert.equal(edns?.options[0]?.data.toString('latin1', 2), `kubernetesNames: ${words}`)
    }
  }
})

test('every type alike: NXDOMAIN is about the name', () => {
  const { guard } = guardOf(parts({}))
  for (const type of ['A', 'AAAA', 'SRV', 'TXT', 'NS', 'SOA', 'HTTPS', 'PTR', 'DS', 'TYPE65280']) {
    assert.equal(guard.check(queryOf('google.com.cluster.local', type)), REPLY, type)
    assert.equal(guard.check(queryOf('web.default.svc.cluster.local', type)), PASS, type)
  }
})

test('a zone that is not strict is counted by its own name, and named to the operator once', () => {
  const { guard, plan, counters, counted, events } = guardOf(parts({ strict: ['k8s'] }))
  for (const name of ['google.com.k8s.example.com', 'a.k8s.example.com', 'odd\\010name.k8s.example.com']) {
    assert.equal(guard.check(queryOf(name)), PASS)
  }
  assert.equal(guard.check(queryOf('x.clusterset.local', 'A', { dry: true })), PASS)
  assert.equal(guard.check(queryOf('google.com.k8s')), REPLY)
  assert.deepEqual([counted('kubernetesNames', RULE_OBSERVED), counted('kubernetesNames', RULE_REPLIED)], [3, 1])
  assert.equal(guard.check(queryOf('y.clusterset.local')), PASS)
  const passed = plan.billNames.map((name, i) => [nameToText(name), counters.lane[zoneCounters.at(1 + i, 0)]])
  assert.deepEqual(Object.fromEntries(passed), {
    'cluster.local.': 0,
    'east.cluster.local.': 0,
    'clusterset.local.': 1,
    'k8s.': 0,
    'k8s.example.com.': 3,
  })
  assert.deepEqual(
    events.map(({ rule, state, subject, level }) => [rule, state, subject, level]),
    [
      ['kubernetesNames', 'note', 'k8s.example.com.', 'info'],
      ['kubernetesNames', 'note', 'clusterset.local.', 'info'],
    ],
  )
  assert.match(events[0]?.sentence ?? '', /^google\.com\.k8s\.example\.com\. is no name .*strict/)
})

test('a zone that is listed as strict need be no cluster domain', () => {
  const { guard } = guardOf({ clusterDomains: [], rules: { kubernetesNames: { strict: ['prod.internal'] } } })
  assert.equal(guard.check(queryOf('google.com.prod.internal')), REPLY)
  assert.equal(guard.check(queryOf('web.default.svc.prod.internal')), PASS)
  assert.equal(guard.check(queryOf('google.com.cluster.local')), PASS, 'no cluster domain here')
})

test('observe lets all pass and counts', () => {
  for (const mode of [{ mode: 'observe' }, { guard: 'observe' }] as const) {
    const own = 'mode' in mode ? { mode: mode.mode } : {}
    const { guard, counted } = guardOf({
      ...parts({ strict: ['k8s'], ...own }),
      mode: 'guard' in mode ? mode.guard : 'enforce',
    })
    for (const name of ['google.com.cluster.local', 'google.com.k8s', 'google.com.clusterset.local']) {
      assert.equal(guard.check(queryOf(name)), PASS, name)
    }
    assert.deepEqual([counted('kubernetesNames', RULE_OBSERVED), counted('kubernetesNames', RULE_REPLIED)], [3, 0])
  }
})

test('a route or a local answer for the zone itself, or above it, does not switch the rule off', () => {
  const cases: [Partial<GuardParts> & { records?: string[] }, number][] = [
    [{ routeZones: ['cluster.local'] }, REPLY],
    [{ routeZones: ['local'] }, REPLY],
    [{ routeZones: ['com.cluster.local'] }, PASS],
    [{ routeZones: ['cluster.local', 'google.com.cluster.local'] }, PASS],
    [{ routeZones: ['www.google.com.cluster.local'] }, PASS],
    [{ records: ['cluster.local. TXT "ours"'] }, REPLY],
    [{ records: ['com.cluster.local. TXT "ours"'] }, PASS],
    [{ records: ['www.google.com.cluster.local. TXT "ours"'] }, PASS],
  ]
  for (const [{ records = [], ...more }, verdict] of cases) {
    const { guard } = guardOf({
      clusterDomains: ['cluster.local'],
      rules: { kubernetesNames: {}, localAnswers: { records } },
      ...more,
    })
    assert.equal(guard.check(queryOf('google.com.cluster.local')), verdict, JSON.stringify({ records, ...more }))
  }
})
