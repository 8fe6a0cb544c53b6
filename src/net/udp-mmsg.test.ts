import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Batch } from './batch.ts'
import { EAGAIN, ECONNREFUSED, EHOSTUNREACH, EINTR, ENETUNREACH, ENOBUFS, type Sys } from './sys.ts'
import { MmsgPort } from './udp-mmsg.ts'

const EMSGSIZE = 90
const EPERM = 1

/** Each step of a script is what the kernel says to one call: so many messages, or -errno. */
interface Case {
  readonly name: string
  readonly connected: boolean
  readonly script: readonly number[]
  /** [first slot, count] of each call that was made. */
  readonly calls: readonly (readonly [number, number])[]
  readonly dropped: number
  readonly lastError: number
}

const sends: Case[] = [
  { name: 'all at once', connected: false, script: [4], calls: [[0, 4]], dropped: 0, lastError: 0 },
  {
    name: 'in two parts',
    connected: false,
    script: [1, 3],
    calls: [
      [0, 4],
      [1, 3],
    ],
    dropped: 0,
    lastError: 0,
  },
  {
    name: 'unconnected: the failing message is skipped, the others go',
    connected: false,
    script: [1, -EPERM, 2],
    calls: [
      [0, 4],
      [1, 3],
      [2, 2],
    ],
    dropped: 1,
    lastError: 0,
  },
  {
    name: 'unconnected: ENETUNREACH is about this message',
    connected: false,
    script: [-ENETUNREACH, 3],
    calls: [
      [0, 4],
      [1, 3],
    ],
    dropped: 1,
    lastError: 0,
  },
  ...[ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].map((errno) => ({
    name: `connected: ${errno} is about an earlier packet, and the same message goes once more`,
    connected: true,
    script: [-errno, 4],
    calls: [
      [0, 4],
      [0, 4],
    ] as const,
    dropped: 0,
    lastError: errno,
  })),
  {
    name: 'connected: once more, not for ever',
    connected: true,
    script: [1, -ENETUNREACH, -ENETUNREACH, -ENETUNREACH, 2],
    calls: [
      [0, 4],
      [1, 3],
      [1, 3],
      [2, 2],
      [2, 2],
    ],
    dropped: 1,
    lastError: ENETUNREACH,
  },
  {
    name: 'connected: a message that is too long is skipped',
    connected: true,
    script: [-EMSGSIZE, 3],
    calls: [
      [0, 4],
      [1, 3],
    ],
    dropped: 1,
    lastError: 0,
  },
  {
    name: 'EAGAIN drops the rest',
    connected: false,
    script: [1, -EAGAIN],
    calls: [
      [0, 4],
      [1, 3],
    ],
    dropped: 3,
    lastError: 0,
  },
  { name: 'ENOBUFS drops the rest', connected: true, script: [-ENOBUFS], calls: [[0, 4]], dropped: 4, lastError: 0 },
  {
    name: 'EINTR is nothing',
    connected: true,
    script: [-EINTR, 4],
    calls: [
      [0, 4],
      [0, 4],
    ],
    dropped: 0,
    lastError: 0,
  },
]

describe('sendmmsg', () => {
  for (const one of sends) {
    it(one.name, () => {
      const { port, batch, calls, scriptLeft } = scripted(one.script, one.connected)
      for (let slot = 0; slot < 4; slot++) batch.setLength(slot, 12)
      port.send(batch, 0, 4)
      assert.deepEqual(calls, one.calls)
      assert.equal(port.dropped, one.dropped)
      assert.equal(port.lastError, one.lastError)
      assert.equal(scriptLeft(), 0)
    })
  }
})

describe('recvmmsg', () => {
  const cases = [
    { name: 'nothing waits', connected: false, script: [-EAGAIN], count: 0, lastError: 0 },
    { name: 'a signal is nothing', connected: true, script: [-EINTR], count: 0, lastError: 0 },
    {
      name: 'an error is read off, and data behind it comes',
      connected: true,
      script: [-ECONNREFUSED, 3],
      count: 3,
      lastError: ECONNREFUSED,
    },
    {
      name: 'an unconnected socket keeps no error',
      connected: false,
      script: [-ECONNREFUSED, 1],
      count: 1,
      lastError: 0,
    },
    {
      name: 'errors without end are left',
      connected: true,
      script: new Array(8).fill(-EHOSTUNREACH),
      count: 0,
      lastError: EHOSTUNREACH,
    },
  ]
  for (const { name, connected, script, count, lastError } of cases) {
    it(name, () => {
      const { port, batch, scriptLeft } = scripted(script, connected)
      assert.equal(port.receive(batch), count)
      assert.equal(port.lastError, lastError)
      assert.equal(scriptLeft(), 0)
    })
  }
})

/** A port over a kernel that answers from a script. */
function scripted(script: readonly number[], connected: boolean) {
  const left = [...script]
  const calls: [number, number][] = []
  let errno = 0
  const base = 0x1000
  const call = (_fd: number, address: number, count: number): number => {
    calls.push([(address - base) / 64, count])
    const result = left.shift() as number
    errno = result < 0 ? -result : 0
    return result < 0 ? -1 : result
  }
  const sys = {
    arena: (bytes: number) => ({ buffer: new ArrayBuffer(bytes), address: base }),
    recvmmsg: call,
    sendmmsg: call,
    errno: () => errno,
  } as Partial<Sys> as Sys
  const port = new MmsgPort(sys, 5, 0, connected, { release: () => {}, deafen: () => false })
  return { port, batch: new Batch(sys, 512), calls, scriptLeft: () => left.length }
}
