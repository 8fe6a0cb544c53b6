import assert from 'node:assert/strict'
import { test } from 'node:test'
import { query } from '../../test/support/message.ts'
import { plan, Scene, soa, withAnswer } from '../../test/support/stale-scene.ts'

const denial = { rcode: 3, authority: soa }

test('a health check hears of the upstream, not of what it said once', () => {
  const scene = new Scene()
  scene.say = { answers: ['. 60000 NS a.root.test'] }
  assert.equal(scene.ask('.', 20, 'NS'), '0 3600 -')
  scene.say = 'silent'
  for (const name of ['x.test', 'y.test', 'z.test']) scene.ask(name, 7000)
  assert.equal(scene.ask('.', 9000, 'NS'), 'none')
  assert.equal(scene.shard.unaccounted, 0)
})

test('where nothing may serve stale, failures are remembered all the same', () => {
  const name = 'web.default.svc.cluster.local'
  const scene = withAnswer(name)
  scene.say = { rcode: 2 }
  for (let i = 0; i < 5; i++) scene.ask(name)
  assert.equal(scene.asked(), 1)
})

test('a denial of the name is said in place of an older stale answer, and ends it', () => {
  const scene = withAnswer()
  scene.say = { rcode: 2 }
  assert.equal(scene.ask(), '0 30 3')
  scene.say = denial
  scene.ask('a.test', 20, 'AAAA')
  assert.equal(scene.ask(), '3 - -')
  scene.later(61_000)
  scene.say = { rcode: 2 }
  assert.equal(scene.ask(), '2 - -')
})

test('a denial of the name is said in place of an older failure', () => {
  const scene = new Scene()
  scene.say = { rcode: 2 }
  assert.equal(scene.ask(), '2 - -')
  scene.say = denial
  scene.ask('a.test', 20, 'AAAA')
  assert.equal(scene.ask(), '3 - -')
})

test('an answer that is not kept ends what was known before it', () => {
  const news = [
    { rcode: 3, authority: ['test 60 SOA ns.test admin.test 1 2 3 4 0'] },
    { answers: ['a.test 0 A 192.0.2.9'] },
  ]
  for (const parts of news) {
    const scene = withAnswer()
    scene.say = parts
    scene.ask()
    scene.say = { rcode: 2 }
    assert.equal(scene.ask(), '2 - -', JSON.stringify(parts))
  }
})

test('with all flights taken, what is over serves', () => {
  const scene = withAnswer()
  scene.say = 'silent'
  for (let i = 0; i < 8300; i++) scene.shard.send(query(`n${i}.test`))
  scene.later(20)
  assert.equal(scene.ask(), '0 30 3')
})

test('a reload that says never takes effect at once', () => {
  const scene = withAnswer()
  scene.say = { rcode: 2 }
  assert.equal(scene.ask(), '0 30 3')
  const routes = [{ name: '.', zones: [], upstreams: [0], serveStale: 'never' as const }]
  scene.shard.commit({ ...plan, routes })
  assert.equal(scene.ask(), '2 - -')
})

test('a stale answer of several blocks is whole, beside an older denial of several blocks', () => {
  const name = `${'x'.repeat(60)}.${'y'.repeat(60)}.${'z'.repeat(60)}.test`
  const scene = new Scene()
  scene.say = denial
  assert.equal(scene.ask(name, 20, 'AAAA'), '3 - -')
  scene.later(31_000)
  scene.say = { answers: Array.from({ length: 5 }, (_, i) => `${name} 60 A 192.0.2.${i}`) }
  assert.equal(scene.ask(name), '0 60 -')
  scene.later(61_000)
  scene.say = { rcode: 2 }
  scene.ask(name)
  assert.equal(scene.ask(name), '0 30 3')
  const addresses = scene.shard.replies.at(-1)?.answers.map(({ data }) => data) ?? []
  assert.deepEqual(new Set(addresses), new Set(Array.from({ length: 5 }, (_, i) => `192.0.2.${i}`)))
})
