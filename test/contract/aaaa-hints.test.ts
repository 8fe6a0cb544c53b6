/** aaaaFilter and what is signed: hints, AD and RRSIGs of replies from the real program (FIELD 4, 3.6). */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { ask } from '../support/client.ts'
import { type Message, RCODES, reply, TYPES } from '../support/message.ts'
import { startScene } from '../support/scene.ts'
import { type Script, soa } from '../support/upstream.ts'

/** Rdata of HTTPS and SVCB: priority 1, target host.test, alpn=h2, and an ipv6hint or none. */
const plain = '000104686f737404746573740000010003026832'
const hinted = `${plain}0006001020010db8000000000000000000000001`
/** An RRSIG over the type, by test. */
const signature = (covered: string): string =>
  `${(TYPES[covered] as number).toString(16).padStart(4, '0')}${'01'.repeat(16)}047465737400${'ab'.repeat(8)}`

/** A signed zone, and an upstream that validates: AD, and signatures for who sent DO. */
const script: Script = (asked) => {
  const { name, type } = asked
  const signed = (records: string[]): string[] => {
    if (!asked.edns?.dnssecOk) return records
    const types = [
      ...new Set(records.map((text) => `${text.split(' ')[0]} 60 TYPE46 ${signature(text.split(' ')[2] ?? '')}`)),
    ]
    return [...records, ...types]
  }
  if (name.startsWith('nx')) return reply(asked, { rcode: RCODES.NXDOMAIN, ad: true, authority: [soa('test')] })
  if (name.startsWith('nodata')) return reply(asked, { ad: true, authority: [soa('test')] })
  const owner = name.startsWith('alias') ? 'target.test' : name
  const chain = owner === name ? [] : [`${name} 60 CNAME ${owner}`]
  const answer = (text: string, additional: string[] = []): Buffer =>
    reply(asked, { ad: true, answers: signed([...chain, `${owner} 60 ${text}`]), additional })
  const glue = ['host.test 60 AAAA 2001:db8::2', 'host.test 60 A 192.0.2.2']
  if (type === TYPES['A']) return answer('A 192.0.2.1')
  if (type === TYPES['AAAA']) return answer('AAAA 2001:db8::1')
  if (type === TYPES['HTTPS']) return answer(`HTTPS ${name.startsWith('plain') ? plain : hinted}`, glue)
  if (type === TYPES['SVCB']) return answer(`SVCB ${hinted}`)
  if (type === TYPES['SRV']) return answer('SRV 1 2 443 host.test', glue)
  return answer(`TXT ${type}`)
}

const enforced = { guard: { aaaaFilter: { mode: 'enforce' } } }
const answers = { guard: { aaaaFilter: { mode: 'enforce', whenDnssec: 'answer' } } }
const types = ({ answers: records }: Message): number[] => records.map((rr) => rr.type)
const withDo = { edns: { dnssecOk: true } }
const { A, CNAME, SVCB, HTTPS, RRSIG = 46 } = TYPES as Record<string, number>

test('hints go with AD, on miss and hit, over UDP and TCP; what has none keeps both', async (t) => {
  const { program, upstream } = await startScene(t, script, enforced)
  for (const transport of ['udp', 'udp', 'tcp'] as const) {
    for (const type of ['HTTPS', 'SVCB']) {
      for (const name of ['www.test', 'alias.test']) {
        const got = await ask(program, name, type, { ad: true, transport })
        assert.deepEqual([got.answers.at(-1)?.data, got.ad], [plain, false], `${name} ${type}`)
        assert.equal(got.answers.length, name === 'alias.test' ? 2 : 1)
      }
    }
    const untouched = await ask(program, 'plain.test', 'HTTPS', { ad: true, transport })
    assert.deepEqual([untouched.answers.at(-1)?.data, untouched.ad], [plain, true])
    assert.deepEqual(
      untouched.additional.map((rr) => rr.data),
      ['192.0.2.2'],
      'AAAA goes from the additional section, of which AD does not speak',
    )
    const service = await ask(program, '_https._tcp.test', 'SRV', { ad: true, transport })
    assert.deepEqual([service.answers.length, service.additional.map((rr) => rr.data)], [1, ['192.0.2.2']])
  }
  assert.equal(upstream.count('www.test', 'HTTPS'), 1)
})

test('with DO or CD all passes as it is, and is counted as exempt', async (t) => {
  const { program, upstream } = await startScene(t, script, enforced)
  // Those without are there first, so that their answers are in the cache.
  for (const type of ['A', 'AAAA', 'HTTPS', 'SVCB']) await ask(program, 'www.test', type)
  const exempt = async (): Promise<number> =>
    (await program.metrics()).value('dnsweir_rule_exempt_total', { rule: 'aaaaFilter' })
  assert.equal(await exempt(), 0)
  const table: readonly [string, string][] = [
    ['AAAA', '2001:db8::1'],
    ['HTTPS', hinted],
    ['SVCB', hinted],
  ]
  for (const [type, data] of table) {
    const signed = await ask(program, 'www.test', type, withDo)
    assert.deepEqual([signed.answers[0]?.data, types(signed), signed.ad], [data, [TYPES[type], RRSIG], true], type)
    const unchecked = await ask(program, 'www.test', type, { cd: true })
    assert.deepEqual(
      unchecked.answers.map((rr) => rr.data),
      [data],
      type,
    )
  }
  assert.equal(await exempt(), 6)
  assert.equal(upstream.count('www.test', 'AAAA'), 2, 'with DO, and with CD')
  assert.equal((await ask(program, 'www.test', 'AAAA')).answers.length, 0, 'and who sent neither still gets none')
})

test('whenDnssec: answer strips those too: no AD, no signature over what changed, those of the chain kept', async (t) => {
  const { program, upstream } = await startScene(t, script, answers)
  for (let turn = 0; turn < 2; turn++) {
    const direct = await ask(program, 'www.test', 'AAAA', withDo)
    assert.deepEqual([direct.rcode, types(direct), direct.ad], [0, [], false])
    assert.deepEqual(
      direct.authority.map((rr) => [rr.type, rr.name]),
      [[TYPES['SOA'], 'test.']],
    )
    const alias = await ask(program, 'alias.test', 'AAAA', withDo)
    assert.deepEqual([types(alias), alias.ad], [[CNAME, RRSIG], false])
    assert.equal(alias.answers[1]?.data, signature('CNAME'))
    const address = await ask(program, 'www.test', 'A', withDo)
    assert.deepEqual([types(address), address.ad], [[A, RRSIG], true], 'A is nobody’s matter')
    for (const [type, number] of [
      ['HTTPS', HTTPS],
      ['SVCB', SVCB],
    ] as const) {
      const hint = await ask(program, 'alias.test', type, withDo)
      assert.deepEqual([types(hint), hint.ad], [[CNAME, RRSIG, number], false], type)
      assert.deepEqual([hint.answers[1]?.data, hint.answers[2]?.data], [signature('CNAME'), plain])
    }
    const untouched = await ask(program, 'plain.test', 'HTTPS', withDo)
    assert.deepEqual([types(untouched), untouched.ad], [[HTTPS, RRSIG], true])
  }
  assert.equal(upstream.count(undefined, 'AAAA'), 0)
  assert.equal((await program.metrics()).value('dnsweir_rule_exempt_total', { rule: 'aaaaFilter' }), 0)
})

test('AAAA is never called authentic, not where A is', async (t) => {
  const { program } = await startScene(t, script, enforced)
  for (const name of ['www.test', 'alias.test', 'nodata.test', 'nx.test']) {
    for (let turn = 0; turn < 2; turn++) {
      assert.equal((await ask(program, name, 'A', { ad: true })).ad, true, `${name} A`)
      assert.equal((await ask(program, name, 'AAAA', { ad: true })).ad, false, `${name} AAAA`)
    }
  }
})

test('ipv4only.arpa and what is excepted keep hints and addresses', async (t) => {
  const { program } = await startScene(t, script, {
    clusterDomains: ['cluster.local'],
    guard: { aaaaFilter: { mode: 'enforce', whenDnssec: 'answer' } },
  })
  for (const name of ['ipv4only.arpa', 'a.ipv4only.arpa', 'web.default.svc.cluster.local']) {
    assert.equal((await ask(program, name, 'AAAA', withDo)).answers[0]?.data, '2001:db8::1', name)
    const hint = await ask(program, name, 'HTTPS', withDo)
    assert.deepEqual([hint.answers[0]?.data, types(hint), hint.ad], [hinted, [HTTPS, RRSIG], true], name)
    assert.equal((await ask(program, name, 'SRV')).additional.length, 2, name)
  }
})
