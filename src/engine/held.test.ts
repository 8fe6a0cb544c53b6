import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardSim, rulesPlan } from '../../test/support/guard-sim.ts'
import { query } from '../../test/support/message.ts'
import { heldMax } from './held.ts'

const parts = (everything: object) => ({ rules: { localAnswers: { everything } } })

test('a reply is held back for the delay, and everybody gets the own one', () => {
  const { shard, asked } = guardSim(parts({ delay: '50ms', txt: 'hi' }), () => undefined)
  shard.send(query('Any.Example.com', 'A', { id: 7 }), 1)
  shard.world.advance(10)
  shard.send(query('other.test', 'TXT', { id: 8 }), 2)
  shard.world.advance(35)
  assert.deepEqual([shard.replies.length, shard.engine.waiting], [0, 2])
  shard.world.advance(15)
  assert.deepEqual([shard.replies.length, shard.engine.waiting], [1, 1])
  shard.world.advance(15)
  const told = shard.replies.map(({ id, questions, answers }) => [id, questions[0]?.name, answers[0]?.data])
  assert.deepEqual(told, [
    [7, 'Any.Example.com.', '192.0.2.1'],
    [8, 'other.test.', '026869'],
  ])
  assert.deepEqual([asked(), shard.unaccounted, shard.engine.waiting], [[], 0, 0])
})

test('over the bound a query is answered at once', () => {
  const { shard } = guardSim(parts({ delay: '1s' }), () => undefined)
  for (let i = 0; i < heldMax + 3; i++) {
    shard.send(query('x.test', 'A'))
    if (i % 50 === 0) shard.world.advance(1)
  }
  shard.world.advance(20)
  assert.deepEqual([shard.replies.length, shard.engine.waiting], [3, heldMax])
  shard.world.advance(2000)
  assert.deepEqual([shard.replies.length, shard.engine.waiting, shard.unaccounted], [heldMax + 3, 0, 0])
})

test('what was held when a reload comes is answered by the new settings', () => {
  const { shard } = guardSim(parts({ delay: '100ms' }), () => undefined)
  shard.send(query('x.test', 'A'))
  shard.world.advance(50)
  shard.commit(rulesPlan(parts({ a: '192.0.2.99' })))
  shard.world.advance(60)
  assert.equal(shard.replies[0]?.answers[0]?.data, '192.0.2.99')
})

test('the share that is lost gets no answer, and is booked as dropped', () => {
  const { shard } = guardSim(parts({ loss: 0.25 }), () => undefined)
  for (let i = 0; i < 400; i++) shard.ask(query('x.test', 'A'), 5)
  assert.ok(shard.replies.length > 260 && shard.replies.length < 340, `${shard.replies.length} of 400`)
  assert.equal(shard.unaccounted, 0)
  const none = guardSim(parts({ loss: 1 }), () => undefined)
  assert.equal(none.shard.ask(query('x.test', 'A'), 50), undefined)
})
