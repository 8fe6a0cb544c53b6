import { seededRandom } from '../../src/base/random.ts'
import { ShardEngine } from '../../src/engine/shard-engine.ts'
import { type Counters, looseCounters } from '../../src/metrics/counters.ts'
import { batchSlots } from '../../src/net/batch.ts'
import { endpointBytes, writeEndpoint } from '../../src/net/endpoint.ts'
import type { DatagramPort, Ready } from '../../src/net/reactor.ts'
import { LoopBoard } from '../../src/upstream/loop-board.ts'
import { query } from '../../test/support/message.ts'

/** A port in memory at which one query per name arrives whenever somebody reads it; it throws replies away. */
export function clientsOf(names: readonly string[]): DatagramPort {
  const queries = names.map((name) => query(name))
  const peers = names.map((_, slot) => {
    const peer = new Uint8Array(endpointBytes)
    writeEndpoint({ address: Uint8Array.of(127, 0, 0, 1), port: 2000 + slot, scope: 0 }, peer, 0)
    return peer
  })
  return {
    tag: 0,
    connected: false,
    dropped: 0,
    lastError: 0,
    receive(batch) {
      for (let slot = 0; slot < batchSlots; slot++) {
        const bytes = queries[slot] as Buffer
        batch.bytes.set(bytes, batch.dataAt(slot))
        batch.setLength(slot, bytes.length)
        batch.bytes.set(peers[slot] as Uint8Array, batch.peerAt(slot))
      }
      return batchSlots
    },
    send: () => {},
    deafen: () => false,
    close: () => {},
  }
}

/** A shard whose clients and upstreams are ports in memory, on the clock that `turnOf` reads. */
export function engineOf(
  clients: DatagramPort,
  openUpstream: () => DatagramPort,
  counters: Counters = looseCounters(),
): ShardEngine {
  return new ShardEngine({
    reactor: { engine: 'memory', openListener: () => clients, openUpstream, run: () => {}, stop: () => {} },
    sys: undefined,
    clock: { now: () => performance.now() },
    random: seededRandom(1),
    counters,
    board: new LoopBoard(new SharedArrayBuffer(LoopBoard.bytes)),
    shard: 1,
    shards: 1,
    hashSeed: 7,
    shared: (_key, bytes) => new SharedArrayBuffer(bytes),
    events: () => {},
    control: () => {},
  })
}

export function noneReady(): Ready {
  return { kicked: false, upstreams: [], upstreamCount: 0, listeners: [], listenerCount: 0 }
}

/** A turn in which the clients have queries: 8 batches of them. */
export function turnOf(engine: ShardEngine, clients: DatagramPort, ready: Ready): number {
  ready.listeners.length = 0
  ready.listeners.push(clients)
  ready.listenerCount = 1
  return engine.turn(performance.now(), ready)
}
