/**
 * A shard's thread, from its first line to its loop. Nothing here or in what it imports is asynchronous (reactor-node apart): on the epoll
 * engine the thread comes back to Node's loop once a second at most, so a promise would not resolve and a timer not fire.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { assert } from '../base/assert.ts'
import { monotonicClock } from '../base/clock.ts'
import { secureRandom } from '../base/random.ts'
import type { Plan } from '../engine/plan.ts'
import { ShardEngine } from '../engine/shard-engine.ts'
import type { FromWorker, ToShard } from '../link/messages.ts'
import { Counters, laneOf } from '../metrics/counters.ts'
import { endpointText } from '../net/endpoint-text.ts'
import type { ListenerSocket } from '../net/reactor.ts'
import { createEpollReactor } from '../net/reactor-epoll.ts'
import { createNodeReactor } from '../net/reactor-node.ts'
import { openSys } from '../net/sys.ts'
import { LoopBoard } from '../upstream/loop-board.ts'
import { Control } from './control.ts'
import { EventTap } from './event-tap.ts'
import type { ShardStart } from './shard-data.ts'
import { threadId } from './thread-time.ts'

const start = workerData as ShardStart
const main = parentPort as MessagePort
const control = new Control(start.control)
const clock = monotonicClock()
const sys = start.engine === 'epoll' ? openSys() : undefined
assert(typeof sys !== 'string', 'main opened libc before, so a shard can')
const node = sys === undefined ? createNodeReactor({ clock, stop: control.stopFlag }) : undefined
const reactor =
  sys === undefined
    ? (node as NonNullable<typeof node>)
    : createEpollReactor({ sys, clock, stop: control.stopFlag, kickFd: start.kickFd, fds: new Int32Array(start.fds) })

let shared: Readonly<Record<string, SharedArrayBuffer>> = {}
let shards = 1
let listeners: readonly ListenerSocket[] = []
let prepared: { readonly plan: Plan; readonly generation: number; readonly shards: number } | undefined
const events = new EventTap(clock, (event) => tell({ kind: 'event', event }))

const engine = new ShardEngine({
  reactor,
  sys,
  clock,
  random: secureRandom(),
  counters: new Counters(laneOf(start.lanes, start.lane)),
  board: new LoopBoard(start.board),
  budget: new Int32Array(start.budget),
  shard: start.shard,
  get shards() {
    return shards
  },
  hashSeed: start.hashSeed,
  shared: (key) => shared[key],
  events: (event) => events.pass(event),
  listenerName(id) {
    const listener = listeners.find((one) => one.id === id)
    return listener === undefined ? '' : endpointText(listener.endpoint)
  },
  control: takeOrders,
})

// On Node's loop messages come by event; on our own they are fetched after a kick.
if (node !== undefined) {
  main.on('message', (order: ToShard) => {
    obey(order)
    node.kick()
  })
}
tell({ kind: 'started', tid: threadId(), engine: reactor.engine })
reactor.run((now, ready) => {
  control.tick()
  return engine.turn(now, ready)
})

function takeOrders(): void {
  if (node !== undefined) return
  for (;;) {
    const received = receiveMessageOnPort(main)
    if (received === undefined) return
    obey(received.message as ToShard)
  }
}

function obey(order: ToShard): void {
  switch (order.kind) {
    case 'prepare':
      return prepare(order)
    case 'commit':
      if (prepared?.generation !== order.generation) return
      shards = prepared.shards
      engine.commit(prepared.plan)
      prepared = undefined
      return tell({ kind: 'committed', generation: order.generation })
    case 'abandon':
      if (prepared?.generation === order.generation) prepared = undefined
      return
    case 'listeners':
      listeners = order.listeners
      return tell({ kind: 'listening', problems: engine.listen(order.listeners) })
    case 'streams':
      engine.attachStreams(order.port)
      order.port && node && listenTo(order.port, (message) => engine.streamed.offer(message))
      return
    case 'peer':
      engine.attachPeer(order.shard, order.port, order.kickFd)
      node && listenTo(order.port, (message) => engine.learn(message))
      return
    case 'explain':
      return explain(order)
    case 'drain':
      engine.drain()
      return tell({ kind: 'drained' })
    case 'stop':
      return reactor.stop()
    case 'crash':
      throw new Error('a drill: told to crash')
  }
}

function prepare(order: Extract<ToShard, { kind: 'prepare' }>): void {
  const { generation } = order.plan
  shared = order.shared
  try {
    prepared = { plan: engine.prepare(order.plan), generation, shards: order.shards }
    tell({ kind: 'prepared', generation, problem: undefined })
  } catch (error) {
    tell({ kind: 'prepared', generation, problem: (error as Error).message })
  }
}

/** A mistake of ours in it costs the explanation, and no client an answer. */
function explain({ id, question }: Extract<ToShard, { kind: 'explain' }>): void {
  try {
    tell({ kind: 'explained', id, explanation: engine.explain(question), problem: '' })
  } catch (error) {
    tell({ kind: 'explained', id, explanation: undefined, problem: (error as Error).message })
  }
}

function listenTo(port: MessagePort, take: (message: ArrayBuffer) => void): void {
  port.on('message', (message: ArrayBuffer) => {
    take(message)
    node?.kick()
  })
}

function tell(message: FromWorker): void {
  main.postMessage(message)
}
