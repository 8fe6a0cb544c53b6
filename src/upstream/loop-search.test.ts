/** Loops that live in a zone behind the upstream, that come and go by chance, and clients who would like to make or hide one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ForwardSim, type SimAsked, simPlan, simRoute, simUpstream } from '../../test/support/forward-sim.ts'
import { queryOf } from '../../test/support/query.ts'
import type { PlanData } from '../link/plan-data.ts'
import { upstreamsMax } from '../link/plan-data.ts'
import { FAIL_LOOP } from './flight-end.ts'
import { RESTRAINED } from './forward.ts'
import { foundMax } from './loop-probe.ts'

const isProbe = (asked: SimAsked): boolean =>
  /^[0-9a-f]{16}\.[0-9a-f]{16}\./.test(asked.message.questions[0]?.name ?? '')
const nameOf = (asked: SimAsked): string => asked.message.questions[0]?.name ?? ''
const wire = (name: string): Uint8Array => {
  const query = queryOf(name)
  return query.name.slice(0, query.nameLength)
}

/** Shard 0 with one upstream at 192.0.2.1, which sends back to us whatever `sendsBack` says, probes and questions. */
function scene(sendsBack: (name: string) => boolean, plan: Partial<PlanData> = {}, seed = 1) {
  const sim = new ForwardSim({ plan: { ...simPlan(), ...plan }, shard: 0, seed })
  const asked = simUpstream(sim, 1, (one) => {
    const name = nameOf(one)
    if (!sendsBack(name)) return isProbe(one) ? { rcode: 3 } : { answers: [`${name} 60 A 192.0.2.1`] }
    const query = queryOf(name, isProbe(one) ? 'HINFO' : 'A', { client: '192.0.2.1' })
    // As the engine does: what is no probe of ours joins its own flight.
    if (!sim.board.sighting(query)) sim.forward.ask(query, sim.now)
    return undefined
  })
  const probes = (): string[] => asked.filter(isProbe).map(nameOf)
  const loops = (name: string): number => {
    const bytes = wire(name)
    return sim.board.loopingFor(0, bytes, 0, bytes.length)
  }
  const said = (): string[] => sim.events.map(({ marked, zone }) => `${marked ? 'marked' : 'healed'} ${zone || 'all'}`)
  return { sim, asked, probes, loops, said }
}

test('a search suffix that the upstream forwards back to us alone is found at start, and cut alone', () => {
  const looping = { now: true }
  const isBelow = (name: string) => looping.now && name.endsWith('example.org.')
  const { sim, loops, said, asked } = scene(isBelow, { loopZones: [wire('lan.example.org'), wire('other.test')] })
  sim.advance(2000)
  assert.deepEqual(said(), ['marked example.org'], 'all of it, though only lan.example.org was known')
  assert.deepEqual(
    [loops('a.lan.example.org'), loops('b.example.org'), loops('a.other.test'), loops('org')],
    [1, 1, 0, 0],
  )
  assert.equal(sim.board.looping(0), 0)
  const results = Array.from({ length: 50 }, (_, i) => sim.ask(queryOf(`n${i}.example.org`)).flight)
  assert.equal(results.filter((flight) => flight === RESTRAINED).length, 30)
  const good = Array.from({ length: 50 }, (_, i) => sim.ask(queryOf(`n${i}.other.test`)))
  sim.advance(10)
  assert.ok(
    good.every(({ end }) => end?.answers === 1),
    'all other names go on',
  )
  looping.now = false
  sim.advance(5000)
  assert.deepEqual(said(), ['marked example.org', 'healed example.org'])
  const before = asked.length
  sim.advance(3_600_000)
  assert.ok(asked.length - before < 250, `${asked.length - before} probes in an hour`)
})

test('a zone that nobody told us of is found by its own traffic: the question that comes back leads to it', () => {
  const { sim, loops, said } = scene((name) => name.endsWith('corp.example.'))
  sim.advance(20_000)
  assert.deepEqual(said(), [])
  const first = sim.ask(queryOf('www.sales.corp.example'))
  sim.advance(3000)
  assert.deepEqual(said(), ['marked corp.example'])
  assert.deepEqual([loops('db.corp.example'), loops('example')], [1, 0])
  assert.notEqual(first.flight, RESTRAINED)
  sim.advance(6000)
  const ticket = sim.ask(queryOf('mail.corp.example'))
  sim.advance(7000)
  assert.equal(ticket.end?.code, FAIL_LOOP)
})

test('a hint about a loop of everything leads to one mark, and one sentence', () => {
  const looping = { now: false }
  const { sim, said } = scene(() => looping.now, { loopZones: [wire('a.test'), wire('10.in-addr.arpa')] })
  sim.advance(40_000)
  looping.now = true
  sim.ask(queryOf('www.a.test'))
  sim.advance(500)
  assert.deepEqual(said(), ['marked all'], 'long before the interval')
  sim.advance(60_000)
  assert.deepEqual(said(), ['marked all'])
  looping.now = false
  sim.advance(4000)
  assert.deepEqual(said(), ['marked all', 'healed all'])
})

test('marks of zones survive a reload, and a shard that is restarted believes the board', () => {
  const plan = { ...simPlan(), loopZones: [wire('lan')] }
  const { sim, loops, said } = scene((name) => name.endsWith('lan.') || name.endsWith('corp.example.'), plan)
  sim.ask(queryOf('x.corp.example'))
  sim.advance(4000)
  assert.deepEqual(said().sort(), ['marked corp.example', 'marked lan'])
  sim.reload({ ...plan, generation: 1 })
  sim.advance(10_000)
  assert.deepEqual([loops('a.lan'), loops('a.corp.example'), said().length], [1, 1, 2])
  const other = { name: '192.0.2.2:53', address: Uint8Array.of(192, 0, 2, 2) }
  sim.reload(simPlan({ upstreams: [other], generation: 2 }))
  assert.deepEqual([loops('a.lan'), loops('a.corp.example')], [0, 0], 'they were about another upstream')
})

test('an upstream that takes us every other time is marked, said once, and stays marked', () => {
  let marked = 0
  let sentences = 0
  for (let seed = 1; seed <= 60; seed++) {
    const { sim, loops, said } = scene(() => sim.world.random.u16() % 2 === 0, {}, seed)
    sim.advance(5000)
    marked += loops('a.test')
    sim.advance(300_000)
    sentences += said().length
  }
  assert.ok(marked >= 24, `${marked} of 60 within 5 s; half of them show nothing at the first look`)
  assert.ok(sentences <= 66, `${sentences} sentences of 60`)
})

test('one that loops wholly heals in three seconds; SERVFAIL and silence alone heal it slowly', () => {
  for (const [answer, minMs, maxMs] of [
    ['nxdomain', 1000, 3500],
    ['servfail', 9000, 12_000],
    ['silent', 9000, 12_000],
  ] as const) {
    const state = { looping: true }
    const sim = new ForwardSim({ plan: simPlan(), shard: 0 })
    simUpstream(sim, 1, (one) => {
      if (state.looping) sim.board.sighting(queryOf(nameOf(one), 'HINFO'))
      if (state.looping || answer === 'silent') return undefined
      return { rcode: answer === 'servfail' ? 2 : 3 }
    })
    sim.advance(5000)
    assert.ok(sim.board.isLooping(0, 0))
    state.looping = false
    const since = sim.now
    while (sim.board.isLooping(0, 0)) sim.advance(50)
    assert.ok(sim.now - since >= minMs && sim.now - since <= maxMs, `${answer}: ${sim.now - since} ms`)
  }
})

test('a client can neither forge a loop nor hide one, nor make us send more than a probe in 5 s', () => {
  const looping = { now: false }
  const { sim, said, probes, asked } = scene((name) => looping.now && !name.endsWith('flood.test.'))
  sim.advance(1000)
  const replayed = probes()
  const before = { probes: probes().length, at: sim.now }
  // A minute of every kind: guesses, replays, questions twice at once, and the upstream's own address as the source.
  for (let i = 0; i < 6000; i++) {
    const guess = `${(i * 40_503).toString(16).padStart(16, '0')}.${i.toString(16).padStart(16, '0')}.`
    assert.equal(sim.board.sighting(queryOf(guess, 'HINFO')), false)
    assert.equal(sim.board.sighting(queryOf(replayed[i % replayed.length] as string, 'HINFO')), false)
    sim.askOnce(queryOf(guess, 'HINFO', { client: '10.0.0.66' }))
    sim.ask(queryOf(`x${i}.flood.test`, 'A', { client: '192.0.2.1' }))
    sim.ask(queryOf(`x${i}.flood.test`, 'A', { client: '10.0.0.66' }))
    sim.advance(10)
  }
  assert.deepEqual(said(), [], 'nothing was forged')
  const ours = probes().filter((name) => name.endsWith('flood.test.') || name.length === 34).length
  const spent = (sim.now - before.at) / 5000
  assert.ok(probes().length - before.probes - passed(asked) <= spent + 4, `${ours} probes of ours in ${spent * 5} s`)
  looping.now = true
  sim.advance(33_000)
  assert.deepEqual(said(), ['marked all'], 'nothing was hidden')

  /** Guesses of the client that passed as probes of another dnsweir. */
  function passed(all: SimAsked[]): number {
    return all.filter((one) => nameOf(one).length === 34 && /^0{3}/.test(nameOf(one))).length
  }
})

test('the places for hints are bounded, and a flood of names leaves them free again', () => {
  const upstreams = Array.from({ length: upstreamsMax }, (_, i) => ({ name: `u${i}` }))
  const sim = new ForwardSim({
    plan: simPlan({
      upstreams,
      routes: [
        simRoute(
          '.',
          ['.'],
          upstreams.map((_, i) => i),
        ),
      ],
    }),
    shard: 0,
  })
  sim.advance(30_000)
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < upstreamsMax; i++) {
      const bytes = wire(`r${round}.u${i}.test`)
      sim.board.hints.post(i, 0, bytes, 0, bytes.length, 1, sim.now)
    }
    sim.advance(5100)
  }
  const { units } = (sim.forward as unknown as { probe: { units: readonly { isFound: boolean }[] } }).probe
  assert.ok(units.filter(({ isFound }) => isFound).length <= foundMax)
})
