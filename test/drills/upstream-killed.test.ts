/** Issue 5: an upstream is killed and comes back under 5,000 queries a second, half of them hits and half misses. */
import { strict as assert } from 'node:assert'
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { endWithUs } from '../support/cleanup.ts'
import { ask } from '../support/client.ts'
import { query } from '../support/message.ts'
import { skipWithout } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { startProgram } from '../support/program.ts'

const perSecond = 5000
const killAt = 2000
const backAt = 4500
const endAt = 8000
/** Names that are asked again and again, in the cache from the start. */
const hot = 200

/** What became of the query with an id: when it was sent, and the reply's rcode (-1: none yet). */
interface Fate {
  readonly sentAt: number
  readonly isHit: boolean
  rcode: number
}

test('an upstream is killed and restarted under 5,000 q/s: no hit is lost, misses are back within a second, memory stays', {
  skip: skipWithout('unbound'),
}, async (t) => {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'dnsweir-killed-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'unbound.conf')
  const lines = [`port: ${port}`, 'interface: 127.0.0.1', 'username: ""', 'chroot: ""', 'pidfile: ""', 'use-syslog: no']
  const zone = ['local-zone: "test." redirect', 'local-data: "test. 600 A 192.0.2.1"']
  writeFileSync(file, ['server:', ...[...lines, 'do-daemonize: no', ...zone].map((line) => `  ${line}`), ''].join('\n'))
  const startUpstream = (): ChildProcess => {
    const child = spawn('unbound', ['-d', '-c', file], { stdio: 'ignore' })
    endWithUs(child)
    return child
  }
  let upstream = startUpstream()
  t.after(() => upstream.kill('SIGKILL'))
  await sleep(500)
  const program = await startProgram(t, {
    upstreams: [`127.0.0.1:${port}`],
    guard: { rateLimit: { mode: 'disabled' } },
  })
  for (let i = 0; i < hot; i++) assert.equal((await ask(program, `hot${i}.test`)).rcode, 0)
  const residentKib = (): number => {
    const status = readFileSync(`/proc/${program.pid}/status`, 'latin1')
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1])
  }

  const fates: Fate[] = []
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
  t.after(() => socket.close())
  socket.bind()
  await once(socket, 'listening')
  socket.on('message', (bytes) => {
    const fate = fates[bytes.readUInt16BE(0)]
    if (fate !== undefined) fate.rcode = (bytes[3] as number) & 15
  })
  const memory: number[] = []
  const events: [number, () => void][] = [
    [killAt, () => void upstream.kill('SIGKILL')],
    [
      backAt,
      () => {
        upstream = startUpstream()
      },
    ],
    ...Array.from({ length: 8 }, (_, i): [number, () => void] => [
      500 + 1000 * i,
      () => void memory.push(residentKib()),
    ]),
  ]
  const start = performance.now()
  for (let now = 0; now < endAt; now = performance.now() - start) {
    for (const event of events.splice(0)) {
      if (now >= event[0]) event[1]()
      else events.push(event)
    }
    for (const due = Math.min((now * perSecond) / 1000, 0xffff); fates.length < due; ) {
      const id = fates.length
      const isHit = id % 2 === 0
      fates.push({ sentAt: now, isHit, rcode: -1 })
      socket.send(query(isHit ? `hot${(id >> 1) % hot}.test` : `new${id}.test`, 'A', { id }), program.port, '127.0.0.1')
    }
    await sleep(2)
  }
  await sleep(2500)

  const hits = fates.filter(({ isHit }) => isHit)
  const misses = fates.filter(({ isHit }) => !isHit)
  const share = (of: readonly Fate[]): string => `${of.filter(({ rcode }) => rcode === 0).length} of ${of.length}`
  const before = misses.filter(({ sentAt }) => sentAt < killAt - 100)
  const dead = misses.filter(({ sentAt }) => sentAt > killAt + 100 && sentAt < backAt - 2000)
  const again = misses.filter(({ sentAt }) => sentAt > backAt + 1000)
  t.diagnostic(
    `hits ${share(hits)}; misses before ${share(before)}, dead ${share(dead)}, a second after ${share(again)}`,
  )
  t.diagnostic(`RSS in MiB, a second apart: ${memory.map((kib) => (kib / 1024).toFixed(0)).join(' ')}`)
  assert.ok(fates.length > 0.9 * ((endAt * perSecond) / 1000), 'the generator kept its pace')
  assert.equal(hits.filter(({ rcode }) => rcode !== 0).length, 0, 'hits that were lost or failed')
  assert.equal(before.filter(({ rcode }) => rcode !== 0).length, 0)
  assert.equal(dead.filter(({ rcode }) => rcode === -1).length, 0, 'who asks a dead upstream hears of it')
  assert.equal(
    again.filter(({ rcode }) => rcode !== 0).length,
    0,
    'misses that failed a second after the upstream was back',
  )
  assert.ok(Math.max(...memory) - (memory[1] as number) < 24 * 1024, 'RSS is flat')
})
