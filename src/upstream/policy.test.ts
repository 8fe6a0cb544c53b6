import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simPlan } from '../../test/support/forward-sim.ts'
import { seededRandom } from '../base/random.ts'
import type { ForwardData } from '../link/plan-data.ts'
import { Health } from './health.ts'
import { Policy } from './policy.ts'

const all = 0b1111

function policyOf(policy: ForwardData['policy']): { policy: Policy; health: Health } {
  const health = new Health(seededRandom(5))
  const made = new Policy(health, seededRandom(5))
  made.configure(simPlan({ upstreams: [{}, {}, {}, {}], forward: { policy } }))
  return { policy: made, health }
}

function counts(policy: Policy, allowed: number, times = 4000): number[] {
  const seen = [0, 0, 0, 0]
  for (let i = 0; i < times; i++) {
    policy.advance(0)
    const upstream = policy.choose(0, allowed)
    seen[upstream] = (seen[upstream] as number) + 1
  }
  return seen
}

test('sequential: the first that is allowed', () => {
  const { policy } = policyOf('sequential')
  assert.deepEqual(counts(policy, all, 10), [10, 0, 0, 0])
  assert.deepEqual(counts(policy, 0b1100, 10), [0, 0, 10, 0])
})

test('roundRobin: in turn, over those that are allowed', () => {
  const { policy } = policyOf('roundRobin')
  assert.deepEqual(counts(policy, all), [1000, 1000, 1000, 1000])
  assert.deepEqual(counts(policy, 0b1010), [0, 2000, 0, 2000])
})

test('random: all alike', () => {
  for (const count of counts(policyOf('random').policy, all)) assert.ok(count > 900 && count < 1100, `${count}`)
})

test('fastest: the lowest round-trip time, one unknown first, now and then another', () => {
  const { policy, health } = policyOf('fastest')
  for (const [upstream, ms] of [20, 5, 9].entries()) health.answered(upstream, ms, 0)
  assert.ok((counts(policy, all)[3] as number) > 3800)
  health.answered(3, 50, 0)
  const seen = counts(policy, all)
  assert.ok((seen[1] as number) > 3800, `${seen}`)
  assert.ok(
    seen.every((count) => count > 10 && count < 3990),
    `${seen}: each is looked at`,
  )
  assert.ok((counts(policy, 0b1101)[2] as number) > 3800)
})

test('next says whom, and no turn passes by it', () => {
  for (const kind of ['sequential', 'roundRobin'] as const) {
    const { policy } = policyOf(kind)
    for (const allowed of [all, 0b1010, 0b0111]) {
      for (let i = 0; i < 300; i++) {
        const said = [policy.next(0, allowed), policy.next(0, allowed)]
        policy.advance(0)
        const chosen = policy.choose(0, allowed)
        assert.deepEqual(said, [chosen, chosen], `${kind} ${allowed} ${i}`)
      }
    }
  }
  const { policy, health } = policyOf('fastest')
  for (const [upstream, ms] of [20, 5, 9, 7].entries()) health.answered(upstream, ms, 0)
  assert.deepEqual([policy.next(0, all), policy.next(0, 0b1100)], [1, 3])
  const random = policyOf('random').policy
  assert.deepEqual([random.next(0, all), random.next(0, 0b0100)], [-1, 2])
  assert.deepEqual(random.order(0), [0, 1, 2, 3])
})

test('nobody allowed, or a route that has nobody', () => {
  const { policy } = policyOf('fastest')
  assert.deepEqual([policy.choose(0, 0), policy.choose(5, all), policy.mask(5)], [-1, -1, 0])
})
