/** DNS over TCP: framing, pipelining, deadlines and caps (RFC 7766, 9210; SAFETY "client side"). */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, framed, TcpClient } from '../support/client.ts'
import { parse, query, typeNumber } from '../support/message.ts'
import { startScene } from '../support/scene.ts'
import { after, anyAddress, type Script } from '../support/upstream.ts'

const slowNames: Script = (asked) =>
  asked.name.startsWith('slow') ? after(400, anyAddress(asked) as Buffer) : anyAddress(asked)

test('framing across any chunking', async (t) => {
  const { program } = await startScene(t)
  const messages = [1, 2, 3, 4].map((id) => query(`chunk${id}.test`, 'A', { id }))
  const stream = Buffer.concat(messages.map(framed))
  for (const size of [1, 2, 3, 5, 13, 29, 31, 64, stream.length]) {
    const client = await TcpClient.open(program)
    for (let at = 0; at < stream.length; at += size) {
      client.sendRaw(stream.subarray(at, at + size))
      if (size < 31) await sleep(1)
    }
    const ids = (await client.collect(4)).map((bytes) => parse(bytes).id).sort()
    assert.deepEqual(ids, [1, 2, 3, 4], `chunks of ${size}`)
    client.close()
  }
})

test('pipelined queries are answered as they come, out of order', async (t) => {
  const { program } = await startScene(t, slowNames)
  const client = await TcpClient.open(program)
  client.sendRaw(Buffer.concat([query('slow.test', 'A', { id: 1 }), query('quick.test', 'A', { id: 2 })].map(framed)))
  assert.equal(parse((await client.next()) as Buffer).id, 2, 'the quick one first')
  assert.equal(parse((await client.next()) as Buffer).id, 1)
  client.sendRaw(Buffer.concat(Array.from({ length: 200 }, (_, id) => framed(query(`p${id}.test`, 'A', { id })))))
  const replies = (await client.collect(200)).map(parse)
  assert.equal(new Set(replies.map((one) => one.id)).size, 200)
  for (const one of replies) assert.equal(one.questions[0]?.name, `p${one.id}.test.`)
  client.close()
})

test('the same id twice on one connection gets two replies', async (t) => {
  const { program } = await startScene(t, slowNames)
  const client = await TcpClient.open(program)
  client.send(query('slow1.test', 'A', { id: 9 }))
  client.send(query('slow2.test', 'A', { id: 9 }))
  const names = (await client.collect(2)).map((bytes) => parse(bytes).questions[0]?.name)
  assert.deepEqual(names.sort(), ['slow1.test.', 'slow2.test.'])
  client.close()
})

test('a client that half-closes still gets its replies', async (t) => {
  const { program } = await startScene(t, slowNames)
  const { connect } = await import('node:net')
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = connect(program.port, program.address)
    socket.on('data', (part) => parts.push(part))
    socket.on('end', () => resolve(Buffer.concat(parts)))
    socket.on('error', reject)
    socket.end(framed(query('slow.test', 'A', { id: 3 })))
    socket.setTimeout(5000, () => socket.destroy(new Error('neither reply nor end')))
  })
  assert.ok(bytes.length > 2, 'no reply before the end')
  assert.equal(parse(bytes.subarray(2)).id, 3)
})

test('a client that goes away mid-flight harms nobody', async (t) => {
  const { program } = await startScene(t, slowNames)
  for (let i = 0; i < 50; i++) {
    const client = await TcpClient.open(program)
    client.send(query(`slow${i}.test`))
    client.close()
  }
  await sleep(600)
  assert.equal((await ask(program, 'fine.test', 'A', { transport: 'tcp' })).answers.length, 1)
})

test('frames that are no query: empty, short, a reply, cut in the middle', async (t) => {
  const { program } = await startScene(t)
  for (const bytes of [Buffer.alloc(0), Buffer.from([1, 2, 3]), query('a.test', 'A', { qr: true })]) {
    const client = await TcpClient.open(program)
    client.send(bytes)
    assert.equal(await client.next(150), undefined, `a reply to ${bytes.toString('hex')}`)
    client.close()
  }
  const client = await TcpClient.open(program)
  client.sendRaw(framed(query('a.test')).subarray(0, 9))
  client.close()
  assert.equal((await ask(program, 'fine.test', 'A', { transport: 'tcp' })).answers.length, 1)
})

test('a client that does not read is not waited for', async (t) => {
  const { program } = await startScene(t, anyAddress, {
    guard: {
      localAnswers: { records: Array.from({ length: 200 }, (_, i) => `big.test. 60 IN AAAA 2001:db8::${i + 1}`) },
    },
  })
  const deaf = await TcpClient.open(program)
  deaf.pause()
  const many = Buffer.concat(Array.from({ length: 500 }, (_, id) => framed(query('big.test', 'AAAA', { id }))))
  for (let i = 0; i < 20; i++) deaf.sendRaw(many)
  const start = Date.now()
  for (let i = 0; i < 20; i++) {
    const heard = await ask(program, 'big.test', 'AAAA', { transport: 'tcp' })
    assert.equal(heard.answers.length, 200)
    assert.ok((await ask(program, `u${i}.test`)).answers.length === 1)
  }
  assert.ok(Date.now() - start < 3000, `others waited ${Date.now() - start} ms`)
  deaf.close()
})

test('300 idle connections from one address leave room for another', async (t) => {
  const { program } = await startScene(t)
  const idle: TcpClient[] = []
  for (let i = 0; i < 300; i++) idle.push(await TcpClient.open(program, '127.0.0.4'))
  await sleep(100)
  assert.equal((await ask(program, 'room.test', 'A', { transport: 'tcp', from: '127.0.0.5' })).answers.length, 1)
  assert.equal((await ask(program, 'room2.test')).answers.length, 1)
  for (const client of idle) client.close()
})

test('idle connections outlive nodelocaldns (10 s), a message that trickles does not', async (t) => {
  const { program } = await startScene(t)
  const idle = await TcpClient.open(program)
  const trickling = await TcpClient.open(program)
  idle.send(query('first.test'))
  assert.ok(await idle.next())
  const slow = framed(query('a-name-that-takes-its-time-to-come-in.example.test'))
  let sent = 0
  const start = Date.now()
  while (Date.now() - start < 10_500) {
    // Each octet comes well within any idle timeout.
    if (!trickling.closed && sent < slow.length - 1) trickling.sendRaw(slow.subarray(sent, ++sent))
    await sleep(300)
  }
  assert.ok(trickling.closed, 'an unfinished message of 10 s still holds its connection')
  assert.ok(!idle.closed, 'idle timeout is above 10 s (FIELD 3.8)')
  idle.send(query('second.test'))
  assert.equal(parse((await idle.next()) as Buffer).answers.length, 1)
  idle.close()
  trickling.close()
})

test('AXFR and IXFR are refused on a stream', async (t) => {
  const { program, upstream } = await startScene(t)
  for (const type of ['AXFR', 'IXFR']) {
    assert.equal((await ask(program, 'zone.test', type, { transport: 'tcp' })).rcode, 5, type)
  }
  assert.equal(upstream.asked.filter((one) => one.type === typeNumber('AXFR')).length, 0)
})
