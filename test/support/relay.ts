/** A wire of UDP between two programs that counts what passes, in both directions. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { atEnd } from './cleanup.ts'
import type { Endpoint } from './client.ts'
import { freePort } from './ports.ts'

export interface Relay extends Endpoint {
  readonly target: string
  /** Datagrams so far; loop probes and the replies to them are counted apart. */
  packets(): number
  probes(): number
}

const HINFO = 13

export async function startRelay(t: TestContext, to: Endpoint): Promise<Relay> {
  const port = await freePort()
  const front = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  const backs = new Map<number, Socket>()
  let packets = 0
  let probes = 0
  const count = (bytes: Buffer): void => {
    if (isHinfo(bytes)) probes++
    else packets++
  }
  front.bind(port, '127.0.0.1')
  await once(front, 'listening')
  front.on('message', (bytes, from) => {
    count(bytes)
    const back = backs.get(from.port) ?? createSocket('udp4')
    if (!backs.has(from.port)) {
      backs.set(from.port, back)
      back.on('error', () => {})
      back.on('message', (answer) => {
        count(answer)
        front.send(answer, from.port, from.address)
      })
    }
    back.send(bytes, to.port, to.address)
  })
  atEnd(t, () => {
    front.close()
    for (const back of backs.values()) back.close()
  })
  return {
    address: '127.0.0.1',
    port,
    target: `127.0.0.1:${port}`,
    packets: () => packets,
    probes: () => probes,
  }
}

/** The type behind the question's name. */
function isHinfo(bytes: Buffer): boolean {
  let at = 12
  while (at < bytes.length && bytes[at] !== 0) at += (bytes[at] as number) + 1
  return at + 3 <= bytes.length && bytes.readUInt16BE(at + 1) === HINFO
}
