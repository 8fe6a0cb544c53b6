import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ForwardSim, type SimAsked, type SimTicket, simPlan, simUpstream } from '../../test/support/forward-sim.ts'
import { reply } from '../../test/support/message.ts'
import { queryOf } from '../../test/support/query.ts'
import { flights } from '../metrics/catalog.ts'

const flightsPerSeed = 1250
const types = ['A', 'AAAA', 'TXT', 'SRV']

/** An upstream in all its moods: true answers, failures, truncation, forgeries, silence. */
function moody(sim: ForwardSim, asked: SimAsked): readonly Buffer[] {
  const { message } = asked
  const good = reply(message, { answers: [`${message.questions[0]?.name} 60 TYPE65280 00`] })
  switch (sim.world.random.u32() % 16) {
    case 0:
      return []
    case 1:
      return [reply(message, { rcode: 2 })]
    case 2:
      return [reply(message, { rcode: 5 })]
    case 3:
      return [reply(message, { rcode: message.edns ? 1 : 3 })]
    case 4:
      return [reply(message, { tc: true })]
    case 5:
      return [1, 2, 3, 4].map((bit) => reply(message, { id: message.id ^ bit }))
    case 6:
      return [reply(message, { rcode: 2, question: Buffer.alloc(0), questionCount: 0 })]
    case 7:
      return [...Array.from({ length: 20 }, () => reply(message, { qr: false })), good]
    case 8:
      return [good.subarray(0, -3), Buffer.alloc(0), good]
    default:
      return [good]
  }
}

/** Streams answer, fail or stay silent, some time later, each question once. */
function serveStreams(sim: ForwardSim, done: { count: number }): void {
  for (; done.count < sim.streamed.length; done.count++) {
    const { message } = sim.streamed[done.count] as { message: SimAsked['message'] }
    const mood = sim.world.random.u32() % 4
    if (mood === 0) sim.answerStream(undefined, done.count)
    else if (mood > 1) sim.answerStream({ answers: [`${message.questions[0]?.name} 60 TYPE65280 00`] }, done.count)
  }
}

/** Makes the world change: closed ports, no credit, reloads with upstreams in another order. */
function upset(sim: ForwardSim, round: number): void {
  sim.streamCredit = sim.world.random.u32() % 8 !== 0
  const at = { address: Uint8Array.of(192, 0, 2, 3), port: 53, scope: 0 }
  if (round % 40 === 10) sim.world.host(at, undefined)
  if (round % 40 === 30) simUpstream(sim, 3, (asked) => moody(sim, asked))
  if (round % 50 === 49) sim.reload(planOf(round))
}

function planOf(round: number) {
  const order = [1, 2, 3, 4].map((_, i) => ((i + round) % 4) + 1)
  return simPlan({
    upstreams: order.map((n) => ({
      name: `${n}`,
      address: Uint8Array.of(192, 0, 2, n),
      transport: n === 4 ? 'tcp' : 'udp',
    })),
    forward: { policy: (['fastest', 'roundRobin', 'random', 'sequential'] as const)[round % 4] as 'fastest' },
    generation: round,
  })
}

for (let seed = 1; seed <= 8; seed++) {
  test(`${flightsPerSeed} random flights in bad weather each end exactly once, and nothing is left (seed ${seed})`, () => {
    const weather = { loss: 0.15, duplication: 0.15, delayMin: 0.1, delayMax: 700 }
    const sim = new ForwardSim({ seed, weather, shard: 0, plan: planOf(seed) })
    for (const n of [1, 2, 3]) simUpstream(sim, n, (asked) => moody(sim, asked))
    const tickets: SimTicket[] = []
    const done = { count: 0 }
    let opened = 0
    const { random } = sim.world
    for (let round = 0; opened < flightsPerSeed; round++) {
      for (let i = random.u32() % 8; i >= 0 && opened < flightsPerSeed; i--) {
        const before = sim.forward.view.inUse
        const query = queryOf(`n${random.u32() % 400}.test`, types[random.u32() % 4], {
          dnssecOk: random.u32() % 4 === 0,
        })
        const ticket = random.u32() % 16 === 0 ? sim.askOnce(query) : sim.ask(query)
        if (ticket.flight >= 0 && sim.forward.view.inUse > before) opened++
        if (ticket.flight >= 0) tickets.push(ticket)
      }
      upset(sim, round)
      sim.advance(random.u32() % 60)
      serveStreams(sim, done)
    }
    for (let i = 0; i < 100; i++) {
      sim.advance(100)
      serveStreams(sim, done)
    }
    assert.equal(tickets.filter((one) => one.end === undefined).length, 0)
    assert.equal(sim.waiting, 0)
    // What is open now are loop probes alone; they end too.
    sim.forward.view.kind.forEach((kind, flight) => {
      if (sim.forward.view.isOpen(flight)) assert.equal(kind, 2)
    })
    const { lane } = sim.counters
    const ends = [flights.answered, flights.failed, flights.abandoned].map((at) => lane[at] as number)
    assert.equal(
      ends.reduce((sum, one) => sum + one, 0),
      sim.ended,
    )
    assert.ok((ends[0] as number) > sim.ended / 2 && (ends[2] as number) > 0, `${ends}`)
    for (const ticket of tickets) {
      const { end, askedAt, overdueAt } = ticket
      assert.ok((end?.at as number) <= askedAt + 6005, 'nobody waits beyond giveUpAfter')
      if (overdueAt === undefined) assert.ok((end?.at as number) <= askedAt + 1902, 'or unheard beyond replyWithin')
      else assert.ok(Math.abs(overdueAt - askedAt - 1900) < 3)
    }
  })
}
