/** Rules that observe: they count what they would have done, and no reply is another for it. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { ruleNames } from '../../src/guard/rules.ts'
import { skipName } from '../../src/wire/name.ts'
import { Records } from '../../src/wire/records.ts'
import { TcpClient, UdpClient } from '../support/client.ts'
import { type QueryParts, query, type ReplyParts, reply } from '../support/message.ts'
import { type Program, startProgram } from '../support/program.ts'
import { openUpstream } from '../support/scene.ts'
import type { Asked } from '../support/upstream.ts'

const soa = 'example.org 60 SOA ns.example.org root.example.org 1 2 3 4 60'

/** One record a set, so that nothing rotates. */
function answer({ name, type }: Asked): ReplyParts {
  const bare = name.replace(/\.$/, '')
  if (/example\.org$|local$/.test(bare) && !bare.startsWith('exists')) return { rcode: 3, authority: [soa] }
  if (bare === 'inside.test') return { answers: ['inside.test 60 A 10.0.0.1'] }
  if (type === 1) return { answers: [`${bare} 60 A 192.0.2.1`] }
  if (type === 28) return { answers: [`${bare} 60 AAAA 2001:db8::1`] }
  if (type === 15)
    return { answers: [`${bare} 60 MX 1 mail.${bare}`], additional: [`mail.${bare} 60 AAAA 2001:db8::2`] }
  return { authority: [soa] }
}

/** What the rules would act on, were they let. */
const rules = {
  acl: { allow: ['192.0.2.0/24'] },
  rateLimit: { rate: '1/s', burst: 1 },
  localAnswers: { records: ['db.lan. 300 IN A 10.0.0.5'] },
  searchSuffix: { action: 'strip' },
  kubernetesNames: {},
  cut: { elsewhere: 'enforce', samples: 0 },
  aaaaFilter: {},
  rebinding: {},
}

const questions: readonly (readonly [string, string])[] = [
  ['db.lan', 'A'],
  ['www.onion', 'A'],
  ['localhost', 'A'],
  ['a.svc.cluster.local.example.org', 'A'],
  ['a.svc.cluster.local.example.org', 'AAAA'],
  ['www.google.com.example.org', 'A'],
  ['www.google.com.example.org', 'AAAA'],
  ['exists.example.org', 'A'],
  ['www.test', 'AAAA'],
  ['www.test', 'MX'],
  ['www.test', 'A'],
  ['google.com.cluster.local', 'A'],
  ['inside.test', 'A'],
  ...Array.from({ length: 25 }, (_, i) => [`n${i}.com.example.org`, 'A'] as const),
]

const ways: readonly QueryParts[] = [{}, { edns: {} }, { edns: { dnssecOk: true } }, { cd: true, edns: {} }]

/** The reply's bytes with id and TTLs set to 0. */
function bare(bytes: Buffer): string {
  const copy = Buffer.from(bytes)
  copy.writeUInt16BE(0, 0)
  const records = new Records()
  records.read(copy, 0, skipName(copy, 12, copy.length) + 4, copy.length)
  for (let i = 0; i < records.count; i++) {
    const isOpt = records.type[i] === 41
    if (!isOpt) copy.writeUInt32BE(0, (records.rdataAt[i] as number) - 6)
  }
  return copy.toString('hex')
}

async function repliesOf(program: Program): Promise<string[]> {
  const udp = await UdpClient.open(program)
  const tcp = await TcpClient.open(program)
  const replies: string[] = []
  let id = 0
  // Twice: the second time from the cache.
  for (const round of ['first', 'second']) {
    for (const [name, type] of questions) {
      for (const parts of ways) {
        const client = id % 5 === 0 ? tcp : udp
        client.send(query(name, type, { id: ++id, ...parts }))
        const got = await client.next()
        replies.push(`${round} ${name} ${type} ${JSON.stringify(parts)}: ${got === undefined ? 'none' : bare(got)}`)
      }
    }
  }
  udp.close()
  tcp.close()
  return replies
}

for (const args of [
  ['--udp', 'epoll'],
  ['--udp', 'dgram'],
]) {
  test(`${args.join(' ')}: with all rules in observe the replies are those without any rule, and each rule counts`, async (t) => {
    const upstream = await openUpstream(t, (asked) => reply(asked, answer(asked)))
    const common = { upstreams: [upstream.target], clusterDomains: ['cluster.local'], searchSuffixes: ['example.org'] }
    const of = (mode: string): object => ({
      ...common,
      guard: Object.fromEntries(Object.entries(rules).map(([rule, settings]) => [rule, { ...settings, mode }])),
    })
    const observing = await startProgram(t, { ...of('observe') }, { args })
    const without = await startProgram(t, { ...of('disabled') }, { args })
    const expected = await repliesOf(without)
    const got = await repliesOf(observing)
    assert.equal(new Set(expected).size, questions.length * 8, 'every question was asked')
    assert.deepEqual(got, expected)
    const metrics = await observing.metrics()
    for (const rule of ruleNames) {
      assert.ok(rule in rules, `${rule} is observed here`)
      assert.ok(metrics.value('dnsweir_rule_observed_total', { rule }) > 0, `${rule} counts what it would have done`)
      for (const what of ['replied', 'dropped', 'limited', 'finished']) {
        assert.equal(metrics.value(`dnsweir_rule_${what}_total`, { rule }), 0, `${rule}: ${what}`)
      }
    }
  })
}
