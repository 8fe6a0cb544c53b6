import { writeSync } from 'node:fs'
import { Batch } from '../../src/net/batch.ts'
import { endpointBytes } from '../../src/net/endpoint.ts'
import type { Sys } from '../../src/net/sys.ts'
import { openSys } from '../../src/net/sys.ts'
import { loopback, openSocket } from './socket.ts'
import { stubAnswer } from './stub-answer.ts'

/** A program of its own: `node stub.js PORT` answers there until it is killed, or until whoever started it is gone. */
function serve(sys: Sys, port: number): never {
  const socket = openSocket(sys, { local: loopback(port) })
  const received = new Batch(sys, slotBytes)
  const answers = new Batch(sys, slotBytes)
  const events = sys.arena(sys.epollEventBytes)
  const epoll = sys.epollCreate()
  sys.epollAdd(epoll, socket.fd, 0)
  const parent = process.ppid
  writeSync(1, 'ready\n')
  for (;;) {
    const count = socket.receive(received)
    if (count > 0) answerAll(count)
    else if (sys.epollWait(epoll, events.address, 1, idleMs) <= 0 && process.ppid !== parent) process.exit(0)
  }

  function answerAll(count: number): void {
    let out = 0
    for (let slot = 0; slot < count; slot++) {
      const length = stubAnswer(
        received.bytes,
        received.dataAt(slot),
        received.length(slot),
        answers.bytes,
        answers.dataAt(out),
      )
      if (length === 0) continue
      answers.setLength(out, length)
      const peer = received.peerAt(slot)
      for (let i = 0; i < endpointBytes; i++)
        answers.bytes[answers.peerAt(out) + i] = received.bytes[peer + i] as number
      out++
    }
    socket.send(answers, out, 'peer')
  }
}

const slotBytes = 1024
const idleMs = 1000

const sys = openSys()
if (typeof sys === 'string') throw new Error(sys)
serve(sys, Number(process.argv[2]))
