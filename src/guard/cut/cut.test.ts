import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GuardSim, guardSim, rulesPlan } from '../../../test/support/guard-sim.ts'
import { type Message, query, type ReplyParts } from '../../../test/support/message.ts'
import { emptyPlan } from '../../link/plan-data.ts'
import { cuts as events } from '../../metrics/catalog.ts'

const parts = {
  rules: { cut: {} },
  clusterDomains: ['cluster.local'],
  searchSuffixes: ['example.org', 'lan'],
}
const soa = (zone: string, ttl = 60, minimum = 60): string =>
  `${zone} ${ttl} SOA ns.${zone} root.${zone} 7 2 3 4 ${minimum}`
const missing = (zone: string, ttl = 60, minimum = 60): ReplyParts => ({
  rcode: 3,
  authority: [soa(zone, ttl, minimum)],
})
const there = (name: string, ttl = 60): ReplyParts => ({ answers: [`${name} ${ttl} A 192.0.2.1`] })

/** Everything below example.org and the cluster is missing but for the names given. */
function world(...names: string[]): (name: string) => ReplyParts {
  return (name) =>
    names.includes(name) ? there(name) : missing(name.endsWith('cluster.local') ? 'cluster.local' : 'example.org')
}

const said = (got: Message | undefined): string => {
  const [record] = got?.authority ?? []
  return `${got?.rcode} ${got?.answers.length} ${record?.name} ${record?.ttl}`
}

function ask(sim: GuardSim, name: string, type = 'A', more = {}): Message | undefined {
  return sim.shard.ask(query(name, type, more))
}

/** Asks so many names below a parent that all first samples are taken. */
function useSamples(sim: GuardSim, parent = 'com.example.org'): void {
  for (const label of ['a', 'b', 'c']) ask(sim, `${label}.${parent}`)
  sim.forget()
}

test('the parent is asked for first, and whoever asks meanwhile waits', () => {
  const sim = guardSim({ ...parts, rules: { cut: { samples: 0 } } }, world())
  const { shard } = sim
  for (const type of ['A', 'AAAA', 'SRV']) shard.send(query('www.google.com.example.org', type))
  shard.world.advance(20)
  assert.deepEqual(sim.asked(), ['com.example.org A'])
  assert.deepEqual(
    shard.replies.map((got) => said(got)),
    Array(3).fill('3 0 example.org. 30'),
  )
  ask(sim, 'mail.yahoo.com.example.org', 'MX')
  assert.deepEqual(sim.asked(), ['com.example.org A'])
  assert.equal(shard.unaccounted, 0)
})

test('a parent that exists costs its first asker one question more, for as long as it says', () => {
  const sim = guardSim(parts, world('com.example.org', 'www.com.example.org'))
  assert.equal(ask(sim, 'www.com.example.org')?.rcode, 0)
  assert.equal(ask(sim, 'x.com.example.org')?.rcode, 3)
  assert.deepEqual(sim.asked(), ['com.example.org A', 'www.com.example.org A', 'x.com.example.org A'])
  sim.shard.world.advance(61_000)
  sim.forget()
  ask(sim, 'y.com.example.org')
  assert.deepEqual(sim.asked(), ['com.example.org A', 'y.com.example.org A'])
})

test('the first three names below a new cut go upstream, and one in a hundred after that', () => {
  const sim = guardSim({ ...parts, rules: { cut: { maxTtl: '1h' } } }, world(), { cache: cacheOf(3600) })
  for (let i = 0; i < 303; i++) {
    ask(sim, `host${i}.com.example.org`)
    ask(sim, `host${i}.com.example.org`, 'AAAA')
  }
  const wanted = ['com', 'host0.com', 'host1.com', 'host2.com', 'host102.com', 'host202.com', 'host302.com']
  assert.deepEqual(
    sim.asked(),
    wanted.map((name) => `${name}.example.org A`),
  )
  assert.equal(sim.shard.count(events.sampled), 6)
  assert.equal(sim.shard.unaccounted, 0)
})

test('both types of a sampled name wait for its one question', () => {
  const sim = guardSim(parts, world())
  sim.shard.send(query('www.com.example.org'))
  sim.shard.send(query('www.com.example.org', 'AAAA'))
  sim.shard.world.advance(20)
  assert.deepEqual(sim.asked(), ['com.example.org A', 'www.com.example.org A'])
  assert.deepEqual(
    sim.shard.replies.map(({ rcode }) => rcode),
    [3, 3],
  )
})

test('a sample that exists ends the cuts of its suffix until the next reload, and is answered itself', () => {
  const sim = guardSim(parts, world('deep.com.example.org'))
  const { shard } = sim
  ask(sim, 'a.com.example.org')
  assert.equal(ask(sim, 'deep.com.example.org')?.answers.length, 1)
  sim.forget()
  ask(sim, 'other.net.example.org')
  ask(sim, 'other.com.example.org')
  assert.deepEqual(sim.asked(), ['other.net.example.org A', 'other.com.example.org A'])
  const event = shard.events.find((one) => one.kind === 'rule')
  assert.match(event?.sentence ?? '', /^deep\.com\.example\.org\. exists although com\.example\.org\. is said not to/)
  assert.equal(shard.count(events.withdrawn), 1)
  // The other suffix is not concerned.
  ask(sim, 'x.com.lan')
  assert.ok(sim.asked().includes('com.lan A'))
})

const passing: Record<string, string> = {
  'a parent that is not listed': 'www.printer.example.org',
  'the parent itself': 'com.example.org',
  'a suffix itself': 'example.org',
  'no suffix at all': 'www.google.com',
  'the namespace itself': 'com.svc.cluster.local',
  'a service in a namespace': 'web.default.svc.cluster.local',
  'a host of a service': 'pod-0.web.default.svc.cluster.local',
  'neither svc nor a suffix': 'google.com.cluster.local',
  'a label with a dot byte': 'www.goo\\.com.example.org',
}
for (const [what, name] of Object.entries(passing)) {
  test(`it does not concern ${what}`, () => {
    const sim = guardSim(parts, world())
    ask(sim, name)
    assert.equal(sim.asked().length, 1)
  })
}

test('names that fit the schema of a cluster are cut where a namespace or a service stands, without samples, for 5 s', () => {
  const sim = guardSim(parts, world('com.default.svc.cluster.local', 'pod.com.default.svc.cluster.local'))
  const cases: [string, string][] = [
    ['google.com.svc.cluster.local', '3 0 cluster.local. 5'],
    ['www.google.com.svc.cluster.local', '3 0 cluster.local. 5'],
    ['google.com.prod.svc.cluster.local', '3 0 cluster.local. 5'],
    ['pod.com.default.svc.cluster.local', '0 1 undefined undefined'],
  ]
  for (const [name, wanted] of cases) assert.equal(said(ask(sim, name)), wanted, name)
  assert.deepEqual(sim.asked(), [
    'com.svc.cluster.local A',
    'com.prod.svc.cluster.local A',
    'com.default.svc.cluster.local A',
    'pod.com.default.svc.cluster.local A',
  ])
  sim.shard.world.advance(5001)
  sim.forget()
  ask(sim, 'yahoo.com.svc.cluster.local')
  assert.deepEqual(sim.asked(), ['com.svc.cluster.local A'])
})

test('what a parent costs in cluster zones is taken off its first samples below a suffix', () => {
  const sim = guardSim(parts, world())
  ask(sim, 'google.com.svc.cluster.local')
  ask(sim, 'google.com.default.svc.cluster.local')
  sim.forget()
  for (const label of ['a', 'b', 'c']) ask(sim, `${label}.com.example.org`)
  assert.deepEqual(sim.asked(), ['com.example.org A', 'a.com.example.org A'])
  sim.forget()
  for (const label of ['a', 'b', 'c']) ask(sim, `${label}.net.example.org`)
  assert.equal(sim.asked().length, 4)
})

test('only an NXDOMAIN with an empty answer section cuts', () => {
  const answers: ReplyParts[] = [
    { rcode: 3, answers: ['com.example.org 60 CNAME gone.example.net'], authority: [soa('example.net')] },
    { authority: [soa('example.org')] },
    { answers: ['com.example.org 0 A 192.0.2.1'] },
    { rcode: 2 },
    { rcode: 5 },
  ]
  for (const parent of answers) {
    const sim = guardSim(parts, (name) => (name === 'com.example.org' ? parent : there(name)))
    assert.equal(ask(sim, 'www.com.example.org')?.answers.length, 1)
    assert.equal(ask(sim, 'ftp.com.example.org')?.answers.length, 1)
    assert.equal(sim.asked().filter((one) => one === 'com.example.org A').length, 1, JSON.stringify(parent))
  }
})

test('a denial without SOA is cut with one of ours, owned by the parent', () => {
  const sim = guardSim(parts, () => ({ rcode: 3 }))
  useSamples(sim)
  assert.equal(said(ask(sim, 'www.google.com.example.org')), '3 0 com.example.org. 30')
})

test('TTL and MINIMUM are what is left of the denial', () => {
  const sim = guardSim(parts, () => missing('example.org', 20, 9))
  useSamples(sim)
  sim.shard.world.advance(3900)
  const got = ask(sim, 'www.google.com.example.org')
  assert.equal(said(got), '3 0 example.org. 6')
  assert.match(got?.authority[0]?.data ?? '', / 6$/)
  assert.deepEqual(got?.aa, false)
})

test('DO and CD, questions without RD, and names that are served here or by a route pass', () => {
  const sim = guardSim(
    {
      ...parts,
      rules: {
        cut: { except: ['keep.com.example.org'] },
        localAnswers: { records: ['db.net.example.org. 60 A 10.0.0.5'] },
      },
      routeZones: ['corp.org.example.org'],
    },
    world(),
  )
  const edns = { size: 1232, dnssecOk: true }
  ask(sim, 'www.com.example.org', 'A', { edns })
  ask(sim, 'www.com.example.org', 'A', { cd: true })
  ask(sim, 'www.com.example.org', 'A', { rd: false })
  ask(sim, 'www.net.example.org')
  ask(sim, 'www.org.example.org')
  ask(sim, 'a.keep.com.example.org')
  assert.deepEqual(
    sim.asked().filter((one) => /^(com|net|org)\.example/.test(one)),
    [],
  )
})

test('a probe that nobody answers holds a query up for a third of its time, once in 5 s', () => {
  const sim = guardSim(parts, (name) => (name === 'com.example.org' ? undefined : there(name)))
  sim.shard.send(query('www.com.example.org'))
  sim.shard.world.advance(600)
  assert.equal(sim.shard.replies.length, 0)
  sim.shard.world.advance(100)
  assert.equal(sim.shard.replies[0]?.answers.length, 1)
  assert.equal(sim.shard.unaccounted, 0)
})

test('observe: nothing waits; a parent below which much is denied is asked for on the side', () => {
  const sim = guardSim({ ...parts, mode: 'observe' }, world())
  for (let i = 0; i < 30; i++) ask(sim, `h${i}.com.example.org`)
  assert.equal(sim.asked().filter((one) => one === 'com.example.org A').length, 1)
  assert.equal(sim.asked().length, 31)
  assert.equal(sim.shard.count(events.wouldCut) > 5, true)
  assert.match(
    sim.shard.events.map((one) => ('sentence' in one ? one.sentence : '')).join(),
    /com\.example\.org\. does not exist/,
  )
})

test('elsewhere: parents that are not listed are observed, or cut where the operator says so', () => {
  const observing = guardSim(parts, world())
  for (let i = 0; i < 30; i++) ask(observing, `h${i}.office.example.org`)
  assert.equal(observing.asked().length, 31)
  const cutting = guardSim({ ...parts, rules: { cut: { elsewhere: 'enforce', samples: 0 } } }, world())
  for (let i = 0; i < 30; i++) ask(cutting, `h${i}.office.example.org`)
  ask(cutting, '_ldap._tcp.example.org', 'SRV')
  assert.deepEqual(cutting.asked(), ['office.example.org A', '_ldap._tcp.example.org SRV'])
})

test('a probe is charged as a miss: parents that nobody asked for before are no way around the limit', () => {
  const rules = { cut: { elsewhere: 'enforce', samples: 0 }, rateLimit: { rate: '1/s', burst: 5, buckets: 1024 } }
  const sim = guardSim({ ...parts, rules }, world())
  for (let i = 0; i < 50; i++) sim.shard.send(query(`a.random${i}.example.org`))
  sim.shard.world.advance(50)
  assert.equal(sim.asked().length, 5)
  assert.equal(sim.shard.replies.length, 50)
  assert.equal(sim.shard.unaccounted, 0)
})

test('a reload keeps what is known of parents', () => {
  const sim = guardSim(parts, world())
  useSamples(sim)
  sim.shard.commit(rulesPlan(parts))
  ask(sim, 'www.google.com.example.org')
  assert.deepEqual(sim.asked(), [])
})

function cacheOf(maxNegativeTtl: number): typeof emptyPlan.cache {
  return { ...emptyPlan.cache, maxBytes: 1 << 20, maxNegativeTtl }
}
