/** A shard in its smallest form: an echo on one listener in a worker thread, on the epoll reactor. */
import { parentPort, workerData } from 'node:worker_threads'
import { monotonicClock } from '../../src/base/clock.ts'
import { Batch } from '../../src/net/batch.ts'
import { Outbox } from '../../src/net/outbox.ts'
import { createEpollReactor } from '../../src/net/reactor-epoll.ts'
import { openSys } from '../../src/net/sys.ts'

export interface EpollWorkerData {
  readonly listenFd: number
  readonly kickFd: number
  readonly stop: Int32Array
  readonly fds: Int32Array
  /** Throw at the first kick. */
  readonly crash: boolean
}

const data = workerData as EpollWorkerData
const sys = openSys()
if (typeof sys === 'string') throw new Error(sys)
const reactor = createEpollReactor({ ...data, sys, clock: monotonicClock() })
reactor.openListener({ id: 0, endpoint: { address: new Uint8Array(4), port: 0, scope: 0 }, fd: data.listenFd })
const inbox = new Batch(sys, 512)
const outbox = new Outbox(new Batch(sys, 512))
parentPort?.postMessage('started')

reactor.run((_now, ready) => {
  if (ready.kicked && data.crash) throw new Error('a drill')
  for (let i = 0; i < ready.listenerCount; i++) {
    const port = ready.listeners[i]
    const count = port?.receive(inbox) ?? 0
    for (let slot = 0; port !== undefined && slot < count; slot++) {
      const { batch } = outbox
      const to = outbox.take(port)
      batch.bytes.set(
        inbox.bytes.subarray(inbox.dataAt(slot), inbox.dataAt(slot) + inbox.length(slot)),
        batch.dataAt(to),
      )
      batch.bytes.set(inbox.bytes.subarray(inbox.peerAt(slot), inbox.peerAt(slot) + 32), batch.peerAt(to))
      outbox.commit(inbox.length(slot))
    }
  }
  outbox.flush()
  return Infinity
})
