import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { afterEach, describe, it } from 'node:test'
import { type Stand, stands } from '../../test/support/reactor-stands.ts'
import { Batch, batchSlots } from './batch.ts'
import { readEndpoint } from './endpoint.ts'
import { addressFromNode, endpointText } from './endpoint-text.ts'
import { Outbox } from './outbox.ts'
import type { DatagramPort } from './reactor.ts'
import { ECONNREFUSED } from './sys.ts'

// What every reactor must do, whatever drives it: one suite for the three of them.
for (const [name, { skip, start }] of Object.entries(stands)) {
  describe(`reactor: ${name}`, { skip }, () => {
    let stand: Stand
    afterEach(() => stand.close())

    for (const family of ['127.0.0.1', '::1'] as const) {
      it(`echoes every datagram with its bytes and peer over ${family}`, async () => {
        stand = start()
        const { server, client, at } = openPair(stand, family)
        const { outbox, inbox } = batches(stand)
        const back = new Set<number>()
        stand.reactor.run((now, ready) => {
          for (let i = 0; i < ready.listenerCount; i++) echo(ready.listeners[i] as DatagramPort, inbox, outbox)
          for (let i = 0; i < ready.upstreamCount; i++) {
            const count = (ready.upstreams[i] as DatagramPort).receive(inbox)
            for (let slot = 0; slot < count; slot++) {
              assert.equal(inbox.length(slot), 4)
              assert.equal(endpointText(readEndpoint(inbox.bytes, inbox.peerAt(slot))), endpointText(at))
              back.add(new DataView(inbox.bytes.buffer).getUint32(inbox.dataAt(slot)))
            }
          }
          return now + 1
        })
        // More than one batch, so that a flush in the middle happens too.
        for (let i = 0; i < batchSlots * 3; i++) {
          const slot = outbox.take(client)
          new DataView(outbox.batch.bytes.buffer).setUint32(outbox.batch.dataAt(slot), i)
          outbox.commit(4)
        }
        outbox.flush()
        await until(stand, () => back.size === batchSlots * 3)
        assert.equal(server.dropped + client.dropped, 0)
      })
    }

    it('gives a datagram that does not fit the length 0', async () => {
      stand = start()
      const { client } = openPair(stand, '127.0.0.1')
      const large = new Batch(stand.sys, 1024)
      const small = new Batch(stand.sys, 512)
      const lengths: number[] = []
      stand.reactor.run((now, ready) => {
        for (let i = 0; i < ready.listenerCount; i++) {
          const count = (ready.listeners[i] as DatagramPort).receive(small)
          for (let slot = 0; slot < count; slot++) lengths.push(small.length(slot))
        }
        return now + 1
      })
      for (const [slot, length] of [512, 513, 1024, 12].entries()) large.setLength(slot, length)
      client.send(large, 0, 4)
      await until(stand, () => lengths.length === 4)
      assert.deepEqual(lengths.sort(ascending), [0, 0, 12, 512])
    })

    it('notes ECONNREFUSED of a closed port, and what is sent after it arrives', async () => {
      stand = start()
      const { at, server, client } = openPair(stand, '127.0.0.1')
      const { outbox, inbox } = batches(stand)
      let got = 0
      server.close()
      await stand.step()
      stand.reactor.run((now, ready) => {
        for (let i = 0; i < ready.upstreamCount; i++) (ready.upstreams[i] as DatagramPort).receive(inbox)
        for (let i = 0; i < ready.listenerCount; i++) got += (ready.listeners[i] as DatagramPort).receive(inbox)
        return now + 1
      })
      sendOne(outbox, client)
      await until(stand, () => client.lastError !== 0)
      assert.equal(client.lastError, ECONNREFUSED)
      client.lastError = 0
      stand.reactor.openListener({ id: 1, endpoint: at, fd: -1 })
      sendOne(outbox, client)
      await until(stand, () => got === 1)
      assert.equal(client.lastError, 0)
    })

    it('says when a kick came, once', async () => {
      stand = start()
      let kicked = 0
      let turns = 0
      stand.reactor.run((now, ready) => {
        if (ready.kicked) kicked++
        turns++
        return now + 1
      })
      await until(stand, () => turns > 2)
      assert.equal(kicked, 0)
      stand.kick()
      await until(stand, () => kicked > 0)
      const before = turns
      await until(stand, () => turns > before + 2)
      assert.equal(kicked, 1)
    })

    it('calls the turn at its deadline, not before', async () => {
      stand = start()
      const called: number[] = []
      stand.reactor.run((now) => {
        called.push(now)
        return (called[0] as number) + 30 * called.length
      })
      await until(stand, () => called.length >= 4)
      const first = called[0] as number
      for (const [i, at] of called.entries()) assert.ok(at >= first + 30 * i - 1, `turn ${i} came at ${at - first} ms`)
    })

    it('calls no turn after stop', async () => {
      stand = start()
      let turns = 0
      stand.reactor.run((now) => {
        if (++turns === 3) stand.reactor.stop()
        return now + 1
      })
      await until(stand, () => turns >= 3)
      for (let i = 0; i < 5; i++) await stand.step()
      assert.equal(turns, 3)
    })

    it('says in a sentence that a port is in use, and undefined for an upstream port', () => {
      stand = start()
      const { at, client, localPort } = openPair(stand, '127.0.0.1')
      assert.throws(() => stand.reactor.openListener({ id: 2, endpoint: at, fd: -1 }), /in use/)
      assert.equal(stand.reactor.openUpstream(at, localPort), undefined)
      client.close()
    })

    it('takes nothing more through a closed port', () => {
      stand = start()
      const { client } = openPair(stand, '127.0.0.1')
      const { outbox, inbox } = batches(stand)
      client.close()
      client.close()
      assert.equal(client.receive(inbox), 0)
      sendOne(outbox, client)
      assert.equal(client.dropped, 1)
    })

    it('puts each of the ready listeners first in its turn', async () => {
      stand = start()
      const one = openPair(stand, '127.0.0.1')
      const two = openPair(stand, '127.0.0.1')
      const { outbox, inbox } = batches(stand)
      const firsts = new Set<DatagramPort>()
      stand.reactor.run((now, ready) => {
        if (ready.listenerCount === 2) firsts.add(ready.listeners[0] as DatagramPort)
        // Until both were first nobody receives, so both stay ready: that is what level-triggered means.
        if (firsts.size < 2) return now + 1
        for (let i = 0; i < ready.listenerCount; i++) (ready.listeners[i] as DatagramPort).receive(inbox)
        return now + 1
      })
      sendOne(outbox, one.client)
      sendOne(outbox, two.client)
      await until(stand, () => firsts.size === 2)
    })
  })
}

/** A listener, and an upstream port connected to it: both ends in one reactor. */
function openPair(stand: Stand, family: '127.0.0.1' | '::1') {
  for (let attempt = 0; ; attempt++) {
    const at = { address: addressFromNode(family), port: randomInt(12_000, 32_000), scope: 0 }
    const localPort = randomInt(12_000, 32_000)
    try {
      const server = stand.reactor.openListener({ id: 1, endpoint: at, fd: -1 })
      const client = stand.reactor.openUpstream(at, localPort)
      if (client === undefined) throw new Error(`no port ${localPort}`)
      return { server, client, at, localPort }
    } catch (error) {
      if (attempt === 20) throw error
    }
  }
}

function batches(stand: Stand): { outbox: Outbox; inbox: Batch } {
  return { outbox: new Outbox(new Batch(stand.sys, 512)), inbox: new Batch(stand.sys, 512) }
}

function sendOne(outbox: Outbox, port: DatagramPort): void {
  outbox.take(port)
  outbox.commit(12)
  outbox.flush()
}

function echo(port: DatagramPort, inbox: Batch, outbox: Outbox): void {
  const count = port.receive(inbox)
  for (let slot = 0; slot < count; slot++) {
    const to = outbox.take(port)
    const { batch } = outbox
    const at = inbox.dataAt(slot)
    batch.bytes.set(inbox.bytes.subarray(at, at + inbox.length(slot)), batch.dataAt(to))
    batch.bytes.set(inbox.bytes.subarray(inbox.peerAt(slot), inbox.peerAt(slot) + 32), batch.peerAt(to))
    outbox.commit(inbox.length(slot))
  }
  outbox.flush()
}

async function until(stand: Stand, done: () => boolean): Promise<void> {
  const end = performance.now() + 3000
  while (!done()) {
    assert.ok(performance.now() < end, 'it happens within 3 s')
    await stand.step()
  }
}

function ascending(a: number, b: number): number {
  return a - b
}
