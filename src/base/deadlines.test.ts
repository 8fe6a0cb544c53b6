import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Deadlines } from './deadlines.ts'
import { seededRandom } from './random.ts'

describe('Deadlines', () => {
  it('fires once, not before its time, in a later run at most', () => {
    const fired: number[] = []
    const wheel = new Deadlines(4, 1000, (slot) => fired.push(slot))
    wheel.set(0, 1005.5)
    wheel.run(1005.4)
    assert.deepEqual(fired, [])
    wheel.run(1006.1)
    wheel.run(1100)
    assert.deepEqual(fired, [0])
  })

  it('knows the next one, moves and forgets', () => {
    const wheel = new Deadlines(4, 0, () => assert.fail('nothing is due'))
    wheel.set(1, 50)
    wheel.set(1, 80)
    assert.equal(wheel.upcoming(0, 1000), 80)
    wheel.clear(1)
    assert.equal(wheel.upcoming(0, 1000), 1000)
    wheel.run(200)
  })

  it('agrees with a slow list over hours of random deadlines, some beyond the horizon', () => {
    const random = seededRandom(3)
    const slots = 200
    const wanted = new Float64Array(slots)
    let now = 0
    const wheel = new Deadlines(slots, now, (slot, at) => {
      assert.ok(wanted[slot] !== 0 && (wanted[slot] as number) <= at)
      wanted[slot] = 0
    })
    for (let step = 0; step < 20_000; step++) {
      const slot = random.u32() % slots
      if (random.u32() % 4 === 0) {
        wheel.clear(slot)
        wanted[slot] = 0
      } else {
        const at = now + (random.u32() % 30_000) + (random.u32() % 1000) / 1000
        wheel.set(slot, at)
        wanted[slot] = at
      }
      now += (random.u32() % 2000) / 10
      wheel.run(now)
      for (const at of wanted) assert.ok(at === 0 || at > now - 1, `due at ${at}, not called at ${now}`)
      const soonest = Math.min(now + 5000, ...wanted.filter((at) => at !== 0).map(Math.ceil))
      // Earlier is allowed: who is beyond the horizon is looked at on the way.
      assert.ok(wheel.upcoming(now, now + 5000) <= soonest + 1)
    }
  })
})
