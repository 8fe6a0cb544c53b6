import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicClock } from '../base/clock.ts'
import { secureRandom } from '../base/random.ts'
import { upstreamPlace } from '../link/packed.ts'
import type { PlanData } from '../link/plan-data.ts'
import { badAnswers } from '../metrics/catalog.ts'
import { looseCounters } from '../metrics/counters.ts'
import { localEndpoint, openStreamSocket } from '../net/sockets.ts'
import { openSys } from '../net/sys.ts'
import { readU16, writeU16 } from '../wire/header.ts'
import { writeQuestion } from '../wire/outgoing.ts'
import { Dial } from './dial.ts'
import { Frames } from './frames.ts'
import { defaultLimits, type StreamLimits } from './limits.ts'

/** What a scripted upstream does with a message; connections are counted from 0. */
type Script = (message: Buffer, send: (...messages: Uint8Array[]) => void, socket: Socket, connection: number) => void

class Upstream {
  readonly asked: Buffer[] = []
  readonly sockets: Socket[] = []
  private readonly server: Server

  constructor(script: Script) {
    this.server = createServer({ noDelay: true }, (socket) => {
      const connection = this.sockets.push(socket) - 1
      const frames = new Frames()
      socket.on('error', () => {})
      const send = (...messages: Uint8Array[]) =>
        void socket.write(
          Buffer.concat(messages.flatMap((one) => [Buffer.from([one.length >> 8, one.length & 255]), one])),
        )
      socket.on('data', (chunk) => {
        frames.push(chunk)
        while (frames.next()) {
          const message = Buffer.from(frames.bytes.slice(frames.at, frames.at + frames.length))
          this.asked.push(message)
          script(message, send, socket, connection)
        }
      })
    })
  }

  async listen(port = 0): Promise<number> {
    this.server.listen(port, '127.0.0.1')
    await once(this.server, 'listening')
    return (this.server.address() as { port: number }).port
  }

  close(): void {
    this.server.close()
    for (const socket of this.sockets) socket.destroy()
  }
}

/** Ends of questions, by slot. */
class Ends {
  readonly bySlot = new Map<number, Buffer>()
  count = 0

  answer(slot: number, _generation: number, bytes: Uint8Array, at: number, length: number): void {
    assert.ok(!this.bySlot.has(slot), `question ${slot} ended twice`)
    this.bySlot.set(slot, Buffer.from(bytes.slice(at, at + length)))
    this.count++
  }

  failed(slot: number): boolean {
    return this.bySlot.get(slot)?.length === 0
  }
}

function plan(ports: readonly number[], generation = 1, giveUpAfterMs = 2000): PlanData {
  const upstreams = ports.map((port) => ({
    name: `tcp://127.0.0.1:${port}`,
    transport: 'tcp' as const,
    address: new Uint8Array([127, 0, 0, 1]),
    port,
    scope: 0,
    isPrivate: true,
  }))
  return { generation, upstreams, forward: { giveUpAfterMs } } as unknown as PlanData
}

/** `\x01a\x05label\x00`: a name that holds the slot. */
function nameOf(slot: number): Uint8Array {
  const digits = String(slot)
  return new Uint8Array([digits.length, ...Buffer.from(digits), 4, ...Buffer.from('test'), 0])
}

const shardId = 0x1234

interface Scene {
  dial: Dial
  ends: Ends
  counters: ReturnType<typeof looseCounters>
  ask(slot: number, upstream?: number, generation?: number): void
}

function scene(t: TestContext, setUp: PlanData, limits: Partial<StreamLimits> = {}): Scene {
  const counters = looseCounters()
  const clock = monotonicClock()
  const said: string[] = []
  const dial = new Dial({
    clock,
    random: secureRandom(),
    counters,
    limits: { ...defaultLimits, ...limits },
    say: (_level, sentence) => said.push(sentence),
  })
  dial.setPlan(setUp)
  dial.commitPlan(setUp.generation)
  const timer = setInterval(() => dial.sweep(clock.now()), 20)
  t.after(() => {
    clearInterval(timer)
    dial.close()
  })
  const ends = new Ends()
  const bytes = new Uint8Array(600)
  let isSettling = false
  return {
    dial,
    ends,
    counters,
    ask: (slot, upstream = 0, generation = 1) => {
      const name = nameOf(slot)
      const length = writeQuestion(bytes, 7, shardId, 0x0100, name, name.length, 1, 0, true)
      dial.ask(ends, upstreamPlace(generation, upstream), slot, 1, bytes, 7, length)
      if (!isSettling) {
        isSettling = true
        queueMicrotask(() => {
          isSettling = false
          dial.settle()
        })
      }
    },
  }
}

/** The message as its own answer: QR set, rcode 0, no records. */
function answered(message: Buffer): Buffer {
  const answer = Buffer.from(message)
  answer.writeUInt16BE(0x8180, 2)
  return answer
}

async function upstream(t: TestContext, script: Script): Promise<{ server: Upstream; port: number }> {
  const server = new Upstream(script)
  t.after(() => server.close())
  return { server, port: await server.listen() }
}

async function until(holds: () => boolean, what: string, withinMs = 3000): Promise<void> {
  for (const end = Date.now() + withinMs; !holds(); await sleep(5)) {
    if (Date.now() > end) assert.fail(`in ${withinMs} ms not: ${what}`)
  }
}

test('pipelined on one connection, answered out of order, under ids of its own and back under the id of the shard', async (t) => {
  const waiting: Buffer[] = []
  const { server, port } = await upstream(t, (message, send) => {
    waiting.push(message)
    if (waiting.length === 50) send(...waiting.toReversed().map(answered))
  })
  const { ask, ends } = scene(t, plan([port]))
  for (let slot = 0; slot < 50; slot++) ask(slot)
  await until(() => ends.count === 50, 'all answered')
  assert.equal(server.sockets.length, 1)
  const ids = server.asked.map((message) => readU16(message, 0))
  assert.equal(new Set(ids).size, 50)
  assert.ok(ids.filter((id) => id === shardId).length <= 1)
  for (const [slot, answer] of ends.bySlot) {
    assert.equal(readU16(answer, 0), shardId)
    assert.ok(answer.includes(Buffer.from(nameOf(slot))), `answer of question ${slot}`)
  }
})

test('70,000 questions on one connection, none of whose ids is used twice at a time', async (t) => {
  const pending = new Map<number, Buffer>()
  let doubled = 0
  const { server, port } = await upstream(t, (message, send) => {
    const id = readU16(message, 0)
    if (pending.has(id)) doubled++
    if (pending.size === 0) {
      setImmediate(() => {
        send(...pending.values())
        pending.clear()
      })
    }
    pending.set(id, answered(message))
  })
  const limits = { upstreamConnectionsMax: 1 }
  const { ask, ends } = scene(t, plan([port]), limits)
  for (let slot = 0; slot < 70_000; slot++) {
    ask(slot)
    if (slot % 500 === 499) await until(() => ends.count === slot + 1, `${slot} answered`)
  }
  assert.equal(server.sockets.length, 1)
  assert.equal(doubled, 0)
  assert.ok([...ends.bySlot.values()].every((answer) => answer.length > 12))
})

test('what answers nothing we asked is ignored and counted, and the true answer still wins', async (t) => {
  const other = (message: Buffer) => {
    const wrong = answered(message)
    wrong[13] = (wrong[13] as number) ^ 1
    return wrong
  }
  const otherId = (message: Buffer) => {
    writeU16(message, 0, readU16(message, 0) ^ 1)
    return message
  }
  const cases: [string, (message: Buffer) => Buffer, keyof typeof badAnswers][] = [
    ['wrong id', otherId, 'id'],
    ['a query', (message) => message, 'query'],
    ['another question', other, 'question'],
    ['eleven octets', (message) => message.subarray(0, 11), 'short'],
    ['nothing', () => Buffer.alloc(0), 'short'],
    ['cut off', (message) => message.subarray(0, message.length - 3), 'malformed'],
  ]
  for (const [what, spoil, reason] of cases) {
    const { port } = await upstream(t, (message, send) =>
      send(spoil(answeredUnlessQuery(message, what)), answered(message)),
    )
    const { ask, ends, counters } = scene(t, plan([port]))
    ask(1)
    await until(() => ends.count === 1, what)
    assert.deepEqual(ends.bySlot.get(1)?.subarray(12, 14 + 1), Buffer.from(nameOf(1).subarray(0, 3)), what)
    assert.equal(counters.lane[badAnswers[reason]], 1, what)
  }

  function answeredUnlessQuery(message: Buffer, what: string): Buffer {
    return what === 'a query' ? Buffer.from(message) : answered(message)
  }
})

test('a server that only sends rubbish loses its connection, and the question fails', async (t) => {
  const { port } = await upstream(t, (_message, send) => send(...Array.from({ length: 40 }, () => Buffer.alloc(12))))
  const { ask, ends } = scene(t, plan([port]))
  ask(1)
  await until(() => ends.failed(1), 'failed')
})

test('closed under a question: a fresh connection fails at once, a standing one is replaced once', async (t) => {
  const start = Date.now()
  const { server, port } = await upstream(t, (message, send, socket, connection) => {
    if (connection === 1 && server.asked.length === 2) send(answered(message))
    else if (connection === 2) send(answered(message))
    else socket.destroy()
  })
  const { ask, ends } = scene(t, plan([port]))
  ask(1)
  await until(() => ends.failed(1), 'the first one failed')
  assert.ok(Date.now() - start < 500, 'at once')
  ask(2)
  await until(() => ends.count === 2, 'the second one is answered on a new connection')
  assert.equal(ends.failed(2), false)
  ask(3)
  await until(() => ends.count === 3, 'the third one was asked again')
  assert.equal(ends.failed(3), false)
  assert.equal(server.sockets.length, 3)
})

test('a server that closes on every question fails each of them in bounded tries', async (t) => {
  const { server, port } = await upstream(t, (message, send, socket) => {
    if (server.asked.length === 1) send(answered(message))
    else socket.destroy()
  })
  const { ask, ends } = scene(t, plan([port]))
  ask(1)
  await until(() => ends.count === 1, 'answered')
  for (let slot = 2; slot < 6; slot++) ask(slot)
  await until(() => ends.count === 5, 'all ended')
  for (let slot = 2; slot < 6; slot++) assert.ok(ends.failed(slot))
  assert.ok(server.sockets.length <= 3, `${server.sockets.length} connections`)
})

/** An upstream that answers `takes` questions of a connection, each after 10 ms, and then closes it. */
function closingAfter(takes: number, close: (socket: Socket) => void): Script {
  const heard = new Map<number, number>()
  return (message, send, socket, connection) => {
    const count = (heard.get(connection) ?? 0) + 1
    heard.set(connection, count)
    if (count > takes) return
    setTimeout(() => {
      send(answered(message))
      if (count === takes) setTimeout(() => close(socket), 5)
    }, 10)
  }
}

test('an upstream that closes after so many questions of a connection: all are answered, and it is learned', async (t) => {
  const closes = {
    end: (socket: Socket) => void socket.end(),
    reset: (socket: Socket) => void socket.resetAndDestroy(),
  }
  for (const [how, close] of Object.entries(closes)) {
    for (const takes of [1, 4, 29]) {
      const what = `${takes} questions, then ${how}`
      const { server, port } = await upstream(t, closingAfter(takes, close))
      const { ask, ends } = scene(t, plan([port]))
      for (let slot = 0; slot < 30; slot++) ask(slot)
      await until(() => ends.count === 30, what)
      for (let slot = 0; slot < 30; slot++) assert.equal(ends.failed(slot), false, `${what}: question ${slot}`)
      assert.ok(server.asked.length < 60, `${what}: 30 questions were sent ${server.asked.length} times`)
      const [asked, connections] = [server.asked.length, server.sockets.length]
      for (let slot = 30; slot < 60; slot++) ask(slot)
      await until(() => ends.count === 60, `${what}, once more`)
      assert.ok([...ends.bySlot.values()].every((answer) => answer.length > 0))
      // A connection that waits for its end may get one more question in vain before it is known to be at its end.
      assert.ok(server.asked.length - asked <= 31, `${what}: 30 more were sent ${server.asked.length - asked} times`)
      assert.ok(server.sockets.length - connections <= Math.ceil(30 / takes) + 1, `${what}: connections`)
    }
  }
})

test('one question a connection: only so many connections at a time, and who waits longer than its deadline fails', async (t) => {
  let most = 0
  const open = new Set<Socket>()
  const { port } = await upstream(t, (message, send, socket) => {
    if (open.has(socket)) return
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    most = Math.max(most, open.size)
    setTimeout(() => {
      send(answered(message))
      socket.end()
    }, 50)
  })
  const { ask, ends, dial } = scene(t, plan([port], 1, 500), { upstreamConnectionsMax: 2 })
  const start = Date.now()
  for (let slot = 0; slot < 100; slot++) ask(slot)
  await until(() => ends.count === 100, 'all ended')
  assert.ok(Date.now() - start < 900, `after ${Date.now() - start} ms`)
  const failed = [...ends.bySlot.keys()].filter((slot) => ends.failed(slot)).length
  assert.ok(failed > 50 && failed < 90, `${failed} failed`)
  assert.ok(most <= 4, `${most} connections at a time`)
  await until(() => dial.isEmpty, 'no connection left')
})

test('one question a connection, and then none: those who wait fail too, in bounded tries', async (t) => {
  const { server, port } = await upstream(t, (message, send, socket, connection) => {
    if (connection === 0) closeAfterOne(message, send, socket, connection)
    else socket.destroy()
  })
  const closeAfterOne = closingAfter(1, (socket) => void socket.end())
  const { ask, ends } = scene(t, plan([port]))
  const start = Date.now()
  for (let slot = 0; slot < 200; slot++) ask(slot)
  await until(() => ends.count === 200, 'all ended')
  assert.ok(Date.now() - start < 500, 'at once')
  assert.ok(server.sockets.length <= 20, `${server.sockets.length} connections`)
})

test('an upstream that closed early once is trusted again when its connections stay open', async (t) => {
  const closeAfterOne = closingAfter(1, (socket) => void socket.end())
  const { server, port } = await upstream(t, (message, send, socket, connection) => {
    if (connection === 0) closeAfterOne(message, send, socket, connection)
    else send(answered(message))
  })
  const { ask, ends } = scene(t, plan([port]))
  for (let round = 0; round < 20; round++) {
    for (let slot = 0; slot < 20; slot++) ask(round * 20 + slot)
    await until(() => ends.count === (round + 1) * 20, `round ${round} answered`)
  }
  assert.ok([...ends.bySlot.values()].every((answer) => answer.length > 0))
  assert.ok(server.sockets.length <= 9, `${server.sockets.length} connections for 400 questions`)
})

test('a silent server: questions fail at their deadline and the connection goes with them', async (t) => {
  const { server, port } = await upstream(t, () => {})
  const { ask, ends, dial } = scene(t, plan([port], 1, 250))
  const start = Date.now()
  ask(1)
  ask(2)
  await until(() => ends.count === 2, 'both failed')
  const took = Date.now() - start
  assert.ok(took >= 240 && took < 800, `after ${took} ms`)
  await until(() => dial.isEmpty, 'no connection left')
  assert.equal(server.sockets.length, 1)
})

test('a server that trickles an answer without end: its connection goes with the question, and the next one is answered', async (t) => {
  const { server, port } = await upstream(t, (message, send, socket, connection) => {
    if (connection > 0) return send(answered(message))
    socket.write(Buffer.from([2, 0]))
    const trickle = setInterval(() => void socket.write(Buffer.alloc(1)), 20)
    socket.on('close', () => clearInterval(trickle))
  })
  const { ask, ends, dial } = scene(t, plan([port], 1, 250))
  ask(1)
  await until(() => ends.failed(1), 'failed at its deadline')
  await until(() => dial.isEmpty, 'no connection left', 1000)
  ask(2)
  await until(() => ends.count === 2, 'the second one ended')
  assert.deepEqual([ends.failed(2), server.sockets.length], [false, 2])
})

test('a slow answer does not cost its connection where others come meanwhile', async (t) => {
  const { server, port } = await upstream(t, (message, send) => {
    if (server.asked.length > 1) send(answered(message))
  })
  const { ask, ends } = scene(t, plan([port], 1, 250))
  ask(1)
  ask(2)
  await until(() => ends.count === 2, 'one answered, one failed')
  assert.deepEqual([ends.failed(1), ends.failed(2)], [true, false])
  await sleep(100)
  ask(3)
  await until(() => ends.count === 3, 'answered')
  assert.equal(server.sockets.length, 1)
})

test('nobody listens: failed at once, and for a moment nobody tries again', async (t) => {
  const { server, port } = await upstream(t, (message, send) => send(answered(message)))
  server.close()
  await sleep(20)
  const { ask, ends, dial } = scene(t, plan([port]), { upstreamBackoffMs: 150 })
  ask(1)
  await until(() => ends.failed(1), 'refused')
  ask(2)
  assert.ok(ends.failed(2), 'in the same turn')
  assert.ok(dial.isEmpty)
  const back = new Upstream((message, send) => send(answered(message)))
  t.after(() => back.close())
  await back.listen(port)
  await sleep(160)
  ask(3)
  await until(() => ends.count === 3, 'it is back')
  assert.equal(ends.failed(3), false)
})

test('a server that does not accept: the connection times out', async (t) => {
  const sys = openSys()
  if (typeof sys === 'string') return t.skip(sys)
  const fd = openStreamSocket(sys, { address: new Uint8Array([127, 0, 0, 1]), port: 0, scope: 0 }) as number
  t.after(() => sys.close(fd))
  // With a backlog of 0 one connection fits; the kernel drops the SYN of the next.
  sys.listen(fd, 0)
  const { port } = localEndpoint(sys, fd)
  const fillers = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  t.after(() => fillers.map((socket) => socket.on('error', () => {}).destroy()))
  await sleep(50)
  const { ask, ends, dial } = scene(t, plan([port]), { upstreamConnectMs: 200 })
  const start = Date.now()
  ask(1)
  await until(() => ends.failed(1), 'failed')
  const took = Date.now() - start
  assert.ok(took >= 190 && took < 800, `after ${took} ms`)
  assert.ok(dial.isEmpty)
})

test('connections: idle ones close, deep pipelines open more, worn-out ones are replaced', async (t) => {
  let isHolding = true
  const { server, port } = await upstream(t, (message, send) => {
    if (!isHolding) send(answered(message))
    else setTimeout(() => send(answered(message)), 100)
  })
  const limits = { upstreamPipelineDepth: 4, upstreamConnectionsMax: 3, upstreamQuestionsMax: 10, upstreamIdleMs: 200 }
  const { ask, ends, dial } = scene(t, plan([port]), limits)
  for (let slot = 0; slot < 20; slot++) ask(slot)
  await until(() => ends.count === 20, 'all answered')
  assert.equal(server.sockets.length, 3)
  isHolding = false
  for (let slot = 20; slot < 50; slot++) {
    ask(slot)
    await until(() => ends.count === slot + 1, 'answered')
  }
  assert.ok([...ends.bySlot.values()].every((answer) => answer.length > 0))
  assert.ok(server.sockets.length >= 5, `${server.sockets.length} connections for 50 questions, 10 each`)
  await until(() => dial.isEmpty, 'all closed when idle')
})

test('during a reload each question goes to the upstream of its own plan', async (t) => {
  const [one, two] = [await upstream(t, reply), await upstream(t, reply)]
  const { dial, ask, ends } = scene(t, plan([one.port], 1))
  dial.setPlan(plan([two.port, one.port], 2))
  ask(1, 0, 1)
  ask(2, 0, 2)
  ask(3, 1, 2)
  await until(() => ends.count === 3, 'all answered')
  assert.deepEqual([one.server.asked.length, two.server.asked.length], [2, 1])
  assert.equal(one.server.sockets.length, 1, 'the connection is shared by both plans')
  dial.commitPlan(2)
  ask(4, 0, 1)
  await until(() => ends.count === 4, 'the plan before is still known')
  assert.equal(ends.failed(4), false)
  dial.setPlan(plan([two.port], 3))
  dial.commitPlan(3)
  ask(5, 0, 1)
  ask(6, 9, 3)
  assert.ok(ends.failed(5) && ends.failed(6), 'an unknown plan or upstream fails at once')

  function reply(message: Buffer, send: (...messages: Uint8Array[]) => void): void {
    send(answered(message))
  }
})
