/** The scoped cut and the stripped suffix, through the real program, over UDP and TCP. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { ask } from '../support/client.ts'
import { reply, typeNumber } from '../support/message.ts'
import { startProgram } from '../support/program.ts'
import { nxdomain, type Script, startUpstream } from '../support/upstream.ts'

const base = { searchSuffixes: ['example.org'], clusterDomains: ['cluster.local'] }

/** Below example.org there is `nas` and what `names` says; outside everything exists. */
function below(...names: string[]): Script {
  return (asked) => {
    const name = asked.name.toLowerCase()
    const isHere = !name.endsWith('example.org.') || names.some((one) => `${one}.example.org.` === name)
    if (!isHere) return nxdomain(asked, 'example.org')
    return reply(asked, asked.type === typeNumber('A') ? { answers: [`${asked.name} 60 A 192.0.2.1`] } : {})
  }
}

test('names below a missing parent end here: one question for the parent, three samples, and no more', async (t) => {
  const upstream = await startUpstream(below('nas'))
  t.after(() => upstream.close())
  const program = await startProgram(t, { ...base, upstreams: [upstream.target] })
  for (let i = 0; i < 40; i++) {
    for (const transport of ['udp', 'tcp'] as const) {
      const got = await ask(program, `host${i}.com.example.org`, 'A', { transport, edns: { size: 1232 } })
      assert.equal(got.rcode, 3)
      assert.equal(got.authority[0]?.name, 'example.org.')
      assert.equal(got.ad, false)
    }
  }
  assert.equal((await ask(program, 'nas.example.org')).answers.length, 1)
  const asked = upstream.asked.map(({ name }) => name)
  assert.deepEqual(asked, [
    'com.example.org.',
    'host0.com.example.org.',
    'host1.com.example.org.',
    'host2.com.example.org.',
    'nas.example.org.',
  ])
  const metrics = await program.metrics()
  assert.equal(metrics.value('dnsweir_cut_total', { event: 'missing' }), 1)
  assert.equal(metrics.value('dnsweir_cut_total', { event: 'sampled' }), 3)
})

test('a child below a missing parent ends the cuts of its suffix, with a sentence', async (t) => {
  const upstream = await startUpstream(below('db.com'))
  t.after(() => upstream.close())
  const program = await startProgram(t, { ...base, upstreams: [upstream.target] })
  assert.equal((await ask(program, 'x.com.example.org')).rcode, 3)
  assert.equal((await ask(program, 'db.com.example.org')).answers.length, 1)
  await program.says(/cut: db\.com\.example\.org\. exists although com\.example\.org\. is said not to/)
  await ask(program, 'y.net.example.org')
  assert.equal(upstream.count('net.example.org'), 0)
})

test('strip: the real name answers behind a CNAME, over UDP and TCP', async (t) => {
  const upstream = await startUpstream(below())
  t.after(() => upstream.close())
  const program = await startProgram(t, {
    ...base,
    upstreams: [upstream.target],
    guard: { searchSuffix: { action: 'strip' } },
  })
  for (const transport of ['udp', 'tcp'] as const) {
    const got = await ask(program, 'www.google.com.example.org', 'A', { transport })
    assert.deepEqual(
      got.answers.map((one) => `${one.name} ${one.data}`),
      ['www.google.com.example.org. www.google.com.', 'www.google.com. 192.0.2.1'],
    )
    assert.equal(got.questions[0]?.name, 'www.google.com.example.org.')
  }
  assert.equal(upstream.count('www.google.com'), 1)
})

test('a wildcard below a search suffix is said, and junk gets NXDOMAIN all the same', async (t) => {
  const everything: Script = (asked) => reply(asked, { answers: [`${asked.name} 60 A 192.0.2.66`] })
  const upstream = await startUpstream(
    (asked) => (asked.type === typeNumber('A') ? everything(asked) : reply(asked, { rcode: 3 })),
    {
      scriptProbes: true,
    },
  )
  t.after(() => upstream.close())
  const program = await startProgram(t, { ...base, upstreams: [upstream.target] })
  await program.says(/searchSuffix: every name below example\.org\. exists \(a wildcard\)/)
  assert.equal((await ask(program, 'web.default.svc.cluster.local.example.org')).rcode, 3)
  assert.equal((await program.metrics()).value('dnsweir_search_suffix_wildcards'), 1)
})
