/** searchSuffix: names that are junk by form, exactly as FIELD 2 defines them, and what they get (FIELD 3.3, 3.5, 3.6). */
import { strict as assert } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ask } from '../support/client.ts'
import { type Message, RCODES, TYPES } from '../support/message.ts'
import { startProgram, temporaryFolder } from '../support/program.ts'
import { openUpstream, startScene } from '../support/scene.ts'
import { anyAddress } from '../support/upstream.ts'

const SETTINGS = {
  clusterDomains: ['cluster.local', 'k8s', 'corp.internal'],
  searchSuffixes: ['example.org', 'lan'],
}

/** Name → the owner of the SOA of its NXDOMAIN; false: it goes upstream. */
const NAMES: Record<string, string | false> = {
  // L.Z.S with a configured suffix
  'web.default.svc.cluster.local.example.org': 'cluster.local.example.org',
  'user1-svc.user1.svc.cluster.local.example.org': 'cluster.local.example.org',
  'a.cluster.local.example.org': 'cluster.local.example.org',
  'svc.cluster.local.example.org': 'cluster.local.example.org',
  'a.cluster.local.lan': 'cluster.local.lan',
  'x.corp.internal.lan': 'corp.internal.lan',
  'x.k8s.example.org': 'k8s.example.org',
  'amazon.com.cluster.local.example.org': 'cluster.local.example.org',
  'amazon.com.default.svc.cluster.local.example.org': 'cluster.local.example.org',
  '_http._tcp.web.default.svc.cluster.local.example.org': 'cluster.local.example.org',
  'A.B.SVC.CLUSTER.LOCAL.EXAMPLE.ORG': 'cluster.local.example.org',
  'cluster.local.cluster.local.example.org': 'cluster.local.example.org',
  'www.example.org.cluster.local.example.org': 'cluster.local.example.org',
  'odd\\000\\255.cluster.local.example.org': 'cluster.local.example.org',
  '*.cluster.local.example.org': 'cluster.local.example.org',
  // any suffix, where Z has two labels, ends in local or internal, and L ends in svc or pod
  'web.default.svc.cluster.local.unknown.net': 'cluster.local.unknown.net',
  '10-0-0-1.ns.pod.cluster.local.unknown.net': 'cluster.local.unknown.net',
  'svc.cluster.local.unknown.net': 'cluster.local.unknown.net',
  'pod.cluster.local.com': 'cluster.local.com',
  'web.SVC.cluster.LOCAL.com': 'cluster.local.com',
  'a.svc.cluster.local.sub.lan': 'cluster.local.sub.lan',
  'x.svc.corp.internal.unknown.net': 'corp.internal.unknown.net',
  'x.svc.cluster.local.example.org.lan': 'cluster.local.example.org.lan',
  // L is empty
  'cluster.local.example.org': false,
  'cluster.local.lan': false,
  'k8s.lan': false,
  // a suffix alone never makes a name junk
  'nas.example.org': false,
  'example.org': false,
  'a.b.c.lan': false,
  'db.default.svc.example.org': false,
  // no suffix of ours, and L does not end in svc or pod
  'web.cluster.local.unknown.net': false,
  'a.cluster.local.sub.lan': false,
  'x.cluster.local.example.org.lan': false,
  'svc.web.cluster.local.unknown.net': false,
  'xsvc.cluster.local.unknown.net': false,
  'a\\.svc.cluster.local.unknown.net': false,
  // one-label cluster domains
  'registry.k8s.io': false,
  'web.default.svc.k8s.io': false,
  'www.k8s.example.org.edgekey.net': false,
  // labels, not text
  'x.mycluster.local.example.org': false,
  'x.cluster.localx.example.org': false,
  'x.cluster\\.local.example.org': false,
  'x.cluster.local\\.example.org': false,
  'x.cluster.local.anexample.org': false,
  // in the cluster
  'web.default.svc.cluster.local': false,
  'amazon.com.default.svc.cluster.local': false,
  'example.org.cluster.local': false,
  'a.cluster.local.cluster.local': false,
  'x.svc.corp.internal.cluster.local': false,
  'x.svc.cluster.local.corp.internal': false,
  // at or below a route
  'x.routed.cluster.local.example.org': false,
  'routed.cluster.local.example.org': false,
  'x.notrouted.cluster.local.example.org': 'cluster.local.example.org',
  // at or below a local answer
  'x.db.svc.cluster.local.example.org': false,
  'xdb.svc.cluster.local.example.org': 'cluster.local.example.org',
  // plain names
  'www.example.com': false,
  com: false,
  '10.0.0.10.in-addr.arpa': false,
}

function assertJunk(answer: Message, owner: string, how: string): void {
  assert.deepEqual(
    [answer.rcode, answer.answers.length, answer.tc, answer.ad, answer.ra],
    [3, 0, false, false, true],
    how,
  )
  assert.equal(answer.authority.length, 1, how)
  const [record] = answer.authority
  const words = record?.data.split(' ') ?? []
  assert.equal(record?.type, TYPES['SOA'], how)
  assert.equal(record?.name.toLowerCase(), `${owner}.`.toLowerCase(), how)
  assert.deepEqual([record?.ttl, words[6], words[0]], [30, '30', 'dnsweir.invalid.'], how)
}

test('junk by form is answered here, everything else goes upstream', async (t) => {
  const upstream = await openUpstream(t, anyAddress)
  const program = await startProgram(t, {
    ...SETTINGS,
    upstreams: [upstream.target],
    routes: [{ zones: ['routed.cluster.local.example.org'], upstreams: [upstream.target] }],
    guard: {
      // What it says of names in the cluster is its own matter.
      kubernetesNames: { mode: 'disabled' },
      localAnswers: { records: ['db.svc.cluster.local.example.org. 60 IN A 192.0.2.9'] },
    },
  })
  const wrong: string[] = []
  for (const [name, owner] of Object.entries(NAMES)) {
    const answer = await ask(program, name)
    if (owner === false) {
      if (upstream.count(name) !== 1 || answer.rcode !== 0) wrong.push(`${name} is not junk, got rcode ${answer.rcode}`)
    } else if (upstream.count(name) !== 0) wrong.push(`${name} is junk and went upstream`)
    else assertJunk(answer, owner, name)
  }
  assert.deepEqual(wrong, [])
  assert.equal((await ask(program, 'db.svc.cluster.local.example.org')).answers[0]?.data, '192.0.2.9')
})

test('every type and transport alike, hits and repeats too', async (t) => {
  const { program, upstream } = await startScene(t, anyAddress, SETTINGS)
  for (const type of ['A', 'AAAA', 'SRV', 'TXT', 'HTTPS', 'PTR', 'TYPE65280']) {
    for (const transport of ['udp', 'tcp'] as const) {
      for (let turn = 0; turn < 2; turn++) {
        const answer = await ask(program, 'x.svc.cluster.local.example.org', type, { transport })
        assertJunk(answer, 'cluster.local.example.org', `${type} ${transport}`)
      }
    }
  }
  assert.deepEqual(
    upstream.asked.map(({ name, type }) => `${name} ${type}`),
    [],
  )
})

test('with DO or CD junk passes, unless whenDnssec: answer', async (t) => {
  const variants = [{ cd: true }, { edns: { dnssecOk: true } }]
  const { program, upstream } = await startScene(t, anyAddress, SETTINGS)
  for (const [index, variant] of variants.entries()) {
    const name = `d${index}.svc.cluster.local.example.org`
    assert.equal((await ask(program, name, 'A', variant)).rcode, RCODES.NOERROR)
    assert.equal(upstream.count(name), 1)
    assert.equal((await ask(program, name)).rcode, RCODES.NXDOMAIN, 'and the plain question is answered here still')
  }
  const strict = await startScene(t, anyAddress, { ...SETTINGS, guard: { searchSuffix: { whenDnssec: 'answer' } } })
  for (const variant of variants) {
    assertJunk(
      await ask(strict.program, 'd.cluster.local.lan', 'A', variant),
      'cluster.local.lan',
      'whenDnssec: answer',
    )
  }
})

test('the SOA’s lifetime is a setting', async (t) => {
  const { program } = await startScene(t, anyAddress, { ...SETTINGS, guard: { searchSuffix: { negativeTtl: '12s' } } })
  const [record] = (await ask(program, 'x.cluster.local.lan')).authority
  assert.deepEqual([record?.ttl, record?.data.split(' ')[6]], [12, '12'])
})

for (const guard of [
  { mode: 'observe' },
  { searchSuffix: { mode: 'observe' } },
  { searchSuffix: { mode: 'disabled' } },
]) {
  test(`${JSON.stringify(guard)}: junk goes upstream`, async (t) => {
    const { program, upstream } = await startScene(t, anyAddress, { ...SETTINGS, guard })
    assert.equal((await ask(program, 'x.svc.cluster.local.example.org')).answers.length, 1)
    assert.equal(upstream.asked.length, 1)
    const counted = (await program.metrics()).samples.filter(
      ({ labels, value }) => Object.values(labels).includes('searchSuffix') && value >= 1,
    )
    assert.equal(counted.length > 0, JSON.stringify(guard).includes('observe'), 'observe counts, disabled does not')
  })
}

test('searchSuffixes: auto takes them from the resolv.conf of the upstreams, not those at or below a cluster domain', async (t) => {
  const file = join(temporaryFolder(t), 'resolv.conf')
  writeFileSync(
    file,
    'nameserver 127.0.0.77\nsearch default.svc.cluster.local svc.cluster.local cluster.local from-file.org\n',
  )
  const program = await startProgram(t, {
    upstreams: [file],
    searchSuffixes: 'auto',
    guard: { kubernetesNames: { mode: 'disabled' } },
  })
  assertJunk(await ask(program, 'x.cluster.local.from-file.org'), 'cluster.local.from-file.org', 'from the file')
  assert.equal(
    (await ask(program, 'x.cluster.local.cluster.local')).rcode,
    RCODES.SERVFAIL,
    'went upstream, where nobody is',
  )
})
