import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ForwardSim, type SimAsked, type SimTicket, simPlan, simUpstream } from '../../test/support/forward-sim.ts'
import { query as message, reply } from '../../test/support/message.ts'
import { queryOf } from '../../test/support/query.ts'
import { badAnswers } from '../metrics/catalog.ts'

const good = (asked: SimAsked) => ({ answers: [`${asked.message.questions[0]?.name} 60 A 192.0.2.1`] })
const isOver = (ticket: SimTicket): boolean => ticket.end !== undefined
const address = (n: number) => ({ address: Uint8Array.of(192, 0, 2, n), port: 53, scope: 0 })

/** A simulation with one upstream per script; a missing script is a closed port. */
function simOf(scripts: readonly (Parameters<typeof simUpstream>[2] | undefined)[], options = {}) {
  const sim = new ForwardSim({ plan: simPlan({ upstreams: scripts.map(() => ({})), ...options }) })
  const asked = scripts.map((script, i) => (script === undefined ? [] : simUpstream(sim, i + 1, script)))
  return { sim, asked }
}

const bad: Record<string, (asked: SimAsked) => Buffer> = {
  'wrong id': ({ message: m }) => reply(m, { id: m.id ^ 1 }),
  'QR=0': ({ message: m }) => reply(m, { qr: false }),
  'wrong opcode': ({ message: m }) => reply(m, { opcode: 4 }),
  'another name': ({ message: m }) => reply(m, { question: message('other.test').subarray(12) }),
  'another type': ({ message: m }) => reply(m, { question: message('x.test', 'AAAA').subarray(12) }),
  'another class': ({ message: m }) => reply(m, { question: message('x.test', 'A', { class: 3 }).subarray(12) }),
  'no question': ({ message: m }) => reply(m, { question: Buffer.alloc(0), questionCount: 0, tc: true }),
  'two questions': ({ message: m }) => reply(m, { questionCount: 2 }),
  'TC with garbage': ({ message: m }) =>
    Buffer.concat([reply(m, { tc: true, id: m.id ^ 256 }), Buffer.from('garbage')]),
  '11 bytes': ({ message: m }) => reply(m).subarray(0, 11),
  '12 bytes': ({ message: m }) => reply(m).subarray(0, 12),
  empty: () => Buffer.alloc(0),
  'longer than a slot': ({ message: m }) => Buffer.concat([reply(m), Buffer.alloc(5000)]),
  'FORMERR without question': ({ message: m }) => reply(m, { rcode: 1, question: Buffer.alloc(0), questionCount: 0 }),
  'cut in a record': (asked) => reply(asked.message, good(asked)).subarray(0, -3),
}

for (const [how, packet] of Object.entries(bad)) {
  test(`the true answer wins over a bad packet before it: ${how}`, () => {
    const { sim, asked } = simOf([(one) => (one.message.edns ? packet(one) : undefined)])
    const ticket = sim.ask(queryOf('x.test'))
    sim.advance(5)
    assert.ok(!isOver(ticket))
    const first = asked[0]?.[0] as SimAsked
    sim.world.send(address(1), first.from, reply(first.message, good(first)))
    sim.advance(5)
    assert.deepEqual([ticket.end?.how, ticket.end?.code, ticket.end?.answers], ['answered', 0, 1])
    assert.equal(sim.forward.view.inUse, 0)
  })
}

test('after 3 near misses (right port and question, wrong id) the flight moves to TCP, and no datagram is believed', () => {
  let id = 0
  const { sim, asked } = simOf([
    ({ message: m }) => {
      id = m.id
      return [1, 2, 3].map((bit) => reply(m, { id: m.id ^ bit, answers: ['x.test 60 A 203.0.113.66'] }))
    },
  ])
  const ticket = sim.ask(queryOf('x.test'))
  sim.advance(3)
  assert.equal(sim.counters.lane[badAnswers.id], 3)
  assert.deepEqual([sim.streamed.length, sim.streamed[0]?.upstream, ticket.end], [1, 0, undefined])
  // Even the right id comes too late now.
  const first = asked[0]?.[0] as SimAsked
  sim.world.send(address(1), first.from, reply({ ...first.message, id }, { answers: ['x.test 60 A 203.0.113.66'] }))
  sim.advance(3)
  assert.ok(!isOver(ticket))
  sim.answerStream({ answers: ['x.test 60 A 192.0.2.1'] })
  assert.deepEqual([ticket.end?.how, ticket.end?.answers], ['answered', 1])
})

test('two near misses, or near misses with another question, do not move a flight', () => {
  for (const [count, name] of [
    [2, 'x.test'],
    [50, 'y.test'],
  ] as const) {
    const question = message(name).subarray(12)
    const { sim } = simOf([
      ({ message: m }) => Array.from({ length: count }, (_, i) => reply(m, { id: m.id ^ (i + 1), question })),
    ])
    sim.ask(queryOf('x.test'))
    sim.advance(10)
    assert.equal(sim.streamed.length, 0, name)
    assert.equal(sim.counters.lane[badAnswers.id], count)
  }
})

test('bad packets with the right id are counted, and 16 of them move the flight to TCP', () => {
  const { sim } = simOf([({ message: m }) => Array.from({ length: 100 }, () => reply(m, { qr: false }))])
  const ticket = sim.ask(queryOf('x.test'))
  sim.advance(10)
  assert.equal(sim.counters.lane[badAnswers.query], 16)
  // Behind the move the id is nobody's.
  assert.equal(sim.counters.lane[badAnswers.id], 84)
  assert.equal(sim.streamed.length, 1)
  sim.answerStream(good({ message: sim.streamed[0]?.message } as SimAsked))
  assert.equal(ticket.end?.answers, 1)
})
