/** What explain says is what happens, and nothing happens by it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type GuardSim, guardSim, rulesPlan } from '../../test/support/guard-sim.ts'
import { type Message, parse, query, type ReplyParts } from '../../test/support/message.ts'
import { clientAt, wire } from '../../test/support/shard-sim.ts'
import { writeMapped } from '../base/address.ts'
import { seededRandom } from '../base/random.ts'
import type { Explanation } from '../link/explain-data.ts'

const parts = {
  rules: {
    acl: { allow: ['10.0.0.0/8'] },
    rateLimit: { rate: '1/s', burst: 1000 },
    localAnswers: {
      records: ['db.lan. 300 IN A 10.0.0.5', 'www.lan. 300 IN CNAME db.lan.', 'db.dev.example.org. A 10.0.0.5'],
    },
    searchSuffix: {},
    cut: { except: ['shop.example.org'] },
    aaaaFilter: { mode: 'enforce', except: ['except.test'] },
  },
  clusterDomains: ['cluster.local'],
  searchSuffixes: ['example.org'],
}

const strip = { ...parts, rules: { ...parts.rules, searchSuffix: { action: 'strip' } } }

/** Names with `nx` are missing, as is all below example.org but exists.example.org; `bad` fails. */
function script(name: string, { questions }: Message): ReplyParts {
  if (name.includes('bad')) return { rcode: 2 }
  const isThere = !name.includes('nx') && (!name.endsWith('example.org') || name.startsWith('exists'))
  if (!isThere)
    return { rcode: 3, authority: [`${name.split('.').slice(-2).join('.')} 60 SOA ns.test root.test 1 2 3 4 60`] }
  if (questions[0]?.type === 1) return { answers: [`${name} 60 A 192.0.2.1`] }
  if (questions[0]?.type === 28) return { answers: [`${name} 60 AAAA 2001:db8::1`] }
  return {}
}

interface Asked {
  readonly name: string
  readonly type?: string
  readonly client?: readonly number[]
  readonly more?: Parameters<typeof query>[2]
}

const edns = { size: 1232 }

function explain({ shard }: GuardSim, { name, type = 'A', client, more = {} }: Asked): Explanation {
  const address = new Uint8Array(16)
  writeMapped(Uint8Array.from(client ?? clientAt(1).address), address, 0)
  return shard.engine.explain({ message: query(name, type, { edns, ...more }), client: address, streamed: false })
}

/** `step:verdict` of each step but those that pass. */
function road({ steps }: Explanation): string {
  return steps
    .filter(({ step, verdict }) => verdict !== 'pass' && step !== 'route')
    .map(({ step, mode, verdict }) => `${step}:${mode === 'observe' ? `(${verdict})` : verdict}`)
    .join(' ')
}

function whyOf({ steps }: Explanation, step: string): string {
  return steps.filter((one) => one.step === step).at(-1)?.why ?? ''
}

test('each kind of step', () => {
  const sim = guardSim(parts, script)
  const said = (asked: Asked): string => road(explain(sim, asked))
  assert.equal(said({ name: 'www.test', client: [192, 0, 2, 1] }), 'acl:reply reply:REFUSED')
  assert.equal(said({ name: 'www.test', type: 'ANY' }), 'question:error reply:NOERROR')
  assert.equal(said({ name: 'www.test', type: 'AXFR' }), 'question:error reply:REFUSED')
  assert.equal(said({ name: 'www.test', type: 'TYPE128' }), 'question:error reply:FORMERR')
  assert.equal(said({ name: '.', type: 'NS' }), 'probe:exempt cache:miss upstream:ask reply:unknown')
  assert.equal(said({ name: '1.2.test', type: 'HINFO' }), 'probe:once upstream:ask reply:unknown')
  assert.equal(said({ name: 'www.lan' }), 'localAnswers:reply reply:NOERROR')
  assert.equal(said({ name: 'a.svc.cluster.local.example.org' }), 'searchSuffix:reply reply:NXDOMAIN')
  assert.equal(said({ name: 'www.com.example.org' }), 'cut:probe cache:miss upstream:ask reply:unknown')
  assert.equal(said({ name: 'www.test', type: 'AAAA' }), 'aaaaFilter:ask cache:miss upstream:ask reply:unknown')
  assert.equal(said({ name: 'www.test' }), 'cache:miss upstream:ask reply:unknown')
  for (const name of ['www.test', 'nx.test', 'www.com.example.org', 'bad.test']) sim.shard.ask(query(name), 2000)
  assert.equal(said({ name: 'www.test' }), 'cache:hit reply:NOERROR')
  assert.equal(said({ name: 'www.test', type: 'AAAA' }), 'aaaaFilter:ask cache:hit reply:NOERROR')
  assert.equal(said({ name: 'nx.test', type: 'MX' }), 'cache:negative reply:NXDOMAIN')
  assert.equal(said({ name: 'bad.test' }), 'cache:failure reply:SERVFAIL')
  for (const label of ['a', 'b', 'c']) sim.shard.ask(query(`${label}.com.example.org`))
  assert.equal(said({ name: 'd.com.example.org' }), 'cut:reply reply:NXDOMAIN')
  sim.shard.world.advance(61_000)
  assert.equal(said({ name: 'www.test' }), 'cache:expired upstream:ask reply:unknown')
})

test('reasons have what an operator needs: who, what, how long', () => {
  const sim = guardSim(parts, script)
  sim.shard.ask(query('www.test'))
  for (let i = 0; i < 8; i++) sim.shard.ask(query(`w${i}.test`))
  for (const name of ['a', 'b', 'c', 'd']) sim.shard.ask(query(`${name}.com.example.org`))
  sim.shard.world.advance(4000)
  const why = (step: string, asked: Asked): string => whyOf(explain(sim, asked), step)
  const table: readonly (readonly [string, Asked, RegExp])[] = [
    ['acl', { name: 'www.test' }, /^10\.0\.2\.1 is in allow \(10\.0\.0\.0\/8\)$/],
    [
      'acl',
      { name: 'www.test', client: [192, 0, 2, 1] },
      /^192\.0\.2\.1 is in none of allow \(10\.0\.0\.0\/8\), so it gets REFUSED$/,
    ],
    [
      'localAnswers',
      { name: 'db.lan', type: 'MX' },
      /^db\.lan\. is in records or hosts, without a record of type MX: NODATA$/,
    ],
    [
      'searchSuffix',
      { name: 'a.svc.cluster.local.www.lan' },
      /^a cluster domain stands within it, but it is at or below/,
    ],
    [
      'searchSuffix',
      { name: 'a.svc.cluster.local.example.org' },
      /^cluster\.local stands before example\.org\.: .* NXDOMAIN$/,
    ],
    ['searchSuffix', { name: 'a.svc.cluster.local.example.org', more: { cd: true } }, /but with DO or CD it passes/],
    ['searchSuffix', { name: 'nas.example.org' }, /^the suffix example\.org\. alone makes no name junk/],
    ['cut', { name: 'x.com.example.org' }, /^its parent com\.example\.org\. does not exist \(known for 26 s more\)/],
    [
      'cut',
      { name: 'x.net.example.org' },
      /^net\.example\.org\., its parent in the scope example\.org\., is asked for first \(type A\)/,
    ],
    ['cut', { name: 'x.nas.example.org' }, /^its parent nas\.example\.org\. is none of parents: elsewhere is observe/],
    [
      'cut',
      { name: 'www.test' },
      /^no parent of this name is to be asked for: it is below no search suffix and no cluster domain$/,
    ],
    [
      'cut',
      { name: 'nas.example.org' },
      /: it stands directly below example\.org\., or below a label that begins with _$/,
    ],
    [
      'cut',
      { name: 'web.default.svc.cluster.local' },
      /: none of parents stands in cluster\.local\. where a namespace or a service does$/,
    ],
    ['cut', { name: 'x.com.shop.example.org' }, /: shop\.example\.org\. is in except$/],
    [
      'cut',
      { name: 'x.dev.example.org' },
      /: names at or below dev\.example\.org\. are served by a route or answered here$/,
    ],
    ['aaaaFilter', { name: 'x.except.test', type: 'AAAA' }, /^except\.test\. is excepted/],
    ['route', { name: 'www.test' }, /default route is taken: to 10\.0\.1\.0:53$/],
    ['cache', { name: 'www.test' }, /^an answer, kept for 4 s, 56 s left$/],
    [
      'rateLimit',
      { name: 'new.test' },
      /^10\.0\.2\.1: under the limit of 1 a second below new\.test\., 1000 at once; each question that goes upstream/,
    ],
    ['upstream', { name: 'new.test' }, /^policy fastest: 10\.0\.1\.0:53 \(\d+\.\d ms\) first$/],
    [
      'reply',
      { name: 'x.net.example.org' },
      /all this if net\.example\.org\. exists: NXDOMAIN for it is NXDOMAIN for this name$/,
    ],
  ]
  for (const [step, asked, expected] of table) assert.match(why(step, asked), expected, `${step} of ${asked.name}`)
  assert.equal(explain(sim, { name: 'x.net.example.org' }).asksFirst, 'net.example.org.')
  assert.equal(explain(sim, { name: 'www.test' }).steps.find(({ step }) => step === 'cache')?.ttl, 56)
})

test('rebinding: which address is private, and whether the name may lead there', () => {
  const rules = { rebinding: { mode: 'enforce', allow: ['corp.test'] }, aaaaFilter: { mode: 'enforce' } }
  const inside = (name: string): ReplyParts => ({
    answers: [
      `${name} 60 ${name.startsWith('mail') ? `MX 1 mx.${name}` : name.startsWith('www') ? 'A 192.0.2.1' : 'A 10.0.0.9'}`,
    ],
    additional: name.startsWith('mail') ? [`mx.${name} 60 A 10.0.0.8`] : [],
  })
  const enforced = guardSim({ rules, searchSuffixes: ['lan'] }, inside)
  const observed = guardSim({ rules: { rebinding: { ...rules.rebinding, mode: 'observe' } } }, inside)
  const said = (sim: GuardSim, name: string, type = 'A'): string => {
    const explanation = explain(sim, { name, type })
    const step = explanation.steps.find((one) => one.step === 'rebinding')
    return `${step?.verdict} ${step?.why}`
  }
  const isPublic = /evil\.test\. is a public name and not in allow$/
  assert.match(
    said(enforced, 'evil.test'),
    /^unknown the answer is looked at when it comes; one with a private address is refused: /,
  )
  assert.match(said(enforced, 'evil.test'), isPublic)
  assert.equal(
    said(enforced, 'a.corp.test'),
    'pass it may lead to private addresses: a.corp.test. is at or below corp.test., which is in allow',
  )
  for (const sim of [enforced, observed]) {
    for (const name of ['evil.test', 'www.test', 'a.corp.test', 'nas.lan', 'nas.internal']) sim.shard.ask(query(name))
    sim.shard.ask(query('mail.test', 'MX'))
    assert.equal(said(sim, 'www.test'), 'pass no address in the answer that is kept is private')
    assert.match(
      said(sim, 'nas.internal'),
      /^pass 10\.0\.0\.9 is private, .*: nas\.internal\. is at or below internal\., where no stranger/,
    )
  }
  assert.match(
    said(enforced, 'nas.lan'),
    /^pass 10\.0\.0\.9 is private, and the name may lead there: nas\.lan\. is at or below lan\., a search suffix$/,
  )
  assert.match(
    said(enforced, 'evil.test'),
    /^reply the answer led to a private address, and this empty one stands in its place: /,
  )
  assert.match(said(enforced, 'evil.test', 'AAAA'), /^reply the answer led to/)
  assert.match(said(enforced, 'mail.test', 'MX'), /^pass no address/, 'it was left out')
  assert.match(
    said(observed, 'evil.test'),
    /^reply only observes, so without effect: 10\.0\.0\.9 is private, so the answer is refused: /,
  )
  assert.match(said(observed, 'evil.test'), isPublic)
  assert.equal(
    said(observed, 'mail.test', 'MX'),
    'pass 10.0.0.8, an additional address, is private: it would be left out',
  )
  const { steps } = explain(enforced, { name: 'evil.test' })
  assert.match(
    whyOf({ steps } as Explanation, 'cache'),
    /^an empty answer in place of one that a rule refused, kept for/,
  )
  const { source, decidedBy, reply } = explain(enforced, { name: 'evil.test' })
  const option = parse(Buffer.from(reply as Uint8Array)).edns?.options.find(({ code }) => code === 15)
  assert.deepEqual(
    [source, decidedBy, option?.data.toString('latin1', 2)],
    ['cache', 'rebinding', 'rebinding: the answer was refused'],
  )
  // Turned on later: what is kept stays.
  enforced.shard.commit(rulesPlan({ rules: {} }))
  enforced.shard.ask(query('late.test'))
  enforced.shard.commit(rulesPlan({ rules, searchSuffixes: ['lan'] }))
  assert.match(
    said(enforced, 'late.test'),
    /^pass 10\.0\.0\.9 is private, but it was kept before the rule was turned on/,
  )
})

test('a suffix that is taken off: junk by form, after a cut, and after a denial that is kept', () => {
  const sim = guardSim(strip, script)
  const said = (name: string): string => road(explain(sim, { name }))
  assert.equal(
    said('a.svc.cluster.local.example.org'),
    'searchSuffix:reply searchSuffix:rewrite cache:miss upstream:ask reply:unknown',
  )
  for (const label of ['a', 'b', 'c']) sim.shard.ask(query(`${label}.com.example.org`))
  assert.equal(said('d.com.example.org'), 'cut:reply searchSuffix:rewrite cache:miss upstream:ask reply:unknown')
  sim.shard.ask(query('gone.lost.example.org'))
  assert.equal(said('gone.lost.example.org'), 'cache:negative searchSuffix:rewrite cache:hit reply:NOERROR')
  const why = whyOf({ ...explain(sim, { name: 'gone.lost.example.org' }) }, 'searchSuffix')
  assert.match(why, /no junk by form$/, 'the rules see the real name as well')
  const { steps } = explain(sim, { name: 'gone.lost.example.org' })
  assert.ok(
    steps.some((one) => /^the search suffix example\.org\. is taken off: gone\.lost\. is looked up/.test(one.why)),
  )
})

test('observers say what they would have done, and it has no effect', () => {
  const sim = guardSim({ ...strip, mode: 'observe' }, script)
  const said = (name: string, type = 'A'): string => road(explain(sim, { name, type }))
  assert.equal(said('db.lan'), 'localAnswers:(reply) cache:miss upstream:ask reply:unknown')
  assert.equal(said('a.svc.cluster.local.example.org'), 'searchSuffix:(reply) cache:miss upstream:ask reply:unknown')
  assert.equal(said('www.test', 'AAAA'), 'aaaaFilter:(ask) cache:miss upstream:ask reply:unknown')
  assert.match(
    whyOf(explain(sim, { name: 'db.lan' }), 'localAnswers'),
    /^only observes, so without effect: db\.lan\. is in/,
  )
  sim.shard.ask(query('gone.lost.example.org'))
  assert.equal(said('gone.lost.example.org'), 'cache:negative searchSuffix:(rewrite) reply:NXDOMAIN')
  // A cut learns by asking for the parent itself, once 20 names below it were denied.
  for (let i = 0; i < 22; i++) sim.shard.ask(query(`n${i}.com.example.org`), 100)
  sim.shard.world.advance(2000)
  sim.shard.ask(query('more.com.example.org'), 100)
  assert.equal(said('x.com.example.org'), 'cut:(reply) cache:miss upstream:ask reply:unknown')
})

test('without an upstream the reply is known: SERVFAIL; one that loops is named; who joins is told', () => {
  const sim = guardSim(parts, script)
  sim.shard.send(query('slow.test'))
  sim.shard.world.advance(0)
  const joined = explain(sim, { name: 'slow.test' })
  assert.ok(['join', 'ask'].includes(joined.steps.find(({ step }) => step === 'upstream')?.verdict ?? ''))
  sim.shard.commit({ ...rulesPlan(parts), routes: [{ name: '.', zones: [], upstreams: [] }] })
  const none = explain(sim, { name: 'other.test' })
  assert.equal(road(none), 'upstream:none reply:SERVFAIL'.replace('upstream', 'cache:miss upstream'))
  const { edns: opt } = parse(Buffer.from(none.reply ?? []))
  assert.equal(opt?.options[0]?.data.readUInt16BE(0), 22)
})

/** A name out of what rules care about, and as often as not one that was asked before. */
function anyName(random: ReturnType<typeof seededRandom>): string {
  const pick = (words: readonly string[]): string => words[random.u16() % words.length] as string
  const left = pick(['www', 'nx', 'bad', 'a.svc', 'exists', 'x.y', 'db', '_tcp.z'])
  const zone = pick([
    'test',
    'lan',
    'com.example.org',
    'net.example.org',
    'example.org',
    'cluster.local.example.org',
    'nas.example.org',
    'com.default.svc.cluster.local',
    'onion',
    'google.com',
    'except.test',
  ])
  return `${left}.${zone}`
}

for (const [title, settings] of [
  ['nxdomain', parts],
  ['strip', strip],
  ['observe', { ...strip, mode: 'observe' as const }],
] as const) {
  test(`what is explained is what is then replied (${title})`, () => {
    const random = seededRandom(11)
    const sim = guardSim(settings, script, {
      routes: [
        { name: '.', zones: [], upstreams: [0] },
        { name: 'test', zones: [wire('google.com')], upstreams: [0] },
      ],
    })
    let known = 0
    // Parents that cut asks for on its own, once many names below them were denied.
    const watched =
      title === 'observe'
        ? /^(local|nas|svc|y|z|com|net)\.example\.org A$|^com\.default\.svc/
        : /^(local|nas|svc|y|z)\.example\.org A$/
    for (let i = 0; i < 1500; i++) {
      const name = anyName(random)
      const type = ['A', 'AAAA', 'MX', 'HTTPS'][random.u16() % 4] as string
      const more = {
        edns: { ...edns, dnssecOk: random.u16() % 5 === 0 },
        cd: random.u16() % 7 === 0,
        rd: random.u16() % 9 !== 0,
      }
      const told = explain(sim, { name, type, more })
      sim.forget()
      const got = sim.shard.ask(query(name, type, more), 400)
      const asked = sim.asked().filter((one) => !watched.test(one))
      const how = `${name} ${type} ${JSON.stringify(more)}: ${JSON.stringify(told.steps, undefined, 1)} ${asked}`
      // What is let through as a sample is chosen when it comes.
      const isSample = told.steps.some(({ step, verdict }) => step === 'cut' && verdict === 'reply') && asked.length > 0
      if (isSample) continue
      assert.equal(asked.length > 0, told.source === 'upstream' || told.asksFirst !== '', how)
      if (told.reply === undefined || told.asksFirst !== '') continue
      known++
      const expected = parse(Buffer.from(told.reply))
      for (const message of [expected, got as Message])
        for (const record of [...message.answers, ...message.authority]) Object.assign(record, { ttl: 0 })
      const picked = ({ rcode, answers, authority, additional, aa, ad, tc, edns: opt }: Message): object => ({
        rcode,
        answers,
        authority,
        additional,
        aa,
        ad,
        tc,
        ede: opt?.options.map(({ data }) => data.toString('latin1')),
      })
      assert.deepEqual(picked(expected), picked(got as Message), how)
    }
    assert.ok(known > 200, `${known} replies were known before`)
    assert.equal(sim.shard.unaccounted, 0)
  })
}

test('nothing changes by it: counters, upstream, cache, buckets, random', () => {
  const sim = guardSim(strip, script)
  const { shard } = sim
  for (const name of ['www.test', 'nx.test', 'bad.test', 'a.com.example.org']) shard.ask(query(name), 3000)
  shard.world.advance(1000)
  const lane = shard.counters.lane.slice()
  sim.forget()
  const random = seededRandom(5)
  for (let i = 0; i < 1000; i++) {
    explain(sim, { name: anyName(random), type: ['A', 'AAAA', 'ANY', 'HTTPS'][i % 4] as string })
    explain(sim, { name: '.', type: 'NS' })
    explain(sim, { name: '0123456789abcdef.0123456789abcdef.test', type: 'HINFO' })
  }
  assert.deepEqual(shard.counters.lane, lane)
  assert.deepEqual(sim.asked(), [])
  shard.world.advance(500)
  assert.deepEqual(sim.asked(), [], 'nor a turn later')
  assert.match(
    whyOf(explain(sim, { name: 'new.test' }), 'rateLimit'),
    /under the limit of 1 a second below new\.test\., 1000 at once/,
  )
})
