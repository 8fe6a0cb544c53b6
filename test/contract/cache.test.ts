/** What is kept, for how long, and under which key (RFC 2308, 2181, 4343; FIELD 3.3 – 3.5). */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../support/client.ts'
import { type Message, RCODES, type Rr, reply, TYPES } from '../support/message.ts'
import { startScene } from '../support/scene.ts'
import { anyAddress, nxdomain, type Script, soa } from '../support/upstream.ts'

/** Owner, TTL, MINIMUM and MNAME of the one SOA in the authority section. */
function soaOf(message: Message): { owner: string; ttl: number; minimum: number; mname: string } {
  const found = message.authority.filter((rr) => rr.type === TYPES['SOA'])
  assert.equal(found.length, 1, 'one SOA')
  const { name, ttl, data } = found[0] as Rr
  const words = data.split(' ')
  return { owner: name.toLowerCase(), ttl, minimum: Number(words[6]), mname: words[0] as string }
}

test('a positive answer is asked once, and its TTL goes down', async (t) => {
  const { program, upstream } = await startScene(t)
  assert.equal((await ask(program, 'a.test')).answers[0]?.ttl, 300)
  await sleep(1100)
  for (const transport of ['udp', 'tcp'] as const) {
    const hit = await ask(program, 'a.test', 'A', { transport })
    assert.ok([298, 299].includes(hit.answers[0]?.ttl ?? 0), `TTL ${hit.answers[0]?.ttl}`)
  }
  assert.equal(upstream.count('a.test'), 1)
})

test('id and letter case of a hit are those of this client', async (t) => {
  const { program, upstream } = await startScene(t)
  await ask(program, 'MIXED.Test', 'A', { id: 1 })
  const hit = await ask(program, 'mixed.tEST', 'A', { id: 2 })
  assert.deepEqual([hit.id, hit.questions[0]?.name], [2, 'mixed.tEST.'])
  assert.equal(hit.answers[0]?.name.toLowerCase(), 'mixed.test.')
  assert.equal(upstream.count('mixed.test'), 1)
})

const LIFETIMES: [string, (name: string) => string, 'kept' | 'gone'][] = [
  ['TTL 0', (name) => `${name} 0 A 192.0.2.1`, 'gone'],
  ['TTL 1 after 1.2 s', (name) => `${name} 1 A 192.0.2.1`, 'gone'],
  ['TTL with bit 31', (name) => `${name} 2147483649 A 192.0.2.1`, 'gone'],
  ['TTL 60 after 1.2 s', (name) => `${name} 60 A 192.0.2.1`, 'kept'],
]

test('positive answers live as long as their TTL', async (t) => {
  const record: Script = (asked) =>
    reply(asked, { answers: [(LIFETIMES[Number(asked.name[1])] as (typeof LIFETIMES)[number])[1](asked.name)] })
  const { program, upstream } = await startScene(t, record)
  await Promise.all(
    LIFETIMES.map(async ([how, , fate], index) => {
      const name = `t${index}.test`
      const first = await ask(program, name)
      assert.ok((first.answers[0]?.ttl ?? 0) < 2 ** 31, how)
      await sleep(1250)
      await ask(program, name)
      assert.equal(upstream.count(name), fate === 'kept' ? 1 : 2, how)
    }),
  )
})

test('TTLs are capped by maxTtl and raised to minTtl; records of a set share the lowest', async (t) => {
  const { program, upstream } = await startScene(
    t,
    (asked) => {
      if (asked.name.startsWith('long')) return reply(asked, { answers: [`${asked.name} 86400 A 192.0.2.1`] })
      if (asked.name.startsWith('zero')) return reply(asked, { answers: [`${asked.name} 0 A 192.0.2.1`] })
      return reply(asked, { answers: [`${asked.name} 300 A 192.0.2.1`, `${asked.name} 100 A 192.0.2.2`] })
    },
    { cache: { maxTtl: '60s', minTtl: '5s' } },
  )
  await ask(program, 'long.test')
  const long = await ask(program, 'long.test')
  assert.ok((long.answers[0]?.ttl ?? 99) <= 60, `TTL ${long.answers[0]?.ttl}`)
  await ask(program, 'zero.test')
  const zero = await ask(program, 'zero.test')
  assert.equal(upstream.count('zero.test'), 1, 'minTtl keeps it')
  assert.ok([4, 5].includes(zero.answers[0]?.ttl ?? 0), `TTL ${zero.answers[0]?.ttl}`)
  await ask(program, 'set.test')
  const set = await ask(program, 'set.test')
  assert.equal(new Set(set.answers.map((rr) => rr.ttl)).size, 1, 'RFC 2181 5.2')
})

const NEGATIVES: [string, number, number, number, 'kept' | 'gone'][] = [
  // how, SOA TTL, MINIMUM, most that a hit may say, fate after 1.25 s
  ['MINIMUM below TTL', 3600, 1, 1, 'gone'],
  ['TTL below MINIMUM', 1, 3600, 1, 'gone'],
  ['capped by maxNegativeTtl', 3600, 3600, 30, 'kept'],
  ['both small', 10, 20, 10, 'kept'],
]

for (const rcode of [RCODES.NXDOMAIN, RCODES.NOERROR]) {
  test(`${rcode === 0 ? 'NODATA' : 'NXDOMAIN'} lives min(SOA TTL, MINIMUM, cap)`, async (t) => {
    const script: Script = (asked) => {
      const [, ttl, minimum] = NEGATIVES[Number(asked.name[1])] as (typeof NEGATIVES)[number]
      return reply(asked, { rcode, authority: [soa('test', ttl, minimum)] })
    }
    const { program, upstream } = await startScene(t, script)
    await Promise.all(
      NEGATIVES.map(async ([how, , , most, fate], index) => {
        const name = `n${index}.test`
        const first = await ask(program, name)
        assert.equal(first.rcode, rcode, how)
        const hit = await ask(program, name)
        assert.equal(upstream.count(name), 1, how)
        assert.ok(soaOf(hit).ttl <= most, `${how}: TTL ${soaOf(hit).ttl}`)
        assert.equal(soaOf(hit).owner, 'test.')
        await sleep(1250)
        await ask(program, name)
        assert.equal(upstream.count(name), fate === 'kept' ? 1 : 2, how)
      }),
    )
  })
}

test('negatives without SOA are kept 30 s, 5 s in cluster zones, with a SOA of ours (FIELD 3.4, 3.5)', async (t) => {
  const script: Script = (asked) =>
    reply(asked, { rcode: asked.name.startsWith('nx') ? RCODES.NXDOMAIN : RCODES.NOERROR })
  const { program, upstream } = await startScene(t, script)
  const table: [string, string, number][] = [
    ['nx.a.b.test.', 'a.b.test.', 30],
    ['nodata.a.b.test.', 'a.b.test.', 30],
    ['NX.Upper.Test.', 'upper.test.', 30],
    ['nxone.', '.', 30],
    ['nx.default.svc.cluster.local.', 'default.svc.cluster.local.', 5],
    ['nodata.default.svc.cluster.local.', 'default.svc.cluster.local.', 5],
  ]
  for (const [name, owner, ttl] of table) {
    const rcode = name.toLowerCase().startsWith('nx') ? RCODES.NXDOMAIN : RCODES.NOERROR
    const first = await ask(program, name)
    assert.equal(first.rcode, rcode)
    const { owner: got, ttl: gotTtl, minimum, mname } = soaOf(first)
    assert.deepEqual([got, gotTtl, minimum, mname], [owner, ttl, ttl, 'dnsweir.invalid.'], name)
    const hit = await ask(program, name, 'A', { transport: 'tcp' })
    assert.equal(hit.rcode, rcode)
    assert.deepEqual([soaOf(hit).owner, soaOf(hit).mname], [owner, 'dnsweir.invalid.'])
    assert.ok(soaOf(hit).ttl <= ttl && soaOf(hit).ttl >= ttl - 1)
    assert.equal(upstream.count(name), 1, name)
  }
})

test('negatives below a cluster domain live 5 s at most, whatever their SOA says', async (t) => {
  const { program } = await startScene(t, (asked) => nxdomain(asked, 'cluster.local', 30, 30))
  await ask(program, 'x.default.svc.cluster.local')
  const hit = await ask(program, 'x.default.svc.cluster.local')
  assert.ok(soaOf(hit).ttl <= 5, `TTL ${soaOf(hit).ttl}`)
})

test('NXDOMAIN is for the name, NODATA for name and type', async (t) => {
  const { program, upstream } = await startScene(t, (asked) =>
    asked.name.startsWith('nx') ? nxdomain(asked) : anyAddress(asked),
  )
  await ask(program, 'nx.test', 'A')
  assert.equal((await ask(program, 'nx.test', 'AAAA')).rcode, RCODES.NXDOMAIN)
  assert.equal(upstream.count('nx.test'), 1, 'RFC 2308 5')
  await ask(program, 'nd.test', 'AAAA')
  assert.equal((await ask(program, 'nd.test', 'A')).answers.length, 1)
  assert.equal((await ask(program, 'nd.test', 'TXT')).answers.length, 0)
  assert.equal(upstream.count('nd.test'), 3)
})

test('NXDOMAIN with a CNAME belongs to the target, and carries the chain', async (t) => {
  const { program, upstream } = await startScene(t, (asked) =>
    asked.name.startsWith('alias') && asked.type === TYPES['A']
      ? reply(asked, {
          rcode: RCODES.NXDOMAIN,
          answers: [`${asked.name} 60 CNAME gone.test.`],
          authority: [soa('test')],
        })
      : anyAddress(asked),
  )
  for (let turn = 0; turn < 2; turn++) {
    const answer = await ask(program, 'alias.test')
    assert.deepEqual([answer.rcode, answer.answers[0]?.data], [RCODES.NXDOMAIN, 'gone.test.'])
  }
  assert.equal(upstream.count('alias.test'), 1)
  assert.equal((await ask(program, 'alias.test', 'CNAME')).rcode, RCODES.NOERROR, 'the alias itself exists')
})

test('a chain that ends without the asked type is not kept as an answer', async (t) => {
  const { program, upstream } = await startScene(t, (asked) =>
    reply(asked, { answers: [`${asked.name} 60 CNAME b.test.`] }),
  )
  await ask(program, 'partial.test')
  await ask(program, 'partial.test')
  assert.equal(upstream.count('partial.test'), 2)
  await ask(program, 'asked.test', 'CNAME')
  await ask(program, 'asked.test', 'CNAME')
  assert.equal(upstream.count('asked.test'), 1, 'a CNAME that was asked for is')
})

test('failures are kept a moment, so that a dead upstream is not asked again and again (RFC 9520)', async (t) => {
  const { program, upstream } = await startScene(t, (asked) => reply(asked, { rcode: RCODES.SERVFAIL }))
  assert.equal((await ask(program, 'f.test')).rcode, RCODES.SERVFAIL)
  const sent = upstream.count('f.test')
  for (let i = 0; i < 5; i++) assert.equal((await ask(program, 'f.test')).rcode, RCODES.SERVFAIL)
  assert.equal(upstream.count('f.test'), sent)
  assert.ok(sent <= 3)
})

test('DO, CD and type have entries of their own; AD and options have not', async (t) => {
  const { program, upstream } = await startScene(t)
  const variants = [{}, { edns: { dnssecOk: true } }, { cd: true }, { cd: true, edns: { dnssecOk: true } }]
  for (const [index, variant] of variants.entries()) {
    for (let turn = 0; turn < 2; turn++) await ask(program, 'key.test', 'A', variant)
    assert.equal(upstream.count('key.test'), index + 1, JSON.stringify(variant))
    const seen = upstream.asked.at(-1)
    assert.deepEqual([seen?.edns?.dnssecOk ?? false, seen?.cd], ['edns' in variant, 'cd' in variant], 'DO and CD pass')
  }
  for (const variant of [{ ad: true }, { edns: {} }, { edns: { size: 4096 } }])
    await ask(program, 'key.test', 'A', variant)
  assert.equal(upstream.count('key.test'), variants.length)
  await ask(program, 'key.test', 'TXT')
  assert.equal(upstream.count('key.test'), variants.length + 1)
})

test('what an upstream knows without recursion is no answer for those who want it', async (t) => {
  const { program } = await startScene(t, (asked) => (asked.rd ? anyAddress(asked) : reply(asked)))
  for (let turn = 0; turn < 2; turn++) {
    const without = await ask(program, 'rd.test', 'A', { rd: false })
    assert.deepEqual([without.rd, without.rcode], [false, RCODES.NOERROR])
    const wanted = await ask(program, 'rd.test')
    assert.deepEqual([wanted.rd, wanted.answers.length], [true, 1], `turn ${turn}`)
  }
})

test('DO of the client is echoed, on miss and hit', async (t) => {
  const { program } = await startScene(t)
  for (let turn = 0; turn < 2; turn++) {
    assert.equal((await ask(program, 'do.test', 'A', { edns: { dnssecOk: true } })).edns?.dnssecOk, true)
    assert.equal((await ask(program, 'do.test', 'A', { edns: {} })).edns?.dnssecOk, false)
  }
})

test('a small cache gives up old entries, and goes on', async (t) => {
  const { program, upstream } = await startScene(
    t,
    (asked) => reply(asked, { answers: [`${asked.name} 300 TXT ${'x'.repeat(200)}`] }),
    { cache: { maxSize: '1MiB' }, guard: { rateLimit: { mode: 'disabled' } } },
  )
  const { UdpClient } = await import('../support/client.ts')
  const { query } = await import('../support/message.ts')
  const client = await UdpClient.open(program)
  for (let batch = 0; batch < 50; batch++) {
    for (let i = 0; i < 200; i++) client.send(query(`m${batch}-${i}.test`, 'TXT'))
    assert.equal((await client.collect(200)).length, 200)
  }
  client.close()
  await ask(program, 'm49-199.test', 'TXT')
  assert.equal(upstream.count('m49-199.test'), 1, 'the newest is there')
  await ask(program, 'm0-0.test', 'TXT')
  assert.equal(upstream.count('m0-0.test'), 2, '10,000 entries of 250 bytes do not fit 1 MiB')
})
