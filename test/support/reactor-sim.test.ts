import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Batch } from '../../src/net/batch.ts'
import { readEndpoint } from '../../src/net/endpoint.ts'
import { endpointText } from '../../src/net/endpoint-text.ts'
import type { DatagramPort } from '../../src/net/reactor.ts'
import { ECONNREFUSED } from '../../src/net/sys.ts'
import { fairWeather, SimWorld, type Weather } from './reactor-sim.ts'

const listener = { address: Uint8Array.of(10, 0, 0, 1), port: 53, scope: 0 }
const client = { address: Uint8Array.of(10, 0, 0, 9), port: 4000, scope: 0 }
const upstream = { address: Uint8Array.of(10, 0, 0, 2), port: 53, scope: 0 }

describe('reactor-sim', () => {
  it('plays the same storm again from the same seed, and another one from another', () => {
    const storm = { loss: 0.1, duplication: 0.1, delayMin: 1, delayMax: 50 }
    const first = play(1, storm)
    assert.deepEqual(play(1, storm), first)
    assert.notDeepEqual(play(2, storm), first)
    const ids = first.map(([, id]) => id)
    assert.ok(new Set(ids).size < 1000, 'some are lost')
    assert.ok(new Set(ids).size < ids.length, 'some come twice')
    assert.notDeepEqual(
      ids,
      [...ids].sort((a, b) => a - b),
      'some overtake others',
    )
  })

  it('loses and doubles nothing in fair weather', () => {
    const ids = play(3, fairWeather).map(([, id]) => id)
    assert.deepEqual(
      ids.sort((a, b) => a - b),
      Array.from({ length: 1000 }, (_, i) => i),
    )
  })

  it('takes hours in no time, with a turn at each deadline', () => {
    const world = new SimWorld({ seed: 1 })
    const reactor = world.reactor()
    let turns = 0
    reactor.run((now) => {
      turns++
      return now + 1000
    })
    world.advance(3_600_000)
    assert.equal(turns, 3601)
    assert.equal(world.clock.now(), 3_600_000)
    reactor.stop()
    world.advance(10_000)
    assert.equal(turns, 3601)
  })

  it('brings the answers of a host to the port that asked it, and refuses where nobody is', () => {
    const world = new SimWorld({ seed: 1 })
    const reactor = world.reactor()
    const batch = new Batch(undefined, 512)
    const port = reactor.openUpstream(upstream, 20_000) as DatagramPort
    const got: string[] = []
    reactor.run((_now, ready) => {
      for (let i = 0; i < ready.upstreamCount; i++) {
        const count = port.receive(batch)
        for (let slot = 0; slot < count; slot++) {
          got.push(`${endpointText(readEndpoint(batch.bytes, batch.peerAt(slot)))} ${batch.length(slot)}`)
        }
      }
      return Infinity
    })
    batch.setLength(0, 3)
    port.send(batch, 0, 1)
    world.advance(5)
    assert.equal(port.lastError, ECONNREFUSED)
    world.host(upstream, (bytes, _from, reply) => reply(Uint8Array.of(...bytes, 7)))
    port.send(batch, 0, 1)
    // Somebody who is not the upstream: a connected socket never shows it.
    world.send(client, { address: Uint8Array.of(10, 0, 0, 1), port: 20_000, scope: 0 }, Uint8Array.of(6))
    world.advance(5)
    assert.deepEqual(got, ['10.0.0.2:53 4'])
  })

  it('spreads clients over reactors that listen at one address', () => {
    const world = new SimWorld({ seed: 1 })
    const batch = new Batch(undefined, 512)
    const counts = [0, 0]
    for (const shard of counts.keys()) {
      const reactor = world.reactor()
      const port = reactor.openListener({ id: 0, endpoint: listener, fd: -1 })
      assert.throws(() => reactor.openListener({ id: 1, endpoint: listener, fd: -1 }), /in use/)
      reactor.run(() => {
        counts[shard] = (counts[shard] as number) + port.receive(batch)
        return Infinity
      })
    }
    for (let i = 0; i < 40; i++) world.send({ ...client, port: 4000 + i }, listener, Uint8Array.of(i))
    world.advance(5)
    assert.deepEqual(counts, [20, 20])
  })

  it('says that a turn leaves a port undrained', () => {
    const world = new SimWorld({ seed: 1 })
    const reactor = world.reactor()
    reactor.openListener({ id: 0, endpoint: listener, fd: -1 })
    reactor.run(() => Infinity)
    world.send(client, listener, Uint8Array.of(1))
    assert.throws(() => world.advance(5), /undrained/)
  })
})

/** 1,000 numbered datagrams, one a millisecond: when each arrived, and which. */
function play(seed: number, weather: Weather): [number, number][] {
  const world = new SimWorld({ seed, weather })
  const reactor = world.reactor()
  const batch = new Batch(undefined, 512)
  const port = reactor.openListener({ id: 0, endpoint: listener, fd: -1 })
  const arrived: [number, number][] = []
  reactor.run((now) => {
    for (;;) {
      const count = port.receive(batch)
      if (count === 0) return Infinity
      for (let slot = 0; slot < count; slot++) {
        arrived.push([now, new DataView(batch.bytes.buffer).getUint16(batch.dataAt(slot))])
      }
    }
  })
  for (let i = 0; i < 1000; i++) {
    world.send(client, listener, Uint8Array.of(i >> 8, i & 0xff))
    world.advance(1)
  }
  world.advance(100)
  return arrived
}
