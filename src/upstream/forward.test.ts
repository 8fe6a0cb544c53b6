import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ForwardSim,
  type SimAsked,
  type SimTicket,
  simPlan,
  simRoute,
  simUpstream,
} from '../../test/support/forward-sim.ts'
import { parse, reply } from '../../test/support/message.ts'
import { queryOf } from '../../test/support/query.ts'
import { ednsRetried, flights, joined, UP_TIMEOUTS, UP_UNREACHABLE, upstream } from '../metrics/catalog.ts'
import { flightsMax } from './flight.ts'
import { FAIL_NETWORK, FAIL_NONE, FAIL_TIMEOUT } from './flight-end.ts'
import { NO_FLIGHT_FULL, NO_UPSTREAM } from './forward.ts'

const good = (asked: SimAsked) => ({ answers: [`${asked.message.questions[0]?.name} 60 A 192.0.2.1`] })
const silent = () => undefined
const isOver = (ticket: SimTicket): boolean => ticket.end !== undefined
const address = (n: number) => ({ address: Uint8Array.of(192, 0, 2, n), port: 53, scope: 0 })

/** A simulation with one upstream per script; a missing script is a closed port. */
function simOf(scripts: readonly (Parameters<typeof simUpstream>[2] | undefined)[], options = {}) {
  const sim = new ForwardSim({ plan: simPlan({ upstreams: scripts.map(() => ({})), ...options }) })
  const asked = scripts.map((script, i) => (script === undefined ? [] : simUpstream(sim, i + 1, script)))
  return { sim, asked }
}

test('a question goes out with our own OPT, and its answer comes back', () => {
  const { sim, asked } = simOf([good])
  const ticket = sim.ask(queryOf('WWW.Example.org', 'A', { dnssecOk: true, checkingDisabled: true }))
  sim.advance(5)
  const sent = asked[0]?.[0]?.message
  assert.deepEqual([sent?.questions[0]?.name, sent?.rd, sent?.cd], ['www.example.org.', true, true])
  assert.deepEqual([sent?.edns?.size, sent?.edns?.dnssecOk, sent?.edns?.options], [1232, true, []])
  assert.deepEqual([ticket.end?.how, ticket.end?.code, ticket.end?.answers], ['answered', 0, 1])
  assert.equal(sim.waiting, 0)
  assert.equal(sim.forward.view.inUse, 0)
})

test('1,000 identical questions are one flight; other flags, type or route are another', () => {
  const { sim, asked } = simOf([good])
  const tickets = Array.from({ length: 1000 }, () => sim.ask(queryOf('a.test')))
  assert.equal(new Set(tickets.map((one) => one.flight)).size, 1)
  assert.equal(sim.counters.lane[joined], 999)
  const others = [
    queryOf('a.test', 'AAAA'),
    queryOf('a.test', 'A', { dnssecOk: true }),
    queryOf('a.test', 'A', { checkingDisabled: true }),
    queryOf('b.test'),
  ]
  const flightsOf = others.map((one) => sim.ask(one).flight)
  assert.equal(new Set([...flightsOf, tickets[0]?.flight]).size, 5)
  sim.advance(10)
  assert.equal(asked[0]?.length, 5)
  assert.equal(sim.waiting, 0)
})

test('TC is asked again over TCP at the same upstream; when that fails, elsewhere; at last it fails', () => {
  const { sim } = simOf([() => ({ tc: true }), silent])
  const ticket = sim.ask(queryOf('big.test'))
  sim.advance(5)
  assert.deepEqual(
    sim.streamed.map((one) => one.upstream),
    [0],
  )
  sim.answerStream(undefined)
  sim.advance(5)
  assert.deepEqual(
    sim.streamed.map((one) => one.upstream),
    [0, 1],
  )
  sim.answerStream(undefined)
  sim.advance(5)
  sim.advance(200)
  assert.equal(sim.streamed.length, 3)
  sim.answerStream(undefined)
  sim.advance(300)
  assert.deepEqual([ticket.end?.how, ticket.end?.code], ['failed', FAIL_NETWORK])
  assert.equal(sim.forward.view.inUse, 0)
})

test('a truncated answer that was cut within a record is TC all the same', () => {
  const { sim } = simOf([(asked) => reply(asked.message, { ...good(asked), tc: true }).subarray(0, -3)])
  sim.ask(queryOf('big.test'))
  sim.advance(5)
  assert.equal(sim.streamed.length, 1)
})

test('FORMERR and NOTIMP with EDNS: once more without, remembered for nobody', () => {
  for (const rcode of [1, 4]) {
    const { sim, asked } = simOf([(one) => (one.message.edns ? { rcode } : good(one))])
    const ticket = sim.ask(queryOf('old.test'))
    sim.advance(5)
    assert.deepEqual([ticket.end?.code, ticket.end?.answers], [0, 1])
    assert.deepEqual(
      asked[0]?.map((one) => one.message.edns !== undefined),
      [true, false],
    )
    assert.equal(sim.counters.lane[ednsRetried], 1)
    sim.ask(queryOf('next.test'))
    sim.advance(5)
    assert.notEqual(asked[0]?.[2]?.message.edns, undefined, 'the next question has EDNS again')
  }
})

test('FORMERR without EDNS too is an answer', () => {
  const { sim, asked } = simOf([() => ({ rcode: 1 })])
  const ticket = sim.ask(queryOf('x.test'))
  sim.advance(5)
  assert.deepEqual([ticket.end?.how, ticket.end?.code, asked[0]?.length], ['answered', 1, 2])
})

test('SERVFAIL and REFUSED go to the next upstream; the failure is delivered when all said so', () => {
  for (const rcode of [2, 5]) {
    const one = simOf([() => ({ rcode }), good])
    const helped = one.sim.ask(queryOf('x.test'))
    one.sim.advance(5)
    assert.deepEqual([helped.end?.code, helped.end?.answers, one.asked.map((a) => a.length)], [0, 1, [1, 1]])
    const both = simOf([() => ({ rcode: 2 }), () => ({ rcode })])
    const failed = both.sim.ask(queryOf('x.test'))
    both.sim.advance(5)
    assert.deepEqual([failed.end?.how, failed.end?.code, both.asked.map((a) => a.length)], ['answered', rcode, [1, 1]])
  }
})

test('a SERVFAIL of 12 bytes reaches the engine with its question', () => {
  const { sim } = simOf([({ message: m }) => reply(m, { rcode: 2, question: Buffer.alloc(0), questionCount: 0 })])
  const ends: number[] = []
  const answered = sim.answered.bind(sim)
  sim.answered = (flight, bytes, at, length, up, now) => {
    const told = parse(Buffer.from(bytes.slice(at, at + length)))
    ends.push(told.questions.length, told.rcode)
    answered(flight, bytes, at, length, up, now)
  }
  sim.ask(queryOf('x.test'))
  sim.advance(5)
  assert.deepEqual(ends, [1, 2])
})

test('a SERVFAIL does not beat an attempt that may still be answered, but waits for it no longer than an attempt', () => {
  const { sim } = simOf([silent, () => ({ rcode: 2 })])
  const ticket = sim.ask(queryOf('x.test'))
  sim.advance(450)
  assert.ok(!isOver(ticket))
  sim.advance(600)
  assert.deepEqual([ticket.end?.how, ticket.end?.code], ['answered', 2])
})

test('a silent upstream costs one attempt, a closed port nothing', () => {
  const quiet = simOf([silent, good])
  const first = quiet.sim.ask(queryOf('x.test'))
  quiet.sim.advance(500)
  assert.equal(first.end?.answers, 1)
  assert.ok((first.end?.at as number) - first.askedAt >= 300)
  assert.equal(quiet.sim.counters.lane[upstream.at(0, UP_TIMEOUTS)], 1)
  const closed = simOf([undefined, good])
  const second = closed.sim.ask(queryOf('x.test'))
  closed.sim.advance(20)
  assert.equal(second.end?.answers, 1)
  assert.equal(closed.sim.counters.lane[upstream.at(0, UP_UNREACHABLE)], 1)
})

test('ECONNREFUSED is no instant SERVFAIL: all attempts are made, and a true answer is still heard', () => {
  const { sim } = simOf([undefined])
  const ticket = sim.ask(queryOf('x.test'))
  sim.advance(50)
  assert.ok(!isOver(ticket), 'after two refusals there is a pause')
  const asked = simUpstream(sim, 1, good)
  sim.advance(100)
  assert.deepEqual([ticket.end?.answers, asked.length], [1, 1], 'the upstream was back for the third')
  const dead = simOf([undefined])
  const failed = dead.sim.ask(queryOf('x.test'))
  dead.sim.advance(300)
  assert.deepEqual([failed.end?.how, failed.end?.code], ['failed', FAIL_NETWORK])
  assert.equal(dead.sim.counters.lane[flights.failed], 1)
})

test('replyWithin: the client hears in time, the flight goes on, a late answer is delivered; 3 sends at most', () => {
  const { sim, asked } = simOf([silent])
  const ticket = sim.ask(queryOf('late.test'))
  sim.advance(2500)
  assert.ok(Math.abs((ticket.overdueAt as number) - ticket.askedAt - 1900) < 2, `${ticket.overdueAt}`)
  assert.deepEqual([asked[0]?.length, ticket.end], [3, undefined])
  const first = asked[0]?.[0] as SimAsked
  sim.world.send(address(1), first.from, reply(first.message, good(first)))
  sim.advance(5)
  assert.equal(ticket.end?.answers, 1, 'the answer to the first attempt')
  assert.equal(sim.waiting, 0)
})

test('giveUpAfter ends a flight; who joins late does not make it ask more often (RFC 9520), unless it is a health check', () => {
  const { sim, asked } = simOf([silent])
  const ticket = sim.ask(queryOf('x.test'))
  sim.advance(3000)
  for (let i = 0; i < 10; i++) sim.ask(queryOf('x.test'))
  sim.advance(2900)
  assert.equal(asked[0]?.length, 3)
  sim.advance(200)
  assert.deepEqual([ticket.end?.how, ticket.end?.code], ['failed', FAIL_TIMEOUT])
  assert.equal(sim.counters.lane[flights.abandoned], 1)
  assert.deepEqual([sim.waiting, sim.forward.view.inUse], [0, 0])
})

test('attempts fit into a short replyWithin', () => {
  const { sim, asked } = simOf([silent], { forward: { replyWithinMs: 400, attempts: 3 } })
  sim.ask(queryOf('x.test'))
  sim.advance(400)
  assert.equal(asked[0]?.length, 3)
})

test('at most 3 sends to one upstream, whatever the attempts (RFC 9520)', () => {
  const { sim, asked } = simOf([silent], { forward: { attempts: 10 } })
  sim.ask(queryOf('x.test'))
  sim.advance(1900)
  assert.equal(asked[0]?.length, 3)
})

test('tcp:// upstreams go by stream; without credit the next one is asked', () => {
  const plan = simPlan({ upstreams: [{ transport: 'tcp', name: 'tcp://192.0.2.1:53' }, {}] })
  const sim = new ForwardSim({ plan })
  const asked = simUpstream(sim, 2, good)
  const ticket = sim.ask(queryOf('x.test'))
  sim.advance(1)
  assert.deepEqual([sim.streamed.length, asked.length], [1, 0])
  sim.answerStream(good({ message: sim.streamed[0]?.message } as SimAsked))
  assert.equal(ticket.end?.answers, 1)
  // A second answer with the same token is nobody's.
  sim.answerStream(good({ message: sim.streamed[0]?.message } as SimAsked))
  sim.streamCredit = false
  const next = sim.ask(queryOf('y.test'))
  sim.advance(10)
  assert.deepEqual([next.end?.answers, asked.length], [1, 1])
})

test('a route without upstreams, and flights that are all taken', () => {
  const none = new ForwardSim({ plan: simPlan({ upstreams: [], routes: [simRoute('.', ['.'], [])] }) })
  assert.equal(none.ask(queryOf('x.test')).flight, NO_UPSTREAM)
  const { sim, asked } = simOf([silent])
  for (let i = 0; i < flightsMax; i++) assert.ok(sim.ask(queryOf(`n${i}.test`)).flight >= 0)
  sim.advance(5)
  const ids = asked[0]?.map((one) => `${one.from.port} ${one.message.id}`)
  assert.equal(new Set(ids).size, flightsMax, 'no id is used twice on a port while it waits')
  assert.equal(sim.ask(queryOf('more.test')).flight, NO_FLIGHT_FULL)
  assert.ok(sim.ask(queryOf('n5.test')).flight >= 0, 'joining needs no slot')
  assert.equal(sim.counters.lane[flights.refusedFull], 1)
  sim.advance(7000)
  assert.deepEqual([sim.ended, sim.waiting, sim.forward.view.inUse], [flightsMax, 0, 0])
})

test('a reload keeps flights in the air, and the state of upstreams of the same name', () => {
  const { sim, asked } = simOf([silent, good])
  sim.advance(1)
  const ticket = sim.ask(queryOf('x.test'))
  sim.advance(5)
  const one = asked[0]?.[0] as SimAsked
  // The two change places, and a third comes in.
  const names = ['192.0.2.3:53', '192.0.2.2:53', '192.0.2.1:53']
  const addresses = [3, 2, 1].map((n) => ({ name: names[3 - n] as string, address: Uint8Array.of(192, 0, 2, n) }))
  sim.reload(simPlan({ upstreams: addresses, generation: 1 }))
  sim.world.send(address(1), one.from, reply(one.message, good(one)))
  sim.advance(5)
  assert.equal(ticket.end?.answers, 1)
  // The upstream goes away altogether: its answer still counts, and its ports close after it.
  const again = sim.ask(queryOf('y.test'))
  sim.advance(1)
  const ports = sim.reactor.ports.size
  sim.reload(simPlan({ upstreams: [addresses[1] as object], generation: 2 }))
  sim.advance(1000)
  assert.equal(again.end?.answers, 1, 'the next attempt went to who is left')
  sim.advance(6000)
  assert.ok(sim.reactor.ports.size < ports, `${sim.reactor.ports.size} ports after ${ports}`)
  assert.equal(sim.forward.view.inUse, 0)
})

test('a reload that takes a route away ends its flights, in the next turn', () => {
  const routes = [simRoute('.', ['.'], [0]), simRoute('lan', ['lan'], [0])]
  const sim = new ForwardSim({ plan: simPlan({ routes }) })
  simUpstream(sim, 1, silent)
  const query = queryOf('nas.lan')
  query.route = 1
  const gone = sim.ask(query)
  const kept = sim.ask(queryOf('x.test'))
  sim.advance(5)
  sim.reload(simPlan({ routes: routes.slice(0, 1), generation: 1 }))
  assert.ok(!isOver(gone))
  sim.advance(5)
  assert.deepEqual([gone.end?.how, gone.end?.code, kept.end], ['failed', FAIL_NONE, undefined])
})

test('a question that is asked again from within its own answer gets a flight of its own', () => {
  const sim = new ForwardSim({ plan: simPlan() })
  simUpstream(sim, 1, good)
  const answered = sim.answered.bind(sim)
  let again: ReturnType<typeof sim.ask> | undefined
  sim.answered = (flight, ...rest) => {
    again ??= sim.ask(queryOf('x.test'))
    answered(flight, ...rest)
  }
  const first = sim.ask(queryOf('x.test'))
  sim.advance(20)
  assert.notEqual(again?.flight, first.flight)
  assert.deepEqual([first.end?.answers, again?.end?.answers, sim.waiting], [1, 1, 0])
})
