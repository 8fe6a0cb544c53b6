import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simPlan } from '../../test/support/forward-sim.ts'
import { queryOf } from '../../test/support/query.ts'
import { seededRandom } from '../base/random.ts'
import { looseCounters } from '../metrics/counters.ts'
import { Budget } from './budget.ts'
import { Choice } from './choice.ts'
import { Flights } from './flight.ts'
import { Health } from './health.ts'
import { LoopBoard } from './loop-board.ts'
import { Policy } from './policy.ts'

function scene(): { choice: Choice; health: Health; board: LoopBoard } {
  const health = new Health(seededRandom(5))
  const policy = new Policy(health, seededRandom(5))
  policy.configure(simPlan({ upstreams: [{}, {}, {}], forward: { policy: 'roundRobin' } }))
  const board = new LoopBoard(new SharedArrayBuffer(LoopBoard.bytes))
  return { choice: new Choice(policy, health, new Budget(1), board, new Flights(1), looseCounters()), health, board }
}

const asked = queryOf('a.test')

/** Upstreams that would be asked, `!` behind the next one, and in brackets why others are not. */
function outlook(choice: Choice): string {
  return choice
    .outlook(asked)
    .map(({ upstream, isAsked, isNext, isDown, isLooping }) => {
      const state = `${isDown ? 'down' : ''}${isLooping ? 'loops' : ''}`
      return `${isAsked ? upstream : '-'}${isNext ? '!' : ''}${state === '' ? '' : `(${state})`}`
    })
    .join(' ')
}

function fail(health: Health, upstream: number): void {
  for (let i = 0; i < 3; i++) health.failed(upstream, 100, 0)
}

test('the outlook is whom `first` would ask, and asks nobody', () => {
  const { choice, health, board } = scene()
  assert.equal(outlook(choice), '0 1! 2')
  assert.deepEqual([outlook(choice), choice.first(asked, 0)], ['0 1! 2', 1])
  assert.equal(outlook(choice), '0 1 2!')
  board.mark(0, 2)
  assert.equal(outlook(choice), '0! 1 -(loops)')
  assert.equal(choice.first(asked, 0), 0)
  fail(health, 1)
  assert.equal(outlook(choice), '0! -(down) -(loops)')
  fail(health, 0)
  assert.equal(outlook(choice), '-(down) -(down) 2(loops)')
  for (let i = 0; i < 40; i++) outlook(choice)
  assert.equal(choice.first(asked, 1000), 2, 'no question of this second is spent')
  board.heal(0, 2)
  fail(health, 2)
  assert.equal(outlook(choice), '0(down) 1(down) 2(down)')
  assert.deepEqual(choice.outlook(Object.assign(queryOf('a.test'), { route: 9 })), [])
})

test('of those that are down, the one that has answered since is asked', () => {
  const { choice, health } = scene()
  for (let i = 0; i < 3; i++) fail(health, i)
  health.answered(1, 5, 2000)
  assert.equal(outlook(choice), '-(down) 1(down) -(down)')
  assert.deepEqual(
    [1, 2, 3, 4].map(() => choice.first(asked, 2000)),
    [1, 1, 1, 1],
  )
  health.failed(1, 100, 3000)
  assert.equal(outlook(choice), '0(down) 1(down) 2(down)')
})
