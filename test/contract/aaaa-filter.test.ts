/** aaaaFilter: the rcode of an AAAA reply follows the A lookup (FIELD 4). */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { ask } from '../support/client.ts'
import { type Message, RCODES, reply, TYPES } from '../support/message.ts'
import { startScene } from '../support/scene.ts'
import { anyAddress, nxdomain, type Script, soa } from '../support/upstream.ts'

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

test('one question for A serves both', async (t) => {
  const { program, upstream } = await startScene(t, script, enforced)
  const both = await Promise.all([ask(program, 'addr1.test', 'A'), ask(program, 'addr1.test', 'AAAA')])
  assert.deepEqual(
    both.map((one) => one.answers.length),
    [2, 0],
  )
  await ask(program, 'addr2.test', 'AAAA')
  assert.equal((await ask(program, 'addr2.test', 'A')).answers.length, 2)
  assert.deepEqual([upstream.count('addr1.test'), upstream.count('addr2.test')], [1, 1])
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
