/** kubernetesNames: what the schema of a cluster zone has no place for never reaches an upstream (FIELD 2, 3.5, 3.6). */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { ask } from '../support/client.ts'
import { type Message, RCODES, TYPES } from '../support/message.ts'
import { startProgram } from '../support/program.ts'
import { openUpstream, startScene } from '../support/scene.ts'
import { anyAddress } from '../support/upstream.ts'

const both = ['udp', 'tcp'] as const

/** Name → the zone whose SOA comes with the denial; false: it goes upstream. */
const NAMES: Record<string, string | false> = {
  'kubernetes.default.svc.cluster.local': false,
  '_https._tcp.kubernetes.default.svc.cluster.local': false,
  'web-0.web.default.svc.cluster.local': false,
  '7zip.default.svc.cluster.local': false,
  '10-233-64-5.default.pod.cluster.local': false,
  'a.b.c.10-233-64-5.default.pod.cluster.local': false,
  'dns-version.cluster.local': false,
  'ns.dns.cluster.local': false,
  'cluster.local': false,
  'default.svc.cluster.local': false,
  'google.com.svc.cluster.local': false,
  'google.com.default.svc.cluster.local': false,
  'www\\.google.com.default.svc.cluster.local': false,
  'google.com.cluster.local': 'cluster.local.',
  'GOOGLE.Com.Cluster.Local': 'Cluster.Local.',
  'kubernetes.cluster.local': 'cluster.local.',
  'a\\.svc.cluster.local': 'cluster.local.',
  'www.google.com.default.svc.cluster.local': 'cluster.local.',
  'mail.www.google.com.default.svc.cluster.local': 'cluster.local.',
  'a.pin._zone.web.default.svc.cluster.local': 'cluster.local.',
  'web.service.consul.cluster.local': false,
  'x.db.cluster.local': false,
  'shop.apps.cluster.local': false,
  'web.default.svc.clusterset.local': false,
  'web-0.east.web.default.svc.clusterset.local': false,
  'google.com.clusterset.local': 'clusterset.local.',
  'google.com.k8s': false,
  'google.com.k8s.example.com': false,
}

function assertDenied(answer: Message, zone: string, how: string): void {
  assert.deepEqual([answer.rcode, answer.answers.length, answer.tc, answer.ad], [3, 0, false, false], how)
  const [soa] = answer.authority
  assert.deepEqual([answer.authority.length, soa?.type, soa?.name, soa?.ttl], [1, TYPES['SOA'], zone, 5], how)
  assert.equal(soa?.data, 'dnsweir.invalid. nobody.invalid. 1 3600 600 86400 5', how)
}

test('only what the schema has a place for reaches the upstream', async (t) => {
  const upstream = await openUpstream(t, anyAddress)
  const program = await startProgram(t, {
    upstreams: [upstream.target],
    // The normal case: the cluster's own server for the whole zone. It does not switch the rule off.
    routes: [
      { zones: ['cluster.local'], upstreams: [upstream.target] },
      { zones: ['consul.cluster.local'], upstreams: [upstream.target] },
    ],
    clusterDomains: ['cluster.local', 'clusterset.local', 'k8s', 'k8s.example.com'],
    guard: {
      kubernetesNames: { strict: ['clusterset.local'], extra: ['apps.cluster.local'] },
      localAnswers: { records: ['db.cluster.local. 60 IN A 192.0.2.9'] },
    },
  })
  let observed = 0
  for (const transport of both) {
    for (const [name, zone] of Object.entries(NAMES)) {
      const how = `${name} over ${transport}`
      const type = transport === 'udp' ? 'A' : 'TXT'
      const before = upstream.asked.length
      const answer = await ask(program, name, type, { transport, edns: {} })
      if (zone === false) assert.equal(upstream.count(name, type), 1, how)
      else assert.equal(upstream.asked.length, before, `${how}: nothing went upstream on its account`)
      if (zone === false) assert.equal(answer.rcode, RCODES.NOERROR, how)
      else {
        assertDenied(answer, zone, how)
        assert.deepEqual(answer.edns?.ede, [15], how)
        assert.match(answer.edns?.options[0]?.data.toString('latin1', 2) ?? '', /^kubernetesNames: [a-z ]+$/)
      }
      if (/^google\.com\.k8s/.test(name)) observed++
    }
  }
  const metrics = await program.metrics()
  const denied = 2 * Object.values(NAMES).filter(Boolean).length
  assert.equal(metrics.value('dnsweir_rule_replied_total', { rule: 'kubernetesNames' }), denied)
  assert.equal(metrics.value('dnsweir_rule_observed_total', { rule: 'kubernetesNames' }), observed)
  const passed = metrics.samples.filter(({ name }) => name === 'dnsweir_kubernetes_names_passed_total')
  assert.deepEqual(Object.fromEntries(passed.map(({ labels, value }) => [labels['zone'], value])), {
    'cluster.local': 0,
    'clusterset.local': 0,
    k8s: 2,
    'k8s.example.com': 2,
  })
  assert.equal((await ask(program, 'db.cluster.local')).answers[0]?.data, '192.0.2.9')
  await program.says(/google\.com\.k8s\.example\.com\. is no name that Kubernetes publishes/)
  assert.equal(program.stdout().match(/is no name that Kubernetes/g)?.length, 2, 'once for each zone')
})

test('the schema holds for DO and CD too, and for 100 questions as for one', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress)
  for (const variant of [{ cd: true }, { edns: { dnssecOk: true } }, { ad: true }, {}]) {
    for (let turn = 0; turn < 25; turn++) {
      const name = `x${turn}.google.com.cluster.local`
      assertDenied(await ask(program, name, 'AAAA', variant), 'cluster.local.', `${name} ${JSON.stringify(variant)}`)
    }
  }
  assert.equal(upstream.asked.length, 0)
})

for (const [kubernetesNames, passes] of [
  [{ pinNames: true }, ['a.b.pin._zone.web.default.svc.cluster.local', 'a.prefer._zone.web.default.svc.cluster.local']],
  [{ denyBarePorts: false }, ['www.google.com.default.svc.cluster.local', '_http.tcp.web.default.svc.cluster.local']],
  [{ multiCluster: ['cluster.local'] }, ['web-0.east.web.default.svc.cluster.local']],
  [{ mode: 'observe' }, ['google.com.cluster.local', 'a.b.c.d.e.svc.cluster.local']],
  [{ mode: 'disabled' }, ['google.com.cluster.local', 'a.b.c.d.e.svc.cluster.local']],
] as const) {
  test(`${JSON.stringify(kubernetesNames)}: these names pass`, async (t) => {
    const { program, upstream } = await startScene(t, anyAddress, { guard: { kubernetesNames } })
    for (const name of passes) {
      assert.equal((await ask(program, name)).rcode, RCODES.NOERROR, name)
      assert.equal(upstream.count(name), 1, name)
    }
    const observed = (await program.metrics()).samples.some(
      ({ name, labels, value }) =>
        name === 'dnsweir_rule_observed_total' && labels['rule'] === 'kubernetesNames' && value === passes.length,
    )
    assert.equal(observed, JSON.stringify(kubernetesNames).includes('observe'), 'observe counts')
  })
}

test('strict: all, by a reload', async (t) => {
  const upstream = await openUpstream(t, anyAddress)
  const settings = { upstreams: [upstream.target], clusterDomains: ['prod.internal'] }
  const program = await startProgram(t, settings)
  assert.equal((await ask(program, 'google.com.prod.internal')).rcode, RCODES.NOERROR)
  program.rewrite({ ...settings, guard: { kubernetesNames: { strict: 'all' } } })
  program.signal('SIGHUP')
  await program.says(/reloaded/)
  // The rule stands before the cache, so what was learned before does not outlive the change.
  assertDenied(await ask(program, 'google.com.prod.internal'), 'prod.internal.', 'cached before')
})
