/** A steady stream of questions at a given pace, over UDP or TCP, that counts what is answered. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Endpoint, framed } from '../support/client.ts'
import { query } from '../support/message.ts'

export interface Flood {
  sent: number
  answered: number
  /** The longest time without an answer, in ms, between the first and the last. */
  longestGapMs: number
  /** TCP: connections that ended before we ended them. */
  broken: number
}

const tickMs = 2

/** Sends for `forMs` at `perSecond`, then waits for late answers. */
export async function floodUdp(to: Endpoint, perSecond: number, forMs: number, clients = 1): Promise<Flood> {
  const flood: Flood = { sent: 0, answered: 0, longestGapMs: 0, broken: 0 }
  const note = noteAnswers(flood)
  const sockets = Array.from({ length: clients }, () => createSocket('udp4'))
  for (const socket of sockets) {
    socket.bind()
    await once(socket, 'listening')
    socket.setRecvBufferSize(2 ** 21)
    socket.on('message', () => note(1))
  }
  await paced(perSecond, forMs, (id) => {
    flood.sent++
    sockets[id % clients]?.send(query(`n${id % 100}.test`, 'A', { id: id & 0xffff }), to.port, to.address)
  })
  await sleep(700)
  for (const socket of sockets) socket.close()
  return flood
}

/** The same over a few connections, pipelined; one that breaks is opened again, what it held counts as unanswered. */
export async function floodTcp(to: Endpoint, perSecond: number, forMs: number, connections = 4): Promise<Flood> {
  const flood: Flood = { sent: 0, answered: 0, longestGapMs: 0, broken: 0 }
  const note = noteAnswers(flood)
  let ending = false
  const sockets: Socket[] = []
  const open = (place: number): void => {
    const socket = connect(to.port, to.address).setNoDelay()
    let rest = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      let at = 0
      let count = 0
      for (; rest.length - at >= 2 && rest.length - at - 2 >= rest.readUInt16BE(at); count++)
        at += 2 + rest.readUInt16BE(at)
      rest = rest.subarray(at)
      note(count)
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      if (ending) return
      flood.broken++
      setTimeout(() => open(place), 5)
    })
    sockets[place] = socket
  }
  for (let place = 0; place < connections; place++) open(place)
  await sleep(100)
  await paced(perSecond, forMs, (id) => {
    const socket = sockets[id % connections] as Socket
    if (socket.readyState !== 'open') return
    flood.sent++
    socket.write(framed(query(`n${id % 100}.test`, 'A', { id: id & 0xffff })))
  })
  await sleep(700)
  ending = true
  for (const socket of sockets) socket.destroy()
  return flood
}

async function paced(perSecond: number, forMs: number, send: (id: number) => void): Promise<void> {
  const start = performance.now()
  for (let id = 0; ; ) {
    const elapsed = performance.now() - start
    if (elapsed >= forMs) return
    for (const due = (elapsed * perSecond) / 1000; id < due; id++) send(id)
    await sleep(tickMs)
  }
}

function noteAnswers(flood: Flood): (count: number) => void {
  let last = 0
  return (count) => {
    const now = performance.now()
    if (flood.answered > 0) flood.longestGapMs = Math.max(flood.longestGapMs, now - last)
    last = now
    flood.answered += count
  }
}
