import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ForwardSim, type SimAsked, simPlan, simRoute, simUpstream } from '../../test/support/forward-sim.ts'
import { queryOf } from '../../test/support/query.ts'
import { UP_LOOP_PROBES, UP_LOOP_SEEN, UP_RESTRAINED, upstream } from '../metrics/catalog.ts'
import { FAIL_LOOP } from './flight-end.ts'
import { RESTRAINED } from './forward.ts'
import { passesPerSender } from './loop-passes.ts'
import { loopZonesMax } from './loop-zones.ts'

const isProbe = (asked: SimAsked): boolean => asked.message.questions[0]?.type === 13
const good = (asked: SimAsked) => ({ answers: [`${asked.message.questions[0]?.name} 60 A 192.0.2.1`] })
const nxdomain = () => ({ rcode: 3 })

/** What the engine does with a probe that comes in: asks the board. True: it was ours. */
function comesBack(sim: ForwardSim, asked: SimAsked): boolean {
  const query = queryOf(asked.message.questions[0]?.name as string, 'HINFO')
  query.listener = 3
  query.client.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1])
  query.peer = Uint8Array.of(2, 0, 0x14, 0xe9, 192, 0, 2, 1, ...new Uint8Array(24))
  return sim.board.sighting(query)
}

/** Shard 0 with upstreams of which those in `looping` send everything back to us. */
function simOf(
  count: number,
  looping: Set<number>,
  plan = simPlan({ upstreams: Array.from({ length: count }, () => ({})) }),
) {
  const sim = new ForwardSim({ plan, shard: 0 })
  const asked = Array.from({ length: count }, (_, i) =>
    simUpstream(sim, i + 1, (one) => {
      if (!looping.has(i)) return isProbe(one) ? nxdomain() : good(one)
      if (isProbe(one)) assert.ok(comesBack(sim, one))
      return undefined
    }),
  )
  const questions = (i: number): number => asked[i]?.filter((one) => !isProbe(one)).length as number
  const probes = (i: number): SimAsked[] => asked[i]?.filter(isProbe) as SimAsked[]
  return { sim, questions, probes }
}

test('an upstream without a loop: one probe at start and per interval, a verdict at once, no event', () => {
  const { sim, probes } = simOf(1, new Set())
  sim.advance(200)
  assert.ok(sim.board.firstVerdictAt > 0 && sim.board.firstVerdictAt < sim.now)
  assert.equal(probes(0).length, 1)
  assert.match(probes(0)[0]?.message.questions[0]?.name as string, /^[0-9a-f]{16}\.[0-9a-f]{16}\.$/)
  sim.advance(120_000)
  assert.ok(probes(0).length >= 4 && probes(0).length <= 6, `${probes(0).length} probes in 2 minutes`)
  assert.equal(new Set(probes(0).map((one) => one.message.questions[0]?.name)).size, probes(0).length)
  assert.deepEqual([sim.events, sim.board.looping(0)], [[], 0])
  assert.equal(sim.counters.lane[upstream.at(0, UP_LOOP_PROBES)], probes(0).length)
})

test('two probes in a row that come back mark; the sentence has its facts; two clean ones heal', () => {
  const looping = new Set([0])
  const { sim, probes } = simOf(1, looping)
  sim.advance(900)
  assert.ok(sim.board.isLooping(0, 0))
  assert.ok(sim.board.firstVerdictAt > 0, 'known within a second')
  assert.deepEqual(sim.events, [
    {
      kind: 'loop',
      marked: true,
      route: '.',
      zone: '',
      upstream: '192.0.2.1:53',
      listener: 'listener 3',
      from: '192.0.2.1:5353',
    },
  ])
  assert.equal(sim.counters.lane[upstream.at(0, UP_LOOP_SEEN)], 2)
  const before = probes(0).length
  sim.advance(10_000)
  const inTen = probes(0).length - before
  assert.ok(inTen >= 8 && inTen <= 11, `${inTen} probes in 10 s while marked`)
  looping.clear()
  sim.advance(3500)
  assert.ok(!sim.board.isLooping(0, 0))
  assert.deepEqual(sim.events.slice(1), [
    { kind: 'loop', marked: false, route: '.', zone: '', upstream: '192.0.2.1:53', listener: '', from: '' },
  ])
})

test('one sighting marks nobody', () => {
  const looping = new Set([0])
  const { sim } = simOf(1, looping)
  sim.advance(2)
  looping.clear()
  sim.advance(5000)
  assert.equal(sim.counters.lane[upstream.at(0, UP_LOOP_SEEN)], 1)
  assert.deepEqual([sim.events, sim.board.looping(0)], [[], 0])
  assert.ok(sim.board.firstVerdictAt > 0)
})

test('one clean probe heals nobody', () => {
  const looping = new Set([0])
  const { sim, probes } = simOf(1, looping)
  sim.advance(900)
  const before = probes(0).length
  looping.clear()
  while (probes(0).length === before) sim.advance(10)
  looping.add(0)
  sim.advance(3000)
  assert.ok(sim.board.isLooping(0, 0))
  assert.equal(sim.events.length, 1)
})

test('a marked upstream gets no question while another one of the route works', () => {
  const { sim, questions } = simOf(2, new Set([0]))
  sim.advance(1000)
  for (let i = 0; i < 100; i++) {
    const ticket = sim.ask(queryOf(`n${i}.test`))
    sim.advance(5)
    assert.equal(ticket.end?.answers, 1)
  }
  assert.deepEqual([questions(0), questions(1)], [0, 100])
})

test('the last one is restrained: 20 questions in any second, one attempt each, one flight per question', () => {
  const { sim, questions } = simOf(1, new Set([0]))
  sim.advance(1000)
  const results: number[] = []
  for (let i = 0; i < 300; i++) {
    results.push(sim.ask(queryOf(`n${i}.test`)).flight)
    sim.advance(10)
  }
  assert.ok(questions(0) > 40 && questions(0) <= 60, `${questions(0)} questions in 3 s`)
  assert.equal(results.filter((flight) => flight === RESTRAINED).length, 300 - questions(0))
  assert.equal(sim.counters.lane[upstream.at(0, UP_RESTRAINED)], 300 - questions(0))
  const sent = questions(0)
  sim.advance(1000)
  assert.equal(questions(0), sent, 'no retry')
  const tickets = Array.from({ length: 50 }, () => sim.ask(queryOf('same.test')))
  sim.advance(10)
  assert.equal(questions(0), sent + 1)
  sim.advance(6000)
  assert.deepEqual([tickets[0]?.end?.how, tickets[0]?.end?.code], ['failed', FAIL_LOOP])
  assert.equal(sim.waiting, 0)
})

test('with the others down, the looping one helps out, restrained', () => {
  const plan = simPlan({ upstreams: [{}, { name: '192.0.2.9:53', address: Uint8Array.of(192, 0, 2, 9) }] })
  const { sim, questions } = simOf(1, new Set([0]), plan)
  sim.advance(1000)
  for (let i = 0; i < 100; i++) {
    sim.ask(queryOf(`n${i}.test`))
    sim.advance(10)
  }
  assert.ok(questions(0) > 5 && questions(0) <= 21, `${questions(0)} questions in 1 s`)
})

test('probes of others: once, never to one that loops, never joined, at most 20 a second', () => {
  const looping = new Set<number>()
  const { sim, questions, probes } = simOf(1, looping)
  sim.advance(500)
  const before = probes(0).length
  const foreign = queryOf('1234.5678.example.org', 'HINFO')
  const from = (sender: number, i: number) => queryOf(`${i}.5678.test`, 'HINFO', { client: `10.0.0.${sender}` })
  const ofOne = Array.from({ length: 30 }, (_, i) => sim.askOnce(from(1, i)).flight)
  assert.equal(ofOne.filter((flight) => flight >= 0).length, passesPerSender)
  const flights = [...ofOne, ...Array.from({ length: 30 }, (_, i) => sim.askOnce(from(2 + i, 100 + i)).flight)]
  assert.equal(flights.filter((flight) => flight >= 0).length, 20)
  assert.equal(new Set(flights.filter((flight) => flight >= 0)).size, 20)
  sim.advance(10)
  assert.equal(probes(0).length - before, 20)
  assert.equal(sim.waiting, 0)
  assert.equal(probes(0).at(-1)?.message.edns, undefined)
  looping.add(0)
  sim.advance(35_000)
  assert.ok(sim.board.isLooping(0, 0))
  assert.equal(sim.askOnce(foreign).flight, RESTRAINED)
  assert.equal(questions(0), 0)
})

test('a probe of others that is not answered is not sent again, and its flight ends', () => {
  const sim = new ForwardSim({ plan: simPlan(), shard: 1 })
  const asked = simUpstream(sim, 1, () => undefined)
  const ticket = sim.askOnce(queryOf('1234.5678.example.org', 'HINFO'))
  sim.advance(7000)
  assert.equal(asked.length, 1)
  assert.ok(ticket.overdueAt !== undefined && ticket.end?.how === 'failed')
  const truncated = simUpstream(sim, 1, () => ({ tc: true }))
  const once = sim.askOnce(queryOf('1234.5678.example.org', 'HINFO'))
  sim.advance(10)
  assert.deepEqual([once.end?.how, truncated.length, sim.streamed.length], ['answered', 1, 0])
})

test('a loop may exist for one zone of a route only: that marks the upstream for the zone, and for nothing else', () => {
  const routes = [simRoute('.', ['.'], [0]), simRoute('lan, 10.in-addr.arpa', ['lan', '10.in-addr.arpa'], [0])]
  const sim = new ForwardSim({ plan: simPlan({ routes }), shard: 0 })
  const zones = new Set<string>()
  simUpstream(sim, 1, (one) => {
    if (!isProbe(one)) return good(one)
    const zone = one.message.questions[0]?.name.slice(34) as string
    zones.add(zone)
    return zone === '10.in-addr.arpa.' && comesBack(sim, one) ? undefined : nxdomain()
  })
  sim.advance(1000)
  assert.deepEqual([...zones].sort(), ['', '10.in-addr.arpa.', 'lan.'])
  const loops = (route: number, name: string): number => {
    const query = queryOf(name)
    return sim.board.loopingFor(route, query.name, 0, query.nameLength)
  }
  assert.deepEqual([loops(0, 'a.test'), loops(1, 'a.lan'), loops(1, '1.0.0.10.in-addr.arpa')], [0, 0, 1])
  assert.deepEqual([sim.events[0]?.route, sim.events[0]?.zone], ['lan, 10.in-addr.arpa', '10.in-addr.arpa'])
})

test('in routes of very many zones a loop in one marks the route', () => {
  const zones = Array.from({ length: loopZonesMax }, (_, i) => `z${i}.test`)
  const sim = new ForwardSim({
    plan: simPlan({ routes: [simRoute('.', ['.'], [0]), simRoute('many', zones, [0])] }),
    shard: 0,
  })
  simUpstream(sim, 1, (one) =>
    one.message.questions[0]?.name.endsWith('z7.test.') && comesBack(sim, one) ? undefined : nxdomain(),
  )
  sim.advance(1000)
  assert.deepEqual([sim.board.isLooping(0, 0), sim.board.isLooping(1, 0), sim.board.zones.list()], [false, true, []])
})

test('a flood that takes every flight does not blind the detector', () => {
  const { sim } = simOf(1, new Set([0]))
  for (let i = 0; i < 9000; i++) sim.forward.ask(queryOf(`n${i}.test`), sim.now)
  // Nobody waits for them, so the books of the simulation are not asked.
  sim.failed = () => {}
  sim.advance(1000)
  assert.ok(sim.board.isLooping(0, 0))
})

test('marks survive a reload by name, and a restart of the shard', () => {
  const looping = new Set([0])
  const { sim } = simOf(2, looping)
  sim.advance(1000)
  const other = { name: '192.0.2.2:53', address: Uint8Array.of(192, 0, 2, 2) }
  const same = { name: '192.0.2.1:53', address: Uint8Array.of(192, 0, 2, 1) }
  sim.reload(simPlan({ upstreams: [other, same], generation: 1 }))
  assert.deepEqual([sim.board.isLooping(0, 0), sim.board.isLooping(0, 1)], [false, true])
  sim.advance(1)
  sim.reload(simPlan({ upstreams: [other], generation: 2 }))
  assert.equal(sim.board.looping(0), 0)
  sim.board.mark(0, 0)
  sim.board.claim(2)
  assert.ok(sim.board.isLooping(0, 0), 'a successor with the same plan believes it')
  sim.board.claim(3)
  assert.equal(sim.board.looping(0), 0, 'with another plan it does not')
})

test('a plan without upstreams has its verdict at once', () => {
  const plan = simPlan({ upstreams: [], routes: [simRoute('.', ['.'], [])] })
  const sim = new ForwardSim({ plan, shard: 0 })
  assert.ok(sim.board.firstVerdictAt > 0)
})

test('an upstream that is not there has its verdict within a second, and is no loop', () => {
  for (const answer of ['refused', 'silent']) {
    const sim = new ForwardSim({ plan: simPlan(), shard: 0 })
    if (answer === 'silent') simUpstream(sim, 1, () => undefined)
    sim.advance(990)
    assert.ok(sim.board.firstVerdictAt > 0, answer)
    assert.equal(sim.board.looping(0), 0)
  }
})
