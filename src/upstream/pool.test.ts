import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simPlan } from '../../test/support/forward-sim.ts'
import { secureRandom, seededRandom } from '../base/random.ts'
import type { Endpoint } from '../net/endpoint.ts'
import type { DatagramPort, Reactor } from '../net/reactor.ts'
import { Pool, poolMax, poolMin, portsMax } from './pool.ts'

/** A reactor whose ports go nowhere; `refuse` says which port numbers are taken. */
function fakeReactor(refuse: (localPort: number) => boolean = () => false) {
  const opened: number[] = []
  let closed = 0
  const reactor: Partial<Reactor> = {
    openUpstream(_remote: Endpoint, localPort: number): DatagramPort | undefined {
      if (refuse(localPort)) return undefined
      opened.push(localPort)
      const port: Partial<DatagramPort> = {
        tag: -1,
        connected: true,
        dropped: 0,
        lastError: 0,
        close: () => void closed++,
      }
      return port as DatagramPort
    },
  }
  return { reactor: reactor as Reactor, opened, closed: () => closed }
}

test('64 ports towards public upstreams, 4 towards private ones, all between 1024 and 65535 and hard to guess', () => {
  const { reactor, opened } = fakeReactor()
  const pool = new Pool(reactor, secureRandom())
  pool.configure(simPlan({ upstreams: [{ isPrivate: false }, { isPrivate: true }] }), [-1, -1], 0)
  assert.deepEqual([pool.size(0), pool.size(1)], [64, 4])
  assert.ok(opened.every((port) => port >= 1024 && port <= 65_535))
  assert.ok(new Set(opened).size >= 66)
  assert.ok(Math.max(...opened) - Math.min(...opened) > 30_000)
})

test('ports on an interface that came back with another index are opened anew', () => {
  const { reactor, opened, closed } = fakeReactor()
  const pool = new Pool(reactor, secureRandom())
  pool.configure(simPlan({ upstreams: [{ scope: 2 }, {}] }), [-1, -1], 0)
  assert.deepEqual([opened.length, closed()], [8, 0])
  pool.configure(simPlan({ upstreams: [{ scope: 2 }, {}] }), [0, 1], 1)
  assert.deepEqual([opened.length, closed()], [8, 0])
  pool.configure(simPlan({ upstreams: [{ scope: 7 }, {}] }), [0, 1], 2)
  pool.run()
  assert.deepEqual([opened.length, closed(), pool.size(0), pool.size(1)], [12, 4, 4, 4])
})

test('one random choice serves 4 flights, and all ports are chosen', () => {
  const { reactor } = fakeReactor()
  const pool = new Pool(reactor, seededRandom(3))
  pool.configure(simPlan({ upstreams: [{ isPrivate: false }] }), [-1], 0)
  const picks = Array.from({ length: 4000 }, () => pool.pick(0, 1))
  for (let i = 0; i < picks.length; i += 4) assert.equal(new Set(picks.slice(i, i + 4)).size, 1)
  assert.equal(new Set(picks).size, 64)
})

test('a private pool grows with what waits on it, to 64, and not without load', () => {
  const { reactor } = fakeReactor()
  const pool = new Pool(reactor, seededRandom(3))
  pool.configure(simPlan(), [-1], 0)
  for (let i = 0; i < 1000; i++) pool.release(pool.pick(0, 1))
  assert.equal(pool.size(0), poolMin)
  for (let i = 0; i < 200; i++) pool.pick(0, 1)
  assert.ok(pool.size(0) > 8 && pool.size(0) < 16, `${pool.size(0)} ports for 200 flights`)
  for (let i = 0; i < 5000; i++) pool.pick(0, 1)
  assert.equal(pool.size(0), poolMax)
})

test('a port lives 60 s at least, is then retired by use, receives while flights wait on it, and is replaced', () => {
  const { reactor, opened, closed } = fakeReactor()
  const pool = new Pool(reactor, seededRandom(3))
  pool.configure(simPlan(), [-1], 0)
  const held = pool.pick(0, 0)
  for (let i = 0; i < 50_000; i++) pool.release(pool.pick(0, 59_999))
  assert.equal(opened.length, 4, 'busy, but young')
  for (let i = 0; i < 100; i++) pool.release(pool.pick(0, 60_001))
  pool.run()
  assert.deepEqual([opened.length, pool.size(0), closed()], [8, 4, 3])
  assert.ok(pool.socket(held) !== undefined, 'a flight waits on it')
  pool.release(held)
  pool.run()
  assert.deepEqual([closed(), pool.socket(held), pool.open], [4, undefined, 4])
})

test('at 65,536 uses a port goes whatever its age', () => {
  const { reactor, opened } = fakeReactor()
  const pool = new Pool(reactor, seededRandom(3))
  pool.configure(simPlan(), [-1], 0)
  for (let i = 0; i < 4 * 65_536 + 10_000; i++) pool.release(pool.pick(0, 10))
  assert.ok(opened.length > 4)
})

test('taken port numbers are passed over; without a network it tries again once a second', () => {
  const odd = fakeReactor((port) => port % 2 === 1)
  const pool = new Pool(odd.reactor, seededRandom(3))
  pool.configure(simPlan({ upstreams: [{ isPrivate: false }] }), [-1], 0)
  // Eight tries may all meet a taken number: what is missing then is opened later.
  for (let now = 1; now < 60_000; now += 100) pool.release(pool.pick(0, now))
  assert.equal(pool.size(0), 64)
  assert.ok(odd.opened.every((port) => port % 2 === 0))
  let tries = 0
  let network = false
  const none = fakeReactor(() => {
    tries++
    return !network
  })
  const later = new Pool(none.reactor, seededRandom(3))
  later.configure(simPlan(), [-1], 0)
  for (let now = 0; now < 2500; now++) assert.equal(later.pick(0, now), -1)
  assert.equal(tries, 3 * 8)
  network = true
  assert.ok(later.pick(0, 3500) >= 0)
})

test('a reload keeps ports of upstreams that stay, under their new index, and retires the others', () => {
  const { reactor, closed } = fakeReactor()
  const pool = new Pool(reactor, seededRandom(3))
  pool.configure(simPlan({ upstreams: [{}, {}] }), [-1, -1], 0)
  const first = pool.pick(0, 1)
  const second = pool.pick(1, 1)
  pool.configure(simPlan(), [1], 2)
  pool.run()
  assert.deepEqual([closed(), pool.upstreamOf(second), pool.upstreamOf(first)], [3, 0, -1])
  pool.release(first)
  pool.release(second)
  pool.run()
  assert.deepEqual([closed(), pool.open, pool.size(0)], [4, 4, 4])
})

test('100 reloads leak no port, and the table never overflows', () => {
  const { reactor, opened, closed } = fakeReactor()
  const pool = new Pool(reactor, seededRandom(3))
  pool.configure(simPlan({ upstreams: [{ isPrivate: false }] }), [-1], 0)
  for (let i = 0; i < 100; i++) {
    pool.pick(0, i)
    pool.configure(simPlan({ upstreams: [{ isPrivate: false }] }), [i % 2 === 0 ? -1 : 0], i)
    pool.run()
  }
  assert.equal(opened.length - closed(), pool.open)
  assert.ok(pool.open < portsMax && pool.size(0) === 64)
})
