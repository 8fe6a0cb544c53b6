/** aaaaFilter: the rcode of an AAAA reply follows the A lookup (FIELD 4). */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExplainReport } from '../../src/app/explain.ts'
import { ask } from '../support/client.ts'
import { type Message, RCODES, reply, TYPES } from '../support/message.ts'
import { startScene } from '../support/scene.ts'
import { after, anyAddress, nxdomain, type Script, soa } from '../support/upstream.ts'

const script: Script = (asked) => {
  if (asked.type === TYPES['AAAA']) return reply(asked, { answers: [`${asked.name} 60 AAAA 2001:db8::bad`] })
  const { name } = asked
  if (name.startsWith('addr')) return reply(asked, { answers: [`${name} 300 A 192.0.2.1`, `${name} 300 A 192.0.2.2`] })
  if (name.startsWith('short')) return reply(asked, { answers: [`${name} 7 A 192.0.2.1`] })
  if (name.startsWith('chain')) {
    return reply(asked, {
      answers: [
        `${name} 20 CNAME mid.other.test.`,
        'mid.other.test 25 CNAME end.last.test.',
        'end.last.test 300 A 192.0.2.1',
      ],
    })
  }
  if (name.startsWith('nodata')) return reply(asked, { authority: [soa('zone.test', 40, 40)] })
  if (name.startsWith('nxchain')) {
    return reply(asked, { rcode: 3, answers: [`${name} 20 CNAME gone.test.`], authority: [soa('test', 20, 20)] })
  }
  if (name.startsWith('nx')) return nxdomain(asked, 'zone.test')
  if (name.startsWith('servfail')) return reply(asked, { rcode: RCODES.SERVFAIL })
  if (name.startsWith('refused')) return reply(asked, { rcode: RCODES.REFUSED })
  if (name.startsWith('silent')) return undefined
  return anyAddress(asked)
}
const enforced = { guard: { aaaaFilter: { mode: 'enforce' } } }
const soaRecord = (message: Message) => {
  const found = message.authority.filter((rr) => rr.type === TYPES['SOA'])
  assert.equal(found.length, 1, 'one SOA')
  return { owner: found[0]?.name.toLowerCase(), ttl: found[0]?.ttl ?? 0, minimum: Number(found[0]?.data.split(' ')[6]) }
}

test('the reply follows the A lookup, and no AAAA goes upstream', async (t) => {
  const { program, upstream } = await startScene(t, script, enforced)
  for (const transport of ['udp', 'tcp'] as const) {
    for (let turn = 0; turn < 2; turn++) {
      const how = `${transport}, turn ${turn}`
      const addr = await ask(program, 'addr.zone.test', 'AAAA', { transport })
      assert.deepEqual([addr.rcode, addr.answers.length, addr.ad], [0, 0, false], how)
      assert.deepEqual([soaRecord(addr).owner, soaRecord(addr).minimum], ['zone.test.', soaRecord(addr).ttl], how)
      assert.ok(soaRecord(addr).ttl <= 30 && soaRecord(addr).ttl >= 28, `${how}: TTL ${soaRecord(addr).ttl}`)
      const short = await ask(program, 'short.zone.test', 'AAAA', { transport })
      assert.ok(soaRecord(short).ttl <= 7, 'the TTL of the address is the limit')
      const chain = await ask(program, 'chain.zone.test', 'AAAA', { transport })
      assert.deepEqual(
        chain.answers.map((rr) => [rr.type, rr.data]),
        [
          [TYPES['CNAME'], 'mid.other.test.'],
          [TYPES['CNAME'], 'end.last.test.'],
        ],
        `${how}: the chain is kept, the address is not`,
      )
      assert.equal(soaRecord(chain).owner, 'last.test.', how)
      assert.ok(soaRecord(chain).ttl <= 20, how)
      const nodata = await ask(program, 'nodata.zone.test', 'AAAA', { transport })
      assert.deepEqual([nodata.rcode, nodata.answers.length], [0, 0], how)
      const nx = await ask(program, 'nx.zone.test', 'AAAA', { transport })
      assert.deepEqual([nx.rcode, soaRecord(nx).owner], [RCODES.NXDOMAIN, 'zone.test.'], how)
      const nxchain = await ask(program, 'nxchain.zone.test', 'AAAA', { transport })
      assert.deepEqual([nxchain.rcode, nxchain.answers[0]?.data], [RCODES.NXDOMAIN, 'gone.test.'], how)
      assert.equal((await ask(program, 'servfail.zone.test', 'AAAA', { transport })).rcode, RCODES.SERVFAIL, how)
      const refused = (await ask(program, 'refused.zone.test', 'AAAA', { transport })).rcode
      assert.ok(refused === RCODES.REFUSED || refused === RCODES.SERVFAIL, `${how}: never NODATA, got ${refused}`)
    }
  }
  assert.equal((await ask(program, 'silent.zone.test', 'AAAA')).rcode, RCODES.SERVFAIL, 'a timeout is no NODATA')
  assert.deepEqual(
    upstream.asked.filter((one) => one.type === TYPES['AAAA']).map((one) => one.name),
    [],
  )
})

test('the question, its letter case and type are the client’s', async (t) => {
  const { program } = await startScene(t, script, enforced)
  const answer = await ask(program, 'Addr.Zone.Test', 'AAAA', { id: 77 })
  assert.deepEqual([answer.id, answer.questions], [77, [{ name: 'Addr.Zone.Test.', type: 28, class: 1 }]])
})

test('one upstream question for A serves both, at once and one after the other, whatever it finds', async (t) => {
  const slow: Script = (asked) => after(60, script(asked) as Buffer)
  const { program, upstream } = await startScene(t, slow, enforced)
  const kinds: readonly [string, number, number, number][] = [
    // What, rcode, records for A, records for AAAA.
    ['addr', 0, 2, 0],
    ['chain', 0, 3, 2],
    ['nodata', 0, 0, 0],
    ['nx', RCODES.NXDOMAIN, 0, 0],
    ['nxchain', RCODES.NXDOMAIN, 1, 1],
    ['servfail', RCODES.SERVFAIL, 0, 0],
  ]
  const orders: readonly [string, readonly (readonly string[])[]][] = [
    ['both at once', [['A', 'AAAA']]],
    ['a crowd', [['A', 'AAAA', 'AAAA', 'A', 'AAAA', 'A', 'A', 'AAAA']]],
    ['A first', [['A'], ['AAAA'], ['AAAA']]],
    ['AAAA first', [['AAAA'], ['A'], ['A']]],
  ]
  for (const [kind, rcode, a, aaaa] of kinds) {
    for (const [index, [how, turns]] of orders.entries()) {
      for (const transport of ['udp', 'tcp'] as const) {
        const name = `${kind}-${index}-${transport}.zone.test`
        for (const turn of turns) {
          const replies = await Promise.all(turn.map((type) => ask(program, name, type, { transport })))
          assert.deepEqual(
            replies.map((one) => [one.rcode, one.answers.length]),
            turn.map((type) => [rcode, type === 'A' ? a : aaaa]),
            `${name}: ${how}`,
          )
        }
        // A failure is asked for again, within one question's attempts alone.
        const questions = upstream.count(name)
        if (kind === 'servfail') assert.ok(questions >= 1 && questions <= 3, `${name}: ${how}, ${questions}`)
        else assert.equal(questions, 1, `${name}: ${how}`)
        assert.equal(upstream.count(name, 'A'), questions, `${name}: ${how}`)
      }
    }
  }
})

test('a failure stays what it is for A: the same code, and silence is no NODATA, nor what it leaves behind', async (t) => {
  const { program } = await startScene(t, script, enforced)
  for (const name of ['servfail.test', 'refused.test', 'silent.test']) {
    const first = await ask(program, name, 'AAAA', { edns: {} })
    const second = await ask(program, name, 'AAAA', { edns: {} })
    const address = await ask(program, name, 'A', { edns: {} })
    for (const one of [first, second]) {
      assert.equal(one.rcode, address.rcode, name)
      assert.deepEqual([one.answers.length, one.authority.length], [0, 0], name)
      assert.ok(!one.edns?.ede.includes(17), `${name}: a failure is not called filtered`)
    }
    assert.notEqual(address.rcode, RCODES.NOERROR, name)
  }
})

test('denials without an SOA get one, and the SOA ages with the address', async (t) => {
  const bare: Script = (asked) => {
    if (asked.name.startsWith('nodata')) return reply(asked)
    return asked.name.startsWith('nx') ? reply(asked, { rcode: RCODES.NXDOMAIN }) : script(asked)
  }
  const { program } = await startScene(t, bare, { ...enforced, clusterDomains: ['cluster.local'] })
  const filtered = { ...enforced, guard: { aaaaFilter: { mode: 'enforce', except: [] } } }
  const cluster = await startScene(t, bare, { ...filtered, clusterDomains: ['cluster.local'] })
  for (const [name, rcode] of [
    ['nodata.zone.test', 0],
    ['nx.zone.test', RCODES.NXDOMAIN],
  ] as const) {
    const got = await ask(program, name, 'AAAA')
    assert.deepEqual([got.rcode, soaRecord(got).owner], [rcode, 'zone.test.'])
    assert.ok(soaRecord(got).ttl > 5 && soaRecord(got).ttl <= 30, name)
  }
  const inCluster = soaRecord(await ask(cluster.program, 'addr.default.svc.cluster.local', 'AAAA'))
  assert.deepEqual([inCluster.owner, inCluster.ttl], ['default.svc.cluster.local.', 5])
  await ask(program, 'chain.zone.test', 'A')
  await sleep(1100)
  const aged = soaRecord(await ask(program, 'chain.zone.test', 'AAAA'))
  assert.ok(aged.ttl <= 19 && aged.minimum === aged.ttl, `TTL ${aged.ttl}`)
})

test('what passes: except, cluster domains by default, DO, CD, ipv4only.arpa; local answers come first', async (t) => {
  const { program, upstream } = await startScene(t, script, {
    guard: {
      aaaaFilter: { mode: 'enforce' },
      localAnswers: { records: ['v6.test. 60 IN AAAA 2001:db8::1'] },
    },
  })
  const passes = async (name: string, parts = {}): Promise<void> => {
    assert.equal((await ask(program, name, 'AAAA', parts)).answers[0]?.data, '2001:db8::bad', name)
    assert.equal(upstream.count(name, 'AAAA'), 1, name)
  }
  await passes('addr.default.svc.cluster.local')
  await passes('addr-do.test', { edns: { dnssecOk: true } })
  await passes('addr-cd.test', { cd: true })
  await passes('ipv4only.arpa')
  assert.equal((await ask(program, 'v6.test', 'AAAA')).answers[0]?.data, '2001:db8::1')
  const other = await startScene(t, script, { guard: { aaaaFilter: { mode: 'enforce', except: ['open.test'] } } })
  assert.equal((await ask(other.program, 'addr.open.test', 'AAAA')).answers.length, 1)
  assert.equal((await ask(other.program, 'addr.closed.test', 'AAAA')).answers.length, 0)
  assert.equal((await ask(other.program, 'addr.xopen.test', 'AAAA')).answers.length, 0)
})

for (const guard of [{}, { aaaaFilter: { mode: 'observe' } }, { mode: 'observe', aaaaFilter: { mode: 'enforce' } }]) {
  test(`${JSON.stringify(guard)}: AAAA goes upstream as asked`, async (t) => {
    const { program, upstream } = await startScene(t, script, { guard })
    assert.equal((await ask(program, 'addr.test', 'AAAA')).answers[0]?.data, '2001:db8::bad')
    assert.equal(upstream.count('addr.test', 'AAAA'), 1)
  })
}

test('A and other types are not touched', async (t) => {
  const { program } = await startScene(t, script, enforced)
  assert.equal((await ask(program, 'addr.test', 'A')).answers.length, 2)
  assert.equal((await ask(program, 'nodata.test', 'TXT')).rcode, 0)
})

/** The real thing behind: AAAA for those who ask, and a hint. */
const dual: Script = (asked) => {
  const { name, type } = asked
  if (type === TYPES['AAAA']) return reply(asked, { answers: [`${name} 60 AAAA 2001:db8::1`] })
  if (type === TYPES['HTTPS']) return reply(asked, { answers: [`${name} 60 HTTPS ${hinted}`] })
  return anyAddress(asked)
}
/** `1 . ipv6hint=2001:db8::1` */
const hinted = '00010000060010' + '20010db8000000000000000000000001'
const scoped = {
  guard: { aaaaFilter: { mode: 'enforce', clients: ['127.0.0.1'], zones: ['office.test', 'v4.test'] } },
}

for (const args of [
  ['--udp', 'epoll'],
  ['--udp', 'dgram'],
]) {
  test(`${args.join(' ')}: a filtered client and another never get each other’s answer`, async (t) => {
    const { program, upstream } = await startScene(t, dual, scoped, { args })
    const addresses = async (from: string, name: string, type: string, transport: 'udp' | 'tcp' = 'udp') => {
      const { rcode, answers } = await ask(program, name, type, { from, transport })
      assert.equal(rcode, 0)
      return answers.map((rr) => rr.data).join()
    }
    // Each of them first for a name, one after the other, then from the cache, and both at once.
    for (const [first, second] of [
      ['127.0.0.1', '127.0.0.2'],
      ['127.0.0.2', '127.0.0.1'],
    ] as const) {
      const name = `${first.at(-1)}.office.test`
      for (let turn = 0; turn < 3; turn++) {
        for (const from of [first, second]) {
          const how = `turn ${turn}, ${name} by ${from}`
          const isFiltered = from === '127.0.0.1'
          for (const transport of ['udp', 'tcp'] as const) {
            assert.equal(await addresses(from, name, 'AAAA', transport), isFiltered ? '' : '2001:db8::1', how)
          }
          assert.equal(await addresses(from, name, 'HTTPS'), isFiltered ? '000100' : hinted, how)
          assert.equal(await addresses(from, name, 'A'), '192.0.2.1', how)
        }
      }
      const counts = ['A', 'AAAA', 'HTTPS'].map((type) => upstream.count(name, type))
      assert.deepEqual(counts, [1, 1, 1], 'the other client alone asks AAAA, and each type is asked once')
    }
    const sources = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? '127.0.0.1' : '127.0.0.2'))
    const both = await Promise.all(sources.map((from) => addresses(from, 'crowd.v4.test', 'AAAA')))
    assert.deepEqual(
      both,
      sources.map((from) => (from === '127.0.0.1' ? '' : '2001:db8::1')),
    )
    assert.deepEqual([upstream.count('crowd.v4.test', 'A'), upstream.count('crowd.v4.test', 'AAAA')], [1, 1])
  })
}

test('only names at or below zones are filtered, and explain says why others pass', async (t) => {
  const { program } = await startScene(t, dual, scoped)
  const table = [
    ['127.0.0.1', 'office.test', true, /^A is looked up for AAAA/],
    ['127.0.0.1', 'a.b.Office.test', true, /^A is looked up for AAAA/],
    [
      '127.0.0.1',
      'xoffice.test',
      false,
      /^the name is at or below none of zones \(office\.test, v4\.test\), so it passes$/,
    ],
    ['127.0.0.2', 'office.test', false, /^127\.0\.0\.2 is in none of clients \(127\.0\.0\.1\/32\), so it passes$/],
    ['127.0.0.2', 'a.test', false, /^127\.0\.0\.2 is in none of clients/],
  ] as const
  for (const [client, name, isFiltered, why] of table) {
    const { answers } = await ask(program, name, 'AAAA', { from: client })
    assert.equal(answers.length, isFiltered ? 0 : 1, `${client} ${name}`)
    const query = new URLSearchParams({ name, type: 'AAAA', client })
    const { steps } = (await (await program.get(`/api/explain?${query}`)).json()) as ExplainReport
    const said = steps.find(({ step }) => step === 'aaaaFilter')
    assert.match(said?.why ?? '', why)
    assert.equal(said?.verdict, isFiltered ? 'ask' : 'pass')
  }
})

test('a query that waits for a probe is still judged by its own client and name', async (t) => {
  const script: Script = async (asked) => {
    // The parents `com` and `net` of the suffix exist, and are slow to say so.
    if (/^(com|net)\.example\.org\.$/.test(asked.name)) return after(200, anyAddress(asked) as Buffer)
    return dual(asked)
  }
  const { program, upstream } = await startScene(t, script, {
    clusterDomains: ['cluster.local'],
    searchSuffixes: ['example.org'],
    guard: { aaaaFilter: { mode: 'enforce', clients: ['127.0.0.1'], zones: ['com.example.org'] } },
  })
  const asked = ['com', 'net'].flatMap((top) => ['127.0.0.1', '127.0.0.2'].map((from) => ({ top, from })))
  const replies = await Promise.all(
    asked.map(({ top, from }) => ask(program, `www.site.${top}.example.org`, 'AAAA', { from })),
  )
  assert.ok(upstream.count('com.example.org', 'A') === 1 && upstream.count('net.example.org', 'A') === 1, 'probed')
  assert.deepEqual(
    replies.map(({ answers }) => answers.length),
    [0, 1, 1, 1],
  )
})

test('a reload with other scopes: what the cache holds serves both', async (t) => {
  const { program, upstream } = await startScene(t, dual, {})
  const count = async (from: string): Promise<number> =>
    (await ask(program, 'a.office.test', 'AAAA', { from })).answers.length
  assert.equal(await count('127.0.0.1'), 1)
  const reloaded = async (aaaaFilter: object, times: number): Promise<void> => {
    program.rewrite({ upstreams: [upstream.target], guard: { aaaaFilter } })
    program.signal('SIGHUP')
    await program.says(new RegExp(`(reloaded[^]*){${times}}`))
  }
  await reloaded({ mode: 'enforce', exceptClients: ['127.0.0.2'] }, 1)
  assert.deepEqual([await count('127.0.0.1'), await count('127.0.0.2')], [0, 1])
  await reloaded({ mode: 'enforce', clients: ['127.0.0.2'] }, 2)
  assert.deepEqual([await count('127.0.0.1'), await count('127.0.0.2')], [1, 0])
  assert.deepEqual([upstream.count('a.office.test', 'A'), upstream.count('a.office.test', 'AAAA')], [1, 1])
})
