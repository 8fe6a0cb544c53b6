import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import os from 'node:os'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { monotonicClock } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { Packer, peerBytes, QUERY, REPLY, Unpacker } from '../link/packed.ts'
import { gauges, streamsRefused } from '../metrics/catalog.ts'
import { looseCounters } from '../metrics/counters.ts'
import { readEndpoint } from '../net/endpoint.ts'
import { openSys, type Sys } from '../net/sys.ts'
import { Frames } from './frames.ts'
import { StreamsHub } from './hub.ts'
import { defaultLimits, type StreamLimits } from './limits.ts'

interface Asked {
  listener: number
  connection: number
  epoch: number
  peer: Uint8Array
  bytes: Uint8Array
}

/** A shard that keeps what it is asked until the test replies; `onQuery` may reply at once. */
class FakeShard {
  readonly asked: Asked[] = []
  messages = 0
  readonly far: MessagePort
  private readonly near: MessagePort
  private readonly packer = new Packer()

  constructor(onQuery?: (shard: FakeShard, asked: Asked) => void) {
    const { port1, port2 } = new MessageChannel()
    this.near = port1
    this.far = port2
    const unpacker = new Unpacker()
    port1.on('message', (message: ArrayBuffer) => {
      this.messages++
      unpacker.start(message)
      while (unpacker.advance()) {
        assert.equal(unpacker.kind, QUERY)
        const { place, first, second, bytes, at, length } = unpacker
        const asked = {
          listener: place,
          connection: first,
          epoch: second,
          peer: bytes.slice(at, at + peerBytes),
          bytes: bytes.slice(at + peerBytes, at + length),
        }
        this.asked.push(asked)
        onQuery?.(this, asked)
      }
      this.flush()
    })
  }

  reply(to: Asked, bytes: Uint8Array): void {
    if (this.packer.add(REPLY, 0, to.connection, to.epoch, bytes, 0, bytes.length)) return
    this.flush()
    this.packer.add(REPLY, 0, to.connection, to.epoch, bytes, 0, bytes.length)
  }

  flush(): void {
    if (this.packer.isEmpty) return
    const message = this.packer.take()
    this.near.postMessage(message, [message])
  }

  die(): void {
    this.near.close()
  }
}

const echo = (shard: FakeShard, asked: Asked) => shard.reply(asked, asked.bytes)

interface Scene {
  hub: StreamsHub
  counters: ReturnType<typeof looseCounters>
  port: number
  client(): Promise<Client>
}

const loopback = { address: new Uint8Array([127, 0, 0, 1]), scope: 0 }

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function scene(
  t: TestContext,
  shards: FakeShard[],
  limits: Partial<StreamLimits> = {},
  kicked?: (fd: number) => void,
): Promise<Scene> {
  const counters = looseCounters()
  const hub = new StreamsHub({
    counters,
    clock: monotonicClock(),
    random: seededRandom(7),
    sys: kicked && ({ kick: kicked } as unknown as Sys),
    limits: { ...defaultLimits, ...limits },
    say: () => {},
  })
  const port = await freePort()
  const clients: Client[] = []
  shards.forEach((shard, i) => {
    hub.setShard(i, shard.far, kicked ? 100 + i : -1)
  })
  t.after(() => {
    for (const client of clients) client.socket.destroy()
    hub.close()
    for (const shard of shards) shard.die()
  })
  assert.deepEqual(await hub.setListeners([{ id: 3, endpoint: { ...loopback, port }, fd: -1 }]), [])
  return {
    hub,
    counters,
    port,
    client: async () => {
      const client = new Client(connect(port, '127.0.0.1'))
      clients.push(client)
      await once(client.socket, 'connect')
      return client
    },
  }
}

class Client {
  readonly socket: Socket
  readonly replies: Uint8Array[] = []
  isClosed = false
  hasEnded = false
  private readonly frames = new Frames()

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('end', () => {
      this.hasEnded = true
    })
    socket.on('close', () => {
      this.isClosed = true
    })
    socket.on('data', (chunk) => {
      this.frames.push(chunk)
      while (this.frames.next()) {
        const { bytes, at, length } = this.frames
        this.replies.push(new Uint8Array(bytes.slice(at, at + length)))
      }
    })
  }

  send(...messages: Uint8Array[]): void {
    this.socket.write(Buffer.concat(messages.flatMap((one) => [Buffer.from([one.length >> 8, one.length & 255]), one])))
  }
}

async function until(holds: () => boolean, what: string, withinMs = 2000): Promise<void> {
  for (const end = Date.now() + withinMs; !holds(); await sleep(5)) {
    if (Date.now() > end) assert.fail(`in ${withinMs} ms not: ${what}`)
  }
}

const text = (value: string) => new TextEncoder().encode(value)

test('queries reach the shard with listener and peer, many in one message; replies go back in any order', async (t) => {
  const shard = new FakeShard()
  const { client } = await scene(t, [shard])
  const one = await client()
  const queries = Array.from({ length: 40 }, (_, i) => text(`query ${i}`))
  one.send(...queries)
  await until(() => shard.asked.length === 40, 'all queries came')
  assert.ok(shard.messages <= 3, `${shard.messages} messages for one chunk`)
  assert.deepEqual(
    shard.asked.map((asked) => asked.bytes),
    queries,
  )
  const first = shard.asked[0] as Asked
  assert.equal(first.listener, 3)
  const peer = readEndpoint(first.peer, 0)
  assert.deepEqual([...peer.address, peer.port], [127, 0, 0, 1, one.socket.localPort])
  for (const asked of shard.asked.toReversed()) shard.reply(asked, asked.bytes)
  shard.flush()
  await until(() => one.replies.length === 40, 'all replies came')
  assert.deepEqual(one.replies, queries.toReversed())
})

test('a shard that sleeps in epoll_wait is kicked once per message', async (t) => {
  const shards = [new FakeShard(echo), new FakeShard(echo)] as const
  const kicks: number[] = []
  const { client } = await scene(t, [...shards], {}, (fd) => kicks.push(fd))
  const one = await client()
  one.send(text('a'), text('b'), text('c'))
  await until(() => one.replies.length === 3, 'three replies')
  assert.equal(kicks.length, shards[0].messages)
  const two = await client()
  two.send(text('d'))
  await until(() => two.replies.length === 1, 'a reply')
  assert.deepEqual(new Set(kicks), new Set([100, 101]))
})

test('an empty reply record ends a query without a word, and replies of unknown connections are ignored', async (t) => {
  const shard = new FakeShard()
  const { client } = await scene(t, [shard], { outstandingPerConnectionMax: 2 })
  const one = await client()
  one.send(text('a'), text('b'), text('c'))
  await until(() => shard.asked.length === 2, 'two are outstanding')
  const [a, b] = shard.asked as [Asked, Asked]
  shard.reply({ ...a, connection: a.connection + 1 }, text('nobody'))
  shard.reply({ ...a, epoch: a.epoch + 1 }, text('of a hub that died'))
  shard.reply(a, text(''))
  shard.flush()
  await until(() => shard.asked.length === 3, 'the third came when there was room')
  shard.reply(b, text('B'))
  shard.reply(shard.asked[2] as Asked, text('C'))
  shard.flush()
  await until(() => one.replies.length === 2, 'two replies')
  assert.deepEqual(one.replies, [text('B'), text('C')])
})

test('at 64 outstanding a connection is not read on', async (t) => {
  const shard = new FakeShard()
  const { client } = await scene(t, [shard])
  const one = await client()
  one.send(...Array.from({ length: 300 }, (_, i) => text(`q${i}`)))
  await until(() => shard.asked.length === 64, '64 queries')
  await sleep(50)
  assert.equal(shard.asked.length, 64)
  for (let replied = 0; replied < 300; replied = one.replies.length) {
    for (const asked of shard.asked.splice(0)) shard.reply(asked, asked.bytes)
    shard.flush()
    await until(() => one.replies.length > replied, 'more replies')
    assert.ok(shard.asked.length <= 64)
  }
  assert.equal(new Set(one.replies.map((reply) => Buffer.from(reply).toString())).size, 300)
})

test('a client that half-closes gets its replies and then the end', async (t) => {
  const shard = new FakeShard()
  const { client } = await scene(t, [shard])
  const one = await client()
  one.send(text('last'))
  one.socket.end()
  await until(() => shard.asked.length === 1, 'it came')
  await sleep(30)
  assert.equal(one.hasEnded, false)
  shard.reply(shard.asked[0] as Asked, text('reply'))
  shard.flush()
  await until(() => one.isClosed, 'closed')
  assert.deepEqual(one.replies, [text('reply')])
})

test('slow loris: a message that trickles ends at its absolute deadline, an idle connection later', async (t) => {
  const shard = new FakeShard(echo)
  const { client, counters } = await scene(t, [shard], { messageMs: 300, clientIdleMs: 900 })
  const [trickling, idle] = [await client(), await client()]
  idle.send(text('a'))
  const start = Date.now()
  trickling.send(text('whole'))
  trickling.socket.write(Buffer.from([0, 200]))
  const drip = setInterval(() => trickling.socket.write(Buffer.from([1])), 40)
  await until(() => trickling.isClosed, 'the trickling one closed')
  clearInterval(drip)
  const took = Date.now() - start
  assert.ok(took >= 290 && took < 700, `after ${took} ms`)
  assert.equal(idle.isClosed, false)
  assert.equal(counters.lane[streamsRefused.slow], 1)
  await until(() => idle.isClosed, 'the idle one closed')
  assert.ok(Date.now() - start >= 890)
  assert.equal(counters.lane[streamsRefused.slow], 1, 'idling is no offence')
  assert.equal(counters.lane[gauges.connections], 0)
})

test('a client that does not read is closed, whether its own buffer or all of them are too full', async (t) => {
  const big = new Uint8Array(60_000).fill(1)
  const cases: Partial<StreamLimits>[] = [{ writeMs: 300 }, { writeMs: 60_000, writeBuffersBytesMax: 1_000_000 }]
  for (const limits of cases) {
    const shard = new FakeShard((self, asked) => self.reply(asked, asked.bytes.length === 1 ? asked.bytes : big))
    const { client, counters } = await scene(t, [shard], limits)
    const [deaf, fine] = [await client(), await client()]
    deaf.socket.pause()
    const flood = setInterval(() => deaf.send(...Array.from({ length: 50 }, (_, i) => text(`query ${i}`))), 10)
    const start = Date.now()
    await until(() => counters.lane[streamsRefused.slow] === 1, 'the deaf one was closed', 5000)
    clearInterval(flood)
    assert.ok(Date.now() - start < 3000)
    fine.send(text('x'))
    await until(() => fine.replies.length === 1, 'others are served')
    assert.equal(counters.lane[gauges.connections], 1)
  }
})

test('a reader that is only slow to start gets all of its replies', async (t) => {
  const big = new Uint8Array(50_000).fill(1)
  const shard = new FakeShard((self, asked) => self.reply(asked, big))
  const { client } = await scene(t, [shard])
  const one = await client()
  one.socket.pause()
  one.send(...Array.from({ length: 200 }, (_, i) => text(`query ${i}`)))
  await sleep(300)
  assert.ok(shard.asked.length < 200, 'reading stopped')
  one.socket.resume()
  await until(() => one.replies.length === 200, 'all replies')
})

test('caps: connections per address, credits', async (t) => {
  // An address over its own limit never takes the place of others, also when all are full.
  for (const limits of [{ connectionsPerAddressMax: 2 }, { connectionsPerAddressMax: 2, connectionsMax: 2 }]) {
    const { client, counters } = await scene(t, [new FakeShard(echo)], limits)
    const [one, two, three] = [await client(), await client(), await client()]
    await until(() => three.isClosed, 'the third is refused')
    assert.deepEqual([counters.lane[streamsRefused.perClient], counters.lane[streamsRefused.idle]], [1, 0])
    one.socket.destroy()
    await until(() => counters.lane[gauges.connections] === 1, 'room again')
    const four = await client()
    for (const open of [two, four]) open.send(text('a'))
    await until(() => two.replies.length + four.replies.length === 2, 'both are served')
  }
  const shard = new FakeShard()
  const { client, counters } = await scene(t, [shard], { creditsPerShard: 3 })
  const [one, two] = [await client(), await client()]
  one.send(text('a'), text('b'), text('c'))
  await until(() => shard.asked.length === 3, 'three fit')
  two.send(text('d'))
  await until(() => two.isClosed, 'the newest is refused')
  assert.equal(counters.lane[streamsRefused.credits], 1)
  for (const asked of shard.asked) shard.reply(asked, asked.bytes)
  shard.flush()
  await until(() => one.replies.length === 3, 'the others are served')
  const three = await client()
  three.send(text('e'))
  await until(() => shard.asked.length === 4, 'credits come back')
})

test('credits come back for clients that have gone', async (t) => {
  const shard = new FakeShard()
  const { client, counters } = await scene(t, [shard], { creditsPerShard: 2 })
  const gone = await client()
  gone.send(text('a'), text('b'))
  await until(() => shard.asked.length === 2, 'both came')
  gone.socket.resetAndDestroy()
  await until(() => counters.lane[gauges.connections] === 0, 'it is gone')
  for (const asked of shard.asked) shard.reply(asked, asked.bytes)
  shard.flush()
  const next = await client()
  await sleep(30)
  next.send(text('c'), text('d'))
  await until(() => shard.asked.length === 4, 'both credits are back')
})

test('connections spread over shards; a dead shard closes who waits for it, its successor serves the rest', async (t) => {
  const shards = [new FakeShard(), new FakeShard()] as const
  const { hub, client } = await scene(t, [...shards])
  const clients = [await client(), await client(), await client(), await client()]
  for (const one of clients) one.send(text('a'))
  await until(() => shards[0].asked.length === 2 && shards[1].asked.length === 2, 'two each')
  for (const asked of shards[1].asked) shards[1].reply(asked, text('one'))
  shards[1].flush()
  await until(() => clients.filter((one) => one.replies.length === 1).length === 2, 'shard 1 replied')
  shards[0].die()
  await until(() => clients.filter((one) => one.isClosed).length === 2, 'those of shard 0 are closed')
  shards[1].die()
  await sleep(30)
  const left = clients.filter((one) => !one.isClosed)
  assert.equal(left.length, 2, 'who waits for nothing stays')
  for (const one of left) one.send(text('b'))
  await sleep(50)
  const successor = new FakeShard(echo)
  hub.setShard(1, successor.far, -1)
  t.after(() => successor.die())
  await until(() => left.every((one) => one.replies.length === 2), 'the successor serves what came meanwhile')
})

test('drain: nothing new, what waits is answered, connections end', async (t) => {
  const shard = new FakeShard()
  const { hub, client, port } = await scene(t, [shard])
  const [waiting, idle] = [await client(), await client()]
  waiting.send(text('a'))
  await until(() => shard.asked.length === 1, 'it came')
  const drained = hub.drain()
  await until(() => idle.hasEnded, 'the idle one is ended')
  const late = connect(port, '127.0.0.1')
  const [error] = await once(late, 'error')
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED')
  shard.reply(shard.asked[0] as Asked, text('reply'))
  shard.flush()
  await drained
  await until(() => waiting.hasEnded, 'ended after its reply')
  assert.deepEqual(waiting.replies, [text('reply')])
})

test('listeners: a port in use is a sentence, removed ones close, their connections live on', async (t) => {
  const { hub, client, port } = await scene(t, [new FakeShard(echo)])
  const one = await client()
  const busy = createServer().listen(0, '127.0.0.1')
  await once(busy, 'listening')
  t.after(() => busy.close())
  const taken = (busy.address() as { port: number }).port
  const problems = await hub.setListeners([
    { id: 3, endpoint: { ...loopback, port }, fd: -1 },
    { id: 4, endpoint: { ...loopback, port: taken }, fd: -1 },
  ])
  assert.deepEqual(problems, [`cannot listen on 127.0.0.1:${taken} (TCP): the port is in use by another program`])
  const next = await freePort()
  assert.deepEqual(await hub.setListeners([{ id: 5, endpoint: { ...loopback, port: next }, fd: -1 }]), [])
  one.send(text('still here'))
  await until(() => one.replies.length === 1, 'the old connection is served')
  const [error] = await once(connect(port, '127.0.0.1'), 'error')
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED')
})

test('IPv6 clients, beside an IPv4 listener on the same port', async (t) => {
  if (!Object.values(os.networkInterfaces()).some((list) => list?.some((one) => one.address === '::1'))) {
    return t.skip('this machine has no ::1')
  }
  const shard = new FakeShard(echo)
  const { hub, port } = await scene(t, [shard])
  const address = new Uint8Array(16)
  address[15] = 1
  const v4 = { id: 3, endpoint: { ...loopback, port }, fd: -1 }
  assert.deepEqual(await hub.setListeners([v4, { id: 6, endpoint: { address, port, scope: 0 }, fd: -1 }]), [])
  const one = new Client(connect(port, '::1'))
  t.after(() => one.socket.destroy())
  one.send(text('six'))
  await until(() => one.replies.length === 1, 'a reply')
  const [asked] = shard.asked as [Asked]
  assert.equal(asked.listener, 6)
  assert.deepEqual(readEndpoint(asked.peer, 0), { address, port: one.socket.localPort, scope: 0 })
})

test('a listening socket of the supervisor is taken over by its fd', async (t) => {
  const sys = openSys()
  if (typeof sys === 'string') return t.skip(sys)
  const { openStreamSocket } = await import('../net/sockets.ts')
  const { hub } = await scene(t, [new FakeShard(echo)])
  const port = await freePort()
  const fd = openStreamSocket(sys, { ...loopback, port })
  assert.equal(typeof fd, 'number')
  assert.deepEqual(await hub.setListeners([{ id: 9, endpoint: { ...loopback, port }, fd: sys.dup(fd as number) }]), [])
  const one = new Client(connect(port, '127.0.0.1'))
  t.after(() => one.socket.destroy())
  one.send(text('a'))
  await until(() => one.replies.length === 1, 'served')
  await hub.setListeners([])
  const two = new Client(connect(port, '127.0.0.1'))
  t.after(() => two.socket.destroy())
  two.send(text('b'))
  await until(() => two.socket.readyState === 'open', 'the backlog lives as long as the supervisor holds the socket')
  await hub.setListeners([{ id: 10, endpoint: { ...loopback, port }, fd: sys.dup(fd as number) }])
  await until(() => two.replies.length === 1, 'served by the next listener')
  sys.close(fd as number)
})
