/** The streams worker's thread: Node's loop, with the hub on it. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { assert } from '../base/assert.ts'
import { monotonicClock } from '../base/clock.ts'
import { secureRandom } from '../base/random.ts'
import type { FromWorker, ToStreams } from '../link/messages.ts'
import { Counters, laneOf } from '../metrics/counters.ts'
import { openSys } from '../net/sys.ts'
import { StreamsHub } from '../streams/hub.ts'
import { defaultLimits } from '../streams/limits.ts'
import { Control } from './control.ts'
import type { WorkerStart } from './shard-data.ts'
import { threadId } from './thread-time.ts'

/** How often it shows that its loop turns: often enough to be seen between two looks of main. */
const beatEveryMs = 200

const start = workerData as WorkerStart
const main = parentPort as MessagePort
const control = new Control(start.control)
const sys = start.engine === 'epoll' ? openSys() : undefined
assert(typeof sys !== 'string', 'main opened libc before, so this thread can')
const hub = new StreamsHub({
  counters: new Counters(laneOf(start.lanes, start.lane)),
  clock: monotonicClock(),
  random: secureRandom(),
  sys,
  limits: defaultLimits,
  say: (level, sentence) => tell({ kind: 'event', event: { kind: 'note', level, sentence } }),
})

main.on('message', (order: ToStreams) => void obey(order))
setInterval(() => control.tick(), beatEveryMs).unref()
tell({ kind: 'started', tid: threadId(), engine: 'streams' })

async function obey(order: ToStreams): Promise<void> {
  switch (order.kind) {
    case 'prepare': {
      const { generation } = order.plan
      hub.setPlan(order.plan)
      return tell({ kind: 'prepared', generation, problem: undefined })
    }
    case 'commit':
      hub.commitPlan(order.generation)
      return tell({ kind: 'committed', generation: order.generation })
    case 'abandon':
      // The next plan that is prepared takes the place of this one.
      return
    case 'listeners':
      return tell({ kind: 'listening', problems: await hub.setListeners(order.listeners) })
    case 'shard':
      return hub.setShard(order.shard, order.port, order.kickFd)
    case 'drain':
      await hub.drain()
      return tell({ kind: 'drained' })
    case 'stop':
      hub.close()
      return main.close()
    case 'crash':
      throw new Error('a drill: told to crash')
  }
}

function tell(message: FromWorker): void {
  main.postMessage(message)
}
