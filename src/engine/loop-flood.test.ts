/** Clients who would like to make, hide or feed a loop, before a whole shard (SAFETY: loop probe abuse). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { query } from '../../test/support/message.ts'
import { listenerAt, SimShard, upstreamAt, wire } from '../../test/support/shard-sim.ts'
import * as metric from '../metrics/catalog.ts'
import { passesPerSecond, passesPerSender } from '../upstream/loop-passes.ts'

const qr = 0x80

/** A shard whose upstream, while `looping`, sends every question back to it, and forwards the reply to nobody. */
function scene() {
  const routes = [{ name: '.', zones: [wire('.')], upstreams: [0] }]
  const shard = new SimShard(11, { routes })
  const state = { looping: false, asked: 0 }
  shard.world.host(upstreamAt(0), (bytes, _from, send) => {
    if (((bytes[2] as number) & qr) !== 0) return
    state.asked++
    if (state.looping) return shard.world.send(upstreamAt(0), listenerAt, bytes)
    const denial = bytes.slice()
    denial[2] = (denial[2] as number) | qr
    denial[3] = 3
    send(denial)
  })
  const marked = (): number => shard.events.filter((event) => event.kind === 'loop' && event.marked).length
  return { shard, state, marked }
}

const probeLike = (i: number): Buffer =>
  query(`${(i * 40_503).toString(16).padStart(16, '0')}.0123456789abcdef.test`, 'HINFO')

test('thousands of names that look like probes: few are passed on, each is answered, and none marks anything', () => {
  const { shard, state, marked } = scene()
  for (let i = 0; i < 5000; i++) {
    shard.send(probeLike(i), 1 + (i % 40))
    shard.world.advance(1)
  }
  shard.world.advance(8000)
  assert.deepEqual([marked(), shard.replies.length, shard.unaccounted], [0, 5000, 0])
  assert.equal(shard.count(metric.guardSeen.dnsweir), 5000)
  // And our own, which hints bring forward.
  assert.ok(state.asked <= 6 * passesPerSecond + 10, `${state.asked} went upstream in 5 s`)
})

test('under such a flood a loop is found as ever, and it makes nothing of one', () => {
  const { shard, state, marked } = scene()
  shard.world.advance(500)
  state.looping = true
  for (let i = 0; i < 40_000; i++) {
    shard.send(probeLike(i), 1 + (i % 40))
    if (i % 4 === 0) shard.send(query(`n${i}.test`, 'A'), 1 + (i % 40))
    shard.world.advance(1)
  }
  assert.equal(marked(), 1)
  const before = state.asked
  for (let i = 0; i < 1000; i++) {
    shard.send(probeLike(100_000 + i), 1)
    shard.world.advance(1)
  }
  assert.ok(state.asked - before <= 2 * passesPerSender + 2, `${state.asked - before} for one sender in a second`)
  state.looping = false
  shard.world.advance(4000)
  assert.ok(
    shard.events.some((event) => event.kind === 'loop' && !event.marked),
    'and its end, too',
  )
  shard.world.advance(10_000)
  assert.equal(shard.unaccounted, 0)
})

test('the probe of somebody else makes one lap, be it that of a CoreDNS that dies of the third', () => {
  for (const name of [
    '5577006791947779410.8674665223082153551',
    '00112233445566ff.0123456789abcdef',
    '1a2b3c4d.test',
  ]) {
    const { shard, state } = scene()
    shard.world.advance(500)
    state.looping = true
    const before = state.asked
    shard.send(query(name, name.endsWith('test') ? 'TXT' : 'HINFO'))
    shard.world.advance(10)
    assert.ok(state.asked - before <= 3, `${name}: ${state.asked - before} packets, two of them probes of ours`)
    shard.world.advance(8000)
    assert.equal(shard.unaccounted, 0)
  }
})
