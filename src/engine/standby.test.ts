import assert from 'node:assert/strict'
import { test } from 'node:test'
import { query } from '../../test/support/message.ts'
import { cache, hour, plan, Scene, soa, withAnswer } from '../../test/support/stale-scene.ts'
import { emptyPlan, type PlanData } from '../link/plan-data.ts'
import { cache as events, outcomes } from '../metrics/catalog.ts'

test('an answer that is over serves after 1.8 s of silence, then at once, and is asked for again 30 s after the question was given up', () => {
  const scene = withAnswer()
  scene.say = 'silent'
  assert.equal(scene.ask('a.test', 1790), 'none')
  scene.later(30)
  assert.equal(scene.shard.replies.at(-1)?.answers[0]?.ttl, 30)
  assert.equal(scene.ask(), '0 30 3')
  scene.later(8000)
  scene.asked()
  scene.later(20_000)
  assert.equal(scene.ask(), '0 30 3')
  assert.equal(scene.asked(), 0)
  scene.later(11_000)
  assert.equal(scene.ask('a.test', 2000), '0 30 3')
  assert.ok(scene.asked() > 0)
  assert.equal(scene.shard.count(outcomes.stale), 4)
  assert.equal(scene.shard.unaccounted, 0)
})

test('it serves at once when the upstream answers with a failure', () => {
  for (const rcode of [2, 5]) {
    const scene = withAnswer()
    scene.say = { rcode }
    assert.equal(scene.ask(), '0 30 3')
    assert.equal(scene.ask(), '0 30 3')
    assert.equal(scene.asked(), 1)
  }
})

test('it serves at once when every upstream is down, and one is asked on the side', () => {
  const scene = withAnswer()
  scene.say = 'silent'
  for (const name of ['x.test', 'y.test', 'z.test']) scene.ask(name, 7000)
  scene.asked()
  assert.equal(scene.ask('a.test', 5), '0 30 3')
  assert.equal(scene.asked(), 1)
  assert.equal(scene.ask('new.test', 2000), '2 - 22')
})

test('when it is asked for again, what comes takes its place', () => {
  const scene = withAnswer()
  scene.say = 'silent'
  assert.equal(scene.ask('a.test', 1900), '0 30 3')
  scene.say = { answers: ['a.test 60 A 192.0.2.9'] }
  scene.later(30_000)
  assert.equal(scene.ask(), '0 30 3')
  scene.later(15_000)
  // The upstream counts as down until it has answered something.
  assert.equal(scene.ask(), '0 30 3')
  assert.equal(scene.ask(), '0 60 -')
})

test('it is forgotten after its time, and never serves where that is off', () => {
  const scene = withAnswer()
  scene.say = 'silent'
  scene.later(hour)
  assert.equal(scene.ask('a.test', 2000), '2 - 22')
  const off = withAnswer('a.test', { cache: { ...cache, serveStaleMs: 0 } })
  off.say = { rcode: 2 }
  assert.equal(off.ask(), '2 - -')
})

test('never in cluster domains and reverse zones of pods, but where the route says so', () => {
  const routes = [{ name: '.', zones: [], upstreams: [0], serveStale: 'always' as const }]
  const never = [{ name: '.', zones: [], upstreams: [0], serveStale: 'never' as const }]
  const cases: [string, Partial<PlanData>, string][] = [
    ['web.default.svc.cluster.local', {}, '2 - -'],
    ['7.0.0.10.in-addr.arpa', {}, '2 - -'],
    ['cluster.local', {}, '2 - -'],
    ['web.default.svc.cluster.local', { routes }, '0 30 3'],
    ['cluster.local.test', {}, '0 30 3'],
    ['a.test', { routes: never }, '2 - -'],
  ]
  for (const [name, more, wanted] of cases) {
    const scene = withAnswer(name, more)
    scene.say = { rcode: 2 }
    assert.equal(scene.ask(name), wanted, name)
  }
})

test('a denial never serves when it is over, and ends what was known before it', () => {
  const scene = withAnswer()
  scene.say = { rcode: 3, authority: soa }
  assert.equal(scene.ask(), '3 - -')
  scene.later(31_000)
  scene.say = { rcode: 2 }
  assert.equal(scene.ask(), '2 - -')
})

test('a denial that lives is said, not an older answer', () => {
  const scene = withAnswer()
  scene.say = { rcode: 3, authority: soa }
  scene.ask()
  assert.equal(scene.ask('a.test', 20, 'AAAA'), '3 - -')
})

test('NODATA takes the place of the answer, too', () => {
  const scene = withAnswer()
  scene.say = { authority: soa }
  assert.equal(scene.ask(), '0 - -')
  scene.later(31_000)
  scene.say = 'silent'
  assert.equal(scene.ask('a.test', 2000), '2 - 22')
})

test('whoever could have it waits as long as all others when it is gone in the meantime', () => {
  const scene = withAnswer('a.test', { forward: { ...emptyPlan.forward, replyWithinMs: 4500 } })
  scene.say = 'silent'
  scene.shard.send(query('a.test'))
  scene.later(100)
  scene.shard.commit({
    ...plan,
    cache: { ...cache, serveStaleMs: 0 },
    forward: { ...emptyPlan.forward, replyWithinMs: 4500 },
  })
  const before = scene.shard.replies.length
  scene.later(3000)
  assert.equal(scene.shard.replies.length, before)
  scene.later(1500)
  assert.equal(scene.shard.replies.at(-1)?.rcode, 2)
  assert.equal(scene.shard.unaccounted, 0)
})

test('an answer in demand is asked for once in the last tenth of its life, and nobody waits for that', () => {
  const scene = new Scene()
  scene.say = { answers: ['a.test 60 A 192.0.2.1'] }
  for (let i = 0; i < 6; i++) scene.ask()
  scene.later(55_000)
  scene.asked()
  assert.equal(scene.ask(), '0 5 -')
  assert.equal(scene.asked(), 1)
  assert.equal(scene.ask(), '0 60 -')
  assert.equal(scene.shard.count(events.refreshed), 1)
})

test('one that few ask for is not, and a failure leaves the answer in its place', () => {
  const scene = new Scene()
  scene.say = { answers: ['a.test 60 A 192.0.2.1'] }
  for (let i = 0; i < 3; i++) scene.ask()
  scene.later(55_000)
  scene.asked()
  scene.say = { rcode: 2 }
  scene.ask()
  scene.ask()
  assert.equal(scene.asked(), 0)
  assert.equal(scene.ask(), '0 5 -')
  assert.equal(scene.asked(), 1)
  assert.equal(scene.ask(), '0 5 -')
  assert.equal(scene.asked(), 0)
  scene.later(6000)
  assert.equal(scene.ask(), '0 30 3')
})

test('a question that fails again is left alone for twice as long each time', () => {
  const scene = new Scene()
  scene.say = { rcode: 2 }
  const gaps: number[] = []
  let last = 0
  for (let second = 0; second < 60; second++) {
    scene.ask()
    if (scene.asked() > 0) {
      gaps.push(second - last)
      last = second
    }
    scene.later(980)
  }
  assert.deepEqual(gaps, [0, 6, 11, 21])
})

test('what failed in silence is asked for at once when the upstream is back', () => {
  const scene = new Scene()
  scene.say = 'silent'
  for (const name of ['a.test', 'b.test', 'c.test', 'd.test']) scene.ask(name, 7000)
  scene.say = (asked) => ({ answers: [`${asked.questions[0]?.name} 60 A 192.0.2.1`] })
  assert.equal(scene.ask('new.test', 2000), '0 60 -')
  assert.equal(scene.ask('d.test'), '0 60 -')
})
