/** What explain says of names in cluster domains: the zone, the place in the schema or the lack of one, and who serves it all the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GuardParts, guardOf } from '../../../test/support/guard.ts'
import { queryOf } from '../../../test/support/query.ts'

const parts: GuardParts = {
  rules: {
    kubernetesNames: { strict: ['k8s'], extra: ['apps.cluster.local'], pinNames: true },
    localAnswers: { records: ['db.lan.cluster.local. A 10.0.0.5'] },
  },
  clusterDomains: ['cluster.local', 'clusterset.local', 'k8s', 'east.cluster.local'],
  routeZones: ['cluster.local', 'consul.cluster.local'],
}
const fits = ', so it fits the schema'
const denied = 'so nobody can have published it in cluster.local.: NXDOMAIN'

const table: Record<string, string> = {
  'www.test': 'the name is in no cluster domain (cluster.local., clusterset.local., k8s., east.cluster.local.)',
  'cluster.local': `it is the apex of cluster.local.${fits}`,
  'svc.cluster.local': `svc is one of the own names of cluster.local.${fits}`,
  'ns.dns.cluster.local': `ns.dns is one of the own names of cluster.local.${fits}`,
  'default.svc.k8s': `it may be the namespace default of k8s.${fits}`,
  'Web.Default.SVC.cluster.local': `it may be the service web in the namespace default of cluster.local.${fits}`,
  'a\\.b.default.svc.cluster.local': `it may be the service a\\.b in the namespace default of cluster.local.${fits}`,
  'web-0.web.default.svc.cluster.local': `it may be the endpoint web-0 of the service web in the namespace default of cluster.local.${fits}`,
  '_tcp.web.default.svc.cluster.local': `SRV names of the service web in the namespace default may stand below it: _tcp is a protocol of cluster.local.${fits}`,
  '_http._tcp.web.default.svc.cluster.local': `it may be the port _http over _tcp of the service web in the namespace default of cluster.local.${fits}`,
  'web-0.east.web.default.svc.clusterset.local': `it may be the endpoint web-0 in the cluster east of the service web in the namespace default of clusterset.local.${fits}`,
  'pin._zone.web.default.svc.cluster.local': `it may pin or prefer a zone for the service web in the namespace default of cluster.local.${fits}`,
  'a.b.prefer._zone.web.default.svc.cluster.local': `it may pin or prefer a zone for the service web in the namespace default of cluster.local.${fits}`,
  'a.10-0-0-1.default.pod.cluster.local': `it may be the pod 10-0-0-1 in the namespace default, or stand below it, of cluster.local.${fits}`,
  'google.com.cluster.local': `com stands before cluster.local., where only svc and pod do, ${denied}`,
  'www.google.com.default.svc.cluster.local': `www and google stand where the port and the protocol of a service do, and these begin with _, ${denied}`,
  'a.b.c.d.e.svc.cluster.local': `6 labels stand before cluster.local., more than any name there has, ${denied}`,
  'google.com.clusterset.local':
    'com stands before clusterset.local., where only svc and pod do, but clusterset.local. is not in strict and may be a real zone too, so it is counted and passes',
  'x.east.cluster.local':
    'x stands before east.cluster.local., where only svc and pod do, but east.cluster.local. is not in strict and may be a real zone too, so it is counted and passes',
  'shop.apps.cluster.local':
    'apps stands before cluster.local., where only svc and pod do, but it is at or below apps.cluster.local., which is in extra',
  'x.consul.cluster.local':
    'consul stands before cluster.local., where only svc and pod do, but it is at or below consul.cluster.local., the zone of a route',
  'x.db.lan.cluster.local':
    'lan stands before cluster.local., where only svc and pod do, but it is at or below db.lan.cluster.local., which is answered here',
  'lan.cluster.local':
    'lan stands before cluster.local., where only svc and pod do, but a name below it is served, which an NXDOMAIN for it would deny (RFC 8020)',
}

test('each place in the schema, and each way out of it', () => {
  const { guard } = guardOf(parts)
  const rule = guard.ruleNamed('kubernetesNames')
  const said = Object.keys(table).map((name) => [name, rule?.explain?.(queryOf(name), guard.check(queryOf(name)))])
  assert.deepEqual(Object.fromEntries(said), table)
})

test('what the settings allow is named', () => {
  const said = (settings: object, name: string): string =>
    guardOf({ rules: { kubernetesNames: { ...settings } }, clusterDomains: ['cluster.local'] })
      .guard.ruleNamed('kubernetesNames')
      ?.explain?.(queryOf(name), 0) ?? ''
  assert.match(
    said({ denyBarePorts: false }, 'http.tcp.web.default.svc.cluster.local'),
    /^it may be the port http over tcp of the service web .* \(denyBarePorts is off\) of cluster\.local\., so it fits/,
  )
  const { guard } = guardOf({ rules: { kubernetesNames: {} } })
  assert.equal(guard.ruleNamed('kubernetesNames')?.explain?.(queryOf('www.test'), 0), 'there is no cluster domain')
})
