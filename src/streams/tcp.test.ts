import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '../base/random.ts'
import { connections, gauges, streamsRefused } from '../metrics/catalog.ts'
import { looseCounters } from '../metrics/counters.ts'
import type { ClientConnection } from './connection.ts'
import { defaultLimits } from './limits.ts'
import { TcpClients } from './tcp.ts'

interface Client {
  readonly socket: Socket
  /** Octets that came, frames and all. */
  received: number
  isClosed: boolean
}

/** The clients of a hub that is the test itself: it replies when told to, and turns the clock. */
async function scene(t: TestContext, connectionsMax: number) {
  const counters = looseCounters()
  const asked: ClientConnection[] = []
  const time = { now: 1000 }
  const clients = new TcpClients({
    clock: { now: () => time.now },
    random: seededRandom(7),
    counters,
    limits: { ...defaultLimits, connectionsMax },
    isReady: () => true,
    submit: (connection) => asked.push(connection) > 0,
    opened: () => {},
  })
  const port = await freePort()
  const endpoint = { address: new Uint8Array([127, 0, 0, 1]), scope: 0, port }
  assert.deepEqual(await clients.setListeners([{ id: 1, endpoint, fd: -1 }]), [])
  const sockets: Socket[] = []
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    clients.close()
  })
  const accepted = () => counters.lane[gauges.connections] as number
  const counted = (reason: keyof typeof streamsRefused) => counters.lane[streamsRefused[reason]] as number
  return {
    clients,
    asked,
    accepted,
    /** Made room for, and refused. */
    counts: () => [counted('idle'), counted('connections')],
    tick: () => {
      time.now++
    },
    client: async (): Promise<Client> => {
      const socket = connect(port, '127.0.0.1')
      sockets.push(socket)
      const client = { socket, received: 0, isClosed: false }
      socket.on('error', () => {})
      socket.on('close', () => {
        client.isClosed = true
      })
      socket.on('data', (chunk) => {
        client.received += chunk.length
      })
      const dealtWith = () => (counters.lane[connections.client] as number) + counted('connections')
      const before = dealtWith()
      await once(socket, 'connect')
      await until(() => dealtWith() > before, 'accepted or refused')
      return client
    },
    /** Sends one query, and waits until it was taken. */
    ask: async ({ socket }: Client): Promise<ClientConnection> => {
      const before = asked.length
      socket.write(Buffer.from([0, 1, 0x61]))
      await until(() => asked.length > before, 'the query was taken')
      return asked.at(-1) as ClientConnection
    },
    reply: ({ id }: ClientConnection, bytes = new Uint8Array(1)) => {
      assert.equal(clients.reply(id, bytes, 0, bytes.length), true)
      clients.settle()
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 2000; !holds(); await sleep(2)) if (Date.now() > end) assert.fail(`not: ${what}`)
}

test('over the cap on all connections the one that is idle longest makes room, unless all are busy', async (t) => {
  const { client, ask, reply, tick, counts, accepted } = await scene(t, 3)
  const [one, two, three] = [await client(), await client(), await client()]
  tick()
  const waiting = [await ask(three)]
  const last = await ask(one)
  tick()
  reply(last)
  await until(() => one.received === 3, 'one has its reply')
  tick()
  // Octets that are no message yet are no activity, or a trickle would hold its place.
  two.socket.write(Buffer.from([0, 200, 1]))
  await sleep(20)

  const four = await client()
  await until(() => two.isClosed, 'two makes room')
  assert.deepEqual([one.isClosed, three.isClosed, counts()], [false, false, [1, 0]])
  waiting.push(await ask(four))
  const five = await client()
  await until(() => one.isClosed, 'then one; three is older, and waits')
  waiting.push(await ask(five))
  const six = await client()
  await until(() => six.isClosed, 'all are busy: the newest is refused')
  assert.deepEqual([counts(), accepted()], [[2, 1], 3])
  for (const connection of waiting) reply(connection)
  await until(() => [three, four, five].every((busy) => busy.received === 3), 'who was busy was not cut off')
})

test('a client that has not yet taken its replies is not idle', async (t) => {
  const { client, ask, reply, counts } = await scene(t, 1)
  const slow = await client()
  slow.socket.pause()
  const big = new Uint8Array(60_000)
  const connection = await ask(slow)
  for (let replies = 1; ; replies++) {
    reply(connection, big)
    await sleep(1)
    if (connection.isOwing) {
      assert.equal(connection.outstanding, 0)
      const late = await client()
      await until(() => late.isClosed, 'refused')
      assert.deepEqual(counts(), [0, 1])
      slow.socket.resume()
      await until(() => slow.received === replies * 60_002, 'all replies')
      return
    }
    assert.ok(replies < 500)
    await ask(slow)
  }
})

test('a storm of idle connections starves nobody', async (t) => {
  const { client, ask, reply, tick, counts, accepted } = await scene(t, 8)
  for (let i = 0; i < 40; i++) await client()
  for (let i = 0; i < 10; i++) {
    tick()
    const one = await client()
    reply(await ask(one))
    await until(() => one.received === 3, 'served')
  }
  await until(() => accepted() === 8, 'no more than there may be')
  assert.deepEqual(counts(), [42, 0])
})
