import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { EpollWorkerData } from '../../test/support/epoll-worker.ts'
import { monotonicClock } from '../base/clock.ts'
import { Batch, batchSlots } from './batch.ts'
import { closeLeftFds } from './fd-table.ts'
import type { DatagramPort } from './reactor.ts'
import { createEpollReactor } from './reactor-epoll.ts'
import { openDatagramSockets } from './sockets.ts'
import { ECONNREFUSED, EINTR, openSys, type Sys } from './sys.ts'

const opened = openSys()
const sys = opened as Sys
const skip = typeof opened === 'string' && opened
const loopback = { address: Uint8Array.of(127, 0, 0, 1), port: 0, scope: 0 }

describe('reactor-epoll', { skip }, () => {
  it('leaves no fd in the table after the end', async () => {
    const { reactor, fds } = stand(sys)
    const port = reactor.openListener({ id: 0, endpoint: loopback, fd: -1 })
    const upstream = reactor.openUpstream({ ...loopback, port: 9 }, 0)
    // Epoll, its alarm, and the two ports.
    assert.equal(count(fds), 4)
    upstream?.close()
    assert.equal(count(fds), 3)
    reactor.stop()
    reactor.run(() => Infinity)
    assert.equal(count(fds), 0)
    assert.equal(port.receive({} as never), 0)
  })

  it('opens no upstream port that the table has no place for', () => {
    const { reactor } = stand(sys, 3)
    assert.ok(reactor.openUpstream({ ...loopback, port: 9 }, 0))
    assert.equal(reactor.openUpstream({ ...loopback, port: 9 }, 0), undefined)
    assert.throws(() => reactor.openListener({ id: 0, endpoint: loopback, fd: -1 }), /too many sockets/)
    reactor.stop()
    reactor.run(() => Infinity)
  })

  it('reads an error off even when nobody receives, and does not spin on it', async () => {
    const { reactor } = stand(sys)
    const closed = openDatagramSockets(sys, loopback, 1)
    assert.ok(typeof closed !== 'string')
    for (const fd of closed.fds) sys.close(fd)
    const upstream = reactor.openUpstream(closed.endpoint, 0)
    assert.ok(upstream)
    const batch = new Batch(sys, 64)
    batch.setLength(0, 12)
    upstream.send(batch, 0, 1)
    let turns = 0
    let told = 0
    const start = performance.now()
    reactor.run((now, ready) => {
      turns++
      told += ready.upstreamCount
      if (performance.now() > start + 50) reactor.stop()
      return now + 10
    })
    while (performance.now() < start + 120) await immediate()
    assert.equal(told, 1)
    assert.equal(upstream.lastError, ECONNREFUSED)
    assert.ok(turns < 20, `${turns} turns in 50 ms`)
  })

  it('takes a signal for nothing ready: deadlines run', () => {
    let waits = 0
    const interrupted = { ...sys, epollWait: () => -1, errno: () => EINTR }
    const { reactor } = stand(interrupted)
    reactor.run((now, ready) => {
      assert.equal(ready.upstreamCount + ready.listenerCount, 0)
      if (++waits === 5) reactor.stop()
      return now
    })
    assert.equal(waits, 5)
  })

  it('goes back to the loop of Node once a second when busy', async () => {
    let now = 0
    const { reactor } = stand({ ...sys, epollWait: () => 1 }, 64, { now: () => now })
    let turns = 0
    reactor.run(() => {
      turns++
      now += 100
      return Infinity
    })
    // It returned, after the first turn that began a second later than it.
    assert.equal(turns, 11)
    await immediate()
    assert.equal(turns, 22)
    reactor.stop()
    await immediate()
    assert.equal(turns, 22)
  })

  it('goes back to the loop of Node when idle', async () => {
    const { reactor } = stand(sys)
    let turns = 0
    reactor.run((now) => {
      turns++
      return now + 1
    })
    assert.equal(turns, 1)
    await immediate()
    assert.equal(turns, 2)
    reactor.stop()
    await immediate()
  })

  it('does not watch a listener while datagrams pour into it, and does again when they end', async () => {
    const calls: string[] = []
    const counting = {
      ...sys,
      epollAdd: (epoll: number, fd: number, data: number) => {
        calls.push(`add ${fd}`)
        return sys.epollAdd(epoll, fd, data)
      },
      epollRemove: (epoll: number, fd: number) => {
        calls.push(`remove ${fd}`)
        return sys.epollRemove(epoll, fd)
      },
    }
    const server = openDatagramSockets(sys, loopback, 1)
    assert.ok(typeof server !== 'string')
    const [fd] = server.fds as [number]
    const { reactor } = stand(counting)
    reactor.openListener({ id: 0, endpoint: server.endpoint, fd })
    calls.length = 0
    const client = reactor.openUpstream(server.endpoint, 0)
    assert.ok(client)
    const batch = new Batch(sys, 64)
    for (let slot = 0; slot < batchSlots; slot++) batch.setLength(slot, 12)
    const [inbox, start] = [new Batch(sys, 64), performance.now()]
    let [got, idleTurns] = [0, 0]
    client.send(batch, 0, 1)
    reactor.run((_now, ready) => {
      const count = ready.listenerCount > 0 ? (ready.listeners[0] as DatagramPort).receive(inbox) : 0
      got += count
      if (count === 0) idleTurns++
      // One alone, then a batch, then another one alone.
      if (got === 1 && count === 1) client.send(batch, 0, batchSlots)
      if (got === 1 + batchSlots && count === 0 && !ready.listeners[0]?.connected) client.send(batch, 0, 1)
      if (got > 1 + batchSlots || performance.now() > start + 2000) reactor.stop()
      return Infinity
    })
    while (got <= 1 + batchSlots && performance.now() < start + 2000) await immediate()
    assert.equal(got, 2 + batchSlots)
    const ours = calls.filter((call) => call.endsWith(` ${fd}`))
    assert.deepEqual(ours.slice(0, 2), [`remove ${fd}`, `add ${fd}`])
    assert.ok(idleTurns < 10, `${idleTurns} turns with nothing to do`)
    await immediate()
    assert.equal(calls.filter((call) => call === `remove ${fd}`).length, 2)
  })

  it('closes a listener that is busy', async () => {
    const server = openDatagramSockets(sys, loopback, 1)
    assert.ok(typeof server !== 'string')
    const { reactor, fds } = stand(sys)
    const port = reactor.openListener({ id: 0, endpoint: server.endpoint, fd: server.fds[0] as number })
    const client = reactor.openUpstream(server.endpoint, 0)
    assert.ok(client)
    const batch = new Batch(sys, 64)
    for (let slot = 0; slot < batchSlots; slot++) batch.setLength(slot, 12)
    client.send(batch, 0, batchSlots)
    let turns = 0
    reactor.run((now, ready) => {
      if (turns++ > 3) reactor.stop()
      if (ready.listenerCount > 0) (ready.listeners[0] as DatagramPort).receive(batch)
      if (turns === 2) port.close()
      return now
    })
    while (turns < 5) await immediate()
    await immediate()
    assert.equal(count(fds), 0)
  })

  it('in a worker: echoes, wakes by a kick, and ends within 50 ms', async () => {
    const { worker, data, endpoint } = await startWorker(false)
    const client = createSocket('udp4')
    client.send(Buffer.from('hello'), endpoint.port, '127.0.0.1')
    const [reply] = (await once(client, 'message')) as [Buffer]
    client.close()
    assert.equal(reply.toString(), 'hello')
    // It sleeps in epoll_wait for 100 ms now; the kick ends that.
    const ended = once(worker, 'exit')
    const start = performance.now()
    Atomics.store(data.stop, 0, 1)
    sys.kick(data.kickFd)
    const [code] = await ended
    const ms = performance.now() - start
    assert.equal(code, 0)
    assert.ok(ms < 50, `${ms} ms`)
    assert.equal(count(data.fds), 0)
    sys.close(data.kickFd)
  })

  it('in a worker: what a crash leaves open is closed from the table', async () => {
    const { worker, data, endpoint } = await startWorker(true)
    const failed = once(worker, 'error')
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    sys.kick(data.kickFd)
    assert.equal(((await failed)[0] as Error).message, 'a drill')
    await ended
    // Epoll, its alarm, and the listener.
    assert.equal(count(data.fds), 3)
    assert.match(String(openDatagramSockets(sys, endpoint, 1)), /in use/)
    assert.equal(closeLeftFds(sys, data.fds), 3)
    assert.equal(count(data.fds), 0)
    const again = openDatagramSockets(sys, endpoint, 1)
    assert.ok(typeof again !== 'string')
    for (const fd of [...again.fds, data.kickFd]) sys.close(fd)
  })
})

function stand(over: Sys, cells = 64, clock = monotonicClock()) {
  const fds = new Int32Array(new SharedArrayBuffer(4 * cells))
  const stop = new Int32Array(new SharedArrayBuffer(4))
  return { fds, reactor: createEpollReactor({ sys: over, clock, stop, kickFd: -1, fds }) }
}

async function startWorker(crash: boolean) {
  const sockets = openDatagramSockets(sys, loopback, 1)
  assert.ok(typeof sockets !== 'string')
  const data: EpollWorkerData = {
    listenFd: sockets.fds[0] as number,
    kickFd: sys.eventfd(),
    stop: new Int32Array(new SharedArrayBuffer(4)),
    fds: new Int32Array(new SharedArrayBuffer(4 * 64)),
    crash,
  }
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
  const worker = new Worker(new URL(`../../test/support/epoll-worker${extension}`, import.meta.url), {
    workerData: data,
  })
  await once(worker, 'message')
  return { worker, data, endpoint: sockets.endpoint }
}

function immediate(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function count(fds: Int32Array): number {
  return fds.filter((fd) => fd !== 0).length
}
