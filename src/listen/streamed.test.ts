import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import {
  ANSWER,
  Packer,
  packedBytesMax,
  peerBytes,
  placeGeneration,
  placeUpstream,
  QUERY,
  QUESTION,
  REPLY,
  Unpacker,
} from '../link/packed.ts'
import { writeEndpoint } from '../net/endpoint.ts'
import type { Query } from '../query/query.ts'
import { questionsMax, StreamedLink } from './streamed.ts'

interface Seen {
  listener: number
  connection: number
  generation: number
  client: number[]
  bytes: number[]
  receivedAt: number
}

/** A link, what came out of it on the shard's side, and the far end of its channel. */
class Scene {
  readonly served: Seen[] = []
  readonly ended: [token: number, generation: number, length: number][] = []
  readonly link: StreamedLink
  readonly packer = new Packer()
  onServe: (query: Query) => void = () => {}
  onAnswered: (token: number) => void = () => {}
  far: MessagePort

  constructor(t: TestContext) {
    this.link = new StreamedLink({
      serve: (query, now) => {
        assert.equal(query.streamed, 1)
        this.served.push({
          listener: query.listener,
          connection: query.connection,
          generation: query.connectionGeneration,
          client: [...query.client],
          bytes: [...query.bytes.subarray(query.at, query.at + query.length)],
          receivedAt: now,
        })
        this.onServe(query)
      },
      answered: (token, generation, _bytes, _at, length) => {
        this.ended.push([token, generation, length])
        this.onAnswered(token)
      },
    })
    this.far = this.attach(0)
    t.after(() => this.link.attach(undefined, 0))
  }

  attach(now: number): MessagePort {
    const { port1, port2 } = new MessageChannel()
    this.link.attach(port1, now)
    this.far = port2
    return port2
  }

  query(connection: number, bytes: readonly number[]): void {
    const peer = new Uint8Array(peerBytes)
    writeEndpoint({ address: new Uint8Array([10, 0, 0, 9]), port: 4000, scope: 0 }, peer, 0)
    const octets = new Uint8Array([...peer, ...bytes])
    this.packer.add(QUERY, 5, connection, 77, octets, 0, octets.length)
  }

  send(): void {
    const message = this.packer.take()
    this.far.postMessage(message, [message])
  }

  /** The records that left, message by message. */
  left(): { kind: number; place: number; first: number; second: number; bytes: number[] }[][] {
    const messages = []
    for (let one = receiveMessageOnPort(this.far); one !== undefined; one = receiveMessageOnPort(this.far)) {
      const unpacker = new Unpacker()
      unpacker.start(one.message as ArrayBuffer)
      const records = []
      while (unpacker.advance()) {
        const { kind, place, first, second, at, length } = unpacker
        records.push({ kind, place, first, second, bytes: [...unpacker.bytes.subarray(at, at + length)] })
      }
      messages.push(records)
    }
    return messages
  }
}

const octets = new Uint8Array([9, 8, 7, 6, 5])

test('queries come with who asked; replies leave in one message at the end of the turn', (t) => {
  const scene = new Scene(t)
  scene.onServe = (query) => {
    if (query.connection === 2) {
      scene.link.noReply(query.connection, query.connectionGeneration)
      return
    }
    const at = scene.link.openReply(query.connection, query.connectionGeneration)
    scene.link.bytes.set(octets, at)
    scene.link.closeReply(octets.length)
  }
  for (const connection of [1, 2, 3]) scene.query(connection, [connection, 0])
  scene.send()
  assert.equal(scene.link.receive(12.5), false)
  const client = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 9]
  const common = { listener: 5, generation: 77, client, receivedAt: 12.5 }
  assert.deepEqual(
    scene.served,
    [1, 2, 3].map((connection) => ({ ...common, connection, bytes: [connection, 0] })),
  )
  assert.deepEqual(scene.left(), [])
  scene.link.flush()
  scene.link.flush()
  const reply = { kind: REPLY, place: 0, second: 77 }
  assert.deepEqual(scene.left(), [
    [
      { ...reply, first: 1, bytes: [...octets] },
      { ...reply, first: 2, bytes: [] },
      { ...reply, first: 3, bytes: [...octets] },
    ],
  ])
})

test('a turn takes its share, and says that more waits', (t) => {
  const scene = new Scene(t)
  for (let i = 0; i < 600; i++) {
    scene.query(i, [1])
    if (i % 100 === 99) scene.send()
  }
  const turns: number[] = []
  for (let more = true; more; ) {
    more = scene.link.receive(1)
    turns.push(scene.served.length)
  }
  assert.deepEqual(turns, [256, 512, 600])
  scene.query(600, [1])
  scene.link.offer(scene.packer.take())
  assert.equal(scene.link.receive(1), false)
  assert.equal(scene.served.length, 601, 'a message that Node took off the port counts as well')
})

test('replies of any size and number leave in messages of bounded size', (t) => {
  const scene = new Scene(t)
  for (let i = 0; i < 40; i++) {
    const at = scene.link.openReply(i, 77)
    assert.ok(at + 65_535 <= scene.link.bytes.length)
    scene.link.bytes.fill(i, at, at + 65_535)
    scene.link.closeReply(65_535)
  }
  scene.link.flush()
  const messages = scene.left()
  assert.ok(messages.length >= (40 * 65_535) / packedBytesMax)
  assert.deepEqual(
    messages.flat().map((record) => [record.first, record.bytes.length, record.bytes[65_534]]),
    Array.from({ length: 40 }, (_, i) => [i, 65_535, i]),
  )
})

test('questions end once, by the answer to their own slot and generation', (t) => {
  const scene = new Scene(t)
  scene.link.configure(3)
  assert.equal(scene.link.ask(6, 1000, 40, octets, 1, 3), true)
  scene.link.flush()
  const [[asked]] = scene.left() as [[{ kind: number; place: number; first: number; second: number; bytes: number[] }]]
  assert.deepEqual([asked.kind, asked.bytes], [QUESTION, [8, 7, 6]])
  assert.deepEqual([placeGeneration(asked.place), placeUpstream(asked.place)], [3, 6])
  const { packer } = scene
  packer.add(ANSWER, 0, asked.first, asked.second + 1, octets, 0, 5)
  packer.add(ANSWER, 0, 0xffffffff, asked.second, octets, 0, 5)
  packer.add(ANSWER, 0, asked.first, asked.second, octets, 0, 5)
  packer.add(ANSWER, 0, asked.first, asked.second, octets, 0, 5)
  scene.send()
  scene.link.receive(1)
  assert.deepEqual(scene.ended, [[1000, 40, 5]])
  assert.equal(scene.link.open, 0)
})

test('over the credits nothing is sent', (t) => {
  const scene = new Scene(t)
  for (let i = 0; i < questionsMax; i++) assert.equal(scene.link.ask(0, i, 1, octets, 0, 5), true)
  assert.equal(scene.link.ask(0, 9999, 1, octets, 0, 5), false)
  scene.link.flush()
  const records = scene.left().flat()
  assert.equal(records.length, questionsMax)
  const first = records[0] as (typeof records)[0]
  scene.packer.add(ANSWER, 0, first.first, first.second, octets, 0, 0)
  scene.send()
  scene.link.receive(1)
  assert.deepEqual(scene.ended, [[0, 1, 0]])
  assert.equal(scene.link.ask(0, 9999, 1, octets, 0, 5), true)
})

test('a new streams worker: open questions fail at once, and may be asked again right there', (t) => {
  const scene = new Scene(t)
  for (const token of [1, 2, 3]) scene.link.ask(0, token, 5, octets, 0, 5)
  scene.query(1, [1])
  scene.send()
  scene.onAnswered = (token) => assert.equal(scene.link.ask(0, token + 100, 6, octets, 0, 5), true)
  scene.attach(2)
  assert.deepEqual(scene.ended, [
    [1, 5, 0],
    [2, 5, 0],
    [3, 5, 0],
  ])
  assert.equal(scene.link.open, 3)
  assert.equal(scene.link.receive(3), false)
  assert.equal(scene.served.length, 0, 'queries of connections that died are not served')
  scene.link.flush()
  assert.equal(scene.left().flat().length, 3, 'nothing of before is sent to the new one')
  scene.onAnswered = () => {}
  scene.link.attach(undefined, 4)
  assert.equal(scene.ended.length, 6)
  const waiting = scene.link.open
  assert.equal(scene.link.ask(0, 1, 1, octets, 0, 5), true)
  assert.equal(scene.link.open, waiting + 1)
  scene.link.noReply(1, 1)
  scene.link.flush()
  assert.equal(scene.link.receive(5), false)
  scene.attach(6)
  scene.link.flush()
  const [question, ...rest] = scene.left().flat() as { kind: number }[]
  assert.equal(question?.kind, QUESTION, 'the question went to the successor, the reply of before did not')
  assert.deepEqual(rest, [])
  assert.equal(scene.link.open, waiting + 1)
})
