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
import { queryOf } from '../../test/support/query.ts'
import type { ForwardData } from '../link/plan-data.ts'
import { UP_DOWN, UP_HEDGED, UP_RESTRAINED, UP_TIMEOUTS, upstream } from '../metrics/catalog.ts'
import { RESTRAINED } from './forward.ts'

const good = (asked: SimAsked) => ({ answers: [`${asked.message.questions[0]?.name} 60 A 192.0.2.1`] })
const silent = () => undefined
const servfail = () => ({ rcode: 2 })

type Script = Parameters<typeof simUpstream>[2]

/** Upstreams by the scripts that `scripts` holds at the time, in shard 0, which writes to the log. */
function sceneOf(scripts: Script[], forward: Partial<ForwardData> = {}, seed = 1) {
  const sim = new ForwardSim({ plan: simPlan({ upstreams: scripts.map(() => ({})), forward }), shard: 0, seed })
  const asked = scripts.map((_, i) => simUpstream(sim, i + 1, (one) => (scripts[i] as Script)(one)))
  let next = 0
  /** So many different questions, one each `everyMs`. */
  const askMany = (count: number, everyMs: number): SimTicket[] =>
    Array.from({ length: count }, () => {
      const ticket = sim.ask(queryOf(`n${next++}.test`))
      sim.advance(everyMs)
      return ticket
    })
  /** Clients' questions that upstream `i` was asked since `from`. */
  const questions = (i: number, from = 0): SimAsked[] =>
    (asked[i] as SimAsked[]).filter(
      ({ message, at }) => at >= from && message.questions[0]?.name.endsWith('.test.') === true,
    )
  return { sim, scripts, askMany, questions }
}

const helped = (tickets: readonly SimTicket[]): number => tickets.filter(({ end }) => end?.answers === 1).length
const delays = (tickets: readonly SimTicket[]): number[] =>
  tickets.map(({ end, askedAt }) => (end?.at ?? 1e9) - askedAt)

test('a silent upstream is down after three questions, tested on the side ever more rarely, and back after good answers', () => {
  const { sim, scripts, askMany, questions } = sceneOf([silent, good])
  askMany(4, 400)
  assert.equal(sim.counters.lane[upstream.at(0, UP_DOWN)], 1)
  assert.match(sim.notes.join(), /^upstream 192\.0\.2\.1:53 is down: it gave no answer; others are asked in its place/)
  const from = sim.now
  const meanwhile = askMany(6000, 100)
  assert.ok(Math.max(...delays(meanwhile)) < 20, 'nobody waited for it')
  const tests = questions(0, from).length
  assert.ok(tests >= 15 && tests <= 40, `${tests} tests in 10 minutes`)
  scripts[0] = good
  const back = sim.now
  askMany(400, 100)
  assert.equal(sim.counters.lane[upstream.at(0, UP_DOWN)], 0)
  assert.match(sim.notes.at(-1) as string, /^upstream 192\.0\.2\.1:53 is back after 6\d\d s: it is asked as usual$/)
  assert.ok(questions(0, back).length > 10)
  assert.equal(sim.notes.length, 2)
})

for (const policy of ['fastest', 'sequential', 'roundRobin', 'random'] as const) {
  test(`${policy}: one that fails what another answers goes down, and nobody waits for it`, () => {
    for (const rcode of [2, 5]) {
      const { sim, askMany, questions } = sceneOf([() => ({ rcode }), good], { policy })
      const tickets = askMany(200, 100)
      assert.equal(helped(tickets), 200)
      assert.equal(sim.counters.lane[upstream.at(0, UP_DOWN)], 1)
      assert.match(sim.notes[0] as string, /is down: it gave failures, while others answer the same questions/)
      assert.ok(questions(0, tickets[100]?.askedAt).length < 15, `${questions(0).length}`)
    }
  })
}

test('a lame zone, which nobody can look up, brings nobody down; nor does one that only one knows', () => {
  const lame = sceneOf([servfail, servfail], { policy: 'roundRobin' })
  lame.askMany(500, 20)
  assert.deepEqual([lame.sim.counters.lane[upstream.at(0, UP_DOWN)], lame.sim.notes], [0, []])
  let turn = 0
  const mixed = sceneOf([(one) => (turn++ % 3 === 0 ? servfail() : good(one)), good], { policy: 'sequential' })
  assert.equal(helped(mixed.askMany(3000, 10)), 3000)
  assert.deepEqual(mixed.sim.notes, [])
})

test('a mixed stream does not flap: an hour with an upstream that loses half of all packets', () => {
  const { sim, askMany } = sceneOf([good, good], { policy: 'roundRobin' })
  const lossy = sim.world.random
  simUpstream(sim, 1, (one) => (lossy.u16() < 0x8000 ? undefined : good(one)))
  askMany(18_000, 200)
  assert.ok(sim.notes.length <= 40, `${sim.notes.length} lines in an hour`)
})

test('when all are down a trickle goes on, all others hear at once, and nothing piles up', () => {
  const { sim, askMany, questions } = sceneOf([silent, silent])
  askMany(3, 700)
  sim.advance(8000)
  const from = sim.now
  const tickets = askMany(10_000, 1)
  const asked = tickets.filter(({ flight }) => flight >= 0).length
  assert.ok(asked >= 250 && asked <= 256 + 225, `${asked} questions in 10 s`)
  assert.ok(tickets.every(({ flight }) => flight >= 0 || flight === RESTRAINED))
  assert.ok(sim.forward.view.inUse <= 256 + 160, `${sim.forward.view.inUse} flights`)
  assert.ok(questions(0, from).length + questions(1, from).length <= 3.2 * asked, 'three sends each')
  const restrained = [0, 1].reduce((sum, i) => sum + (sim.counters.lane[upstream.at(i, UP_RESTRAINED)] as number), 0)
  assert.equal(restrained, 10_000 - asked)
})

test('… and who is back is found within a second, by the questions of that second, the one that answers first', () => {
  const { sim, scripts, askMany, questions } = sceneOf([silent, silent])
  askMany(3, 700)
  askMany(60_000, 1)
  scripts[1] = good
  const back = sim.now
  askMany(1000, 1)
  const after = askMany(1000, 1)
  assert.equal(helped(after), 1000)
  assert.ok(Math.max(...delays(after)) < 20)
  assert.ok(questions(0, back + 1000).length < 10, 'the other one is left alone')
  assert.equal(sim.counters.lane[upstream.at(1, UP_DOWN)], 0)
})

test('one that is alone and loses packets is asked all there is to ask', () => {
  const { sim, askMany } = sceneOf([good])
  const lossy = sim.world.random
  simUpstream(sim, 1, (one) => (lossy.u16() < 0xc000 ? undefined : good(one)))
  askMany(2000, 5)
  const tickets = askMany(2000, 5)
  const refused = tickets.filter(({ flight }) => flight === RESTRAINED).length
  assert.ok(refused < 600, `${refused} of 2,000 were not asked`)
})

test('dead names, however many, do not cost the others theirs: who still speaks is asked all there is to ask', () => {
  const { sim } = sceneOf([(one) => (one.message.questions[0]?.name.startsWith('dead') ? undefined : good(one))])
  const live: SimTicket[] = []
  // Sixty dead names a second, and five others.
  for (let i = 0; i < 3000; i++) {
    sim.ask(queryOf(`dead${i}.test`))
    if (i % 12 === 0) live.push(sim.ask(queryOf(`live${i}.test`)))
    sim.advance(17)
  }
  assert.equal(sim.counters.lane[upstream.at(0, UP_DOWN)], 1)
  assert.deepEqual([live.filter(({ flight }) => flight === RESTRAINED).length, helped(live)], [0, live.length])
})

test('a second upstream is asked when the first takes longer than 95 of 100 times; few are, and the first answer wins', () => {
  const { sim, scripts, askMany, questions } = sceneOf([good, good], { policy: 'sequential', hedge: 'p95' })
  sim.world.weather = { loss: 0, duplication: 0, delayMin: 5, delayMax: 8 }
  askMany(300, 20)
  assert.ok(questions(1).length <= 300 / 16 + 8, `${questions(1).length}`)
  let turn = 0
  scripts[0] = (one) => (turn++ % 50 === 0 ? undefined : good(one))
  const from = sim.now
  const tickets = askMany(1000, 20)
  sim.advance(2000)
  const slow = delays(tickets).filter((ms) => ms > 100).length
  assert.equal(helped(tickets), 1000)
  assert.equal(slow, 0, 'who was lost was hedged, not timed out')
  const hedges = questions(1, from).length
  assert.ok(hedges >= 20 && hedges <= 1000 / 16 + 8, `${hedges}`)
  assert.equal(sim.forward.view.inUse, 0)
})

test('one question in 16 is hedged at most, and a silent upstream is no longer than three times: its timeouts tell', () => {
  const { sim, scripts, askMany } = sceneOf([good, good], { policy: 'sequential', hedge: 'p95' })
  sim.world.weather = { loss: 0, duplication: 0, delayMin: 5, delayMax: 8 }
  const hedges = (): number => sim.counters.lane[upstream.at(1, UP_HEDGED)] as number
  askMany(300, 20)
  let turn = 0
  scripts[0] = (one) => (turn++ % 3 === 0 ? undefined : good(one))
  const before = hedges()
  assert.equal(helped(askMany(100, 400)), 100)
  const lossy = hedges() - before
  assert.ok(lossy >= 8 && lossy <= 100 / 16 + 9, `${lossy} of 33 lost ones`)
  scripts[0] = good
  askMany(2000, 20)
  const calm = hedges()
  scripts[0] = silent
  askMany(10, 800)
  assert.deepEqual([hedges() - calm, sim.counters.lane[upstream.at(0, UP_DOWN)]], [3, 1])
})

test('an attempt that nobody answers is one timeout, hedged or not', () => {
  const { sim, scripts, askMany, questions } = sceneOf([good, good], { policy: 'sequential', hedge: 'p95' })
  sim.world.weather = { loss: 0, duplication: 0, delayMin: 5, delayMax: 8 }
  askMany(300, 20)
  sim.advance(2000)
  const timeouts = (): number[] => [0, 1].map((i) => sim.counters.lane[upstream.at(i, UP_TIMEOUTS)] as number)
  scripts[0] = silent
  scripts[1] = silent
  const [from, before] = [sim.now, timeouts()]
  const ticket = askMany(1, 7000)[0] as SimTicket
  assert.equal(ticket.end?.how, 'failed')
  assert.deepEqual(
    timeouts().map((count, i) => count - (before[i] as number)),
    [questions(0, from).length, questions(1, from).length],
  )
})

test('a failure before the p95 is over, and no budget at the next upstream: the question waits for it, and ends', () => {
  const routes = [simRoute('.', ['.'], [0, 1]), simRoute('lan', ['lan'], [1])]
  const forward = { policy: 'sequential', hedge: 'p95', budget: 10 } as const
  const sim = new ForwardSim({ plan: simPlan({ upstreams: [{}, {}], routes, forward }) })
  sim.world.weather = { loss: 0, duplication: 0, delayMin: 20, delayMax: 40 }
  let says: Script = good
  simUpstream(sim, 1, (one) => says(one))
  simUpstream(sim, 2, good)
  for (let i = 0; i < 100; i++) {
    sim.ask(queryOf(`n${i}.test`))
    sim.advance(300)
  }
  says = servfail
  const tickets: SimTicket[] = []
  for (let i = 0; i < 50; i++) {
    for (let k = 0; k < 4; k++) {
      const query = queryOf(`n${i}-${k}.lan`)
      query.route = 1
      tickets.push(sim.ask(query))
    }
    tickets.push(sim.ask(queryOf(`m${i}.test`)))
    sim.advance(600)
  }
  sim.advance(10_000)
  assert.deepEqual([tickets.filter(({ end }) => end === undefined).length, sim.forward.view.inUse], [0, 0])
})
