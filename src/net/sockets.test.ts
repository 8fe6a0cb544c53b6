import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { Batch } from './batch.ts'
import { addressFromNode } from './endpoint-text.ts'
import { connectDatagramSocket, localEndpoint, openDatagramSockets, openStreamSocket } from './sockets.ts'
import { IP_MTU_DISCOVER, IP_PMTUDISC_PROBE, IPPROTO_IP, openSys, SO_RCVBUF, SOL_SOCKET, type Sys } from './sys.ts'
import { MmsgPort } from './udp-mmsg.ts'

const opened = openSys()
const sys = opened as Sys

describe('sockets', { skip: typeof opened === 'string' && opened }, () => {
  for (const text of ['127.0.0.1', '::1']) {
    it(`opens several UDP sockets on one port of ${text}, and nobody else gets it`, () => {
      const sockets = openDatagramSockets(sys, endpoint(text), 3)
      assert.ok(typeof sockets !== 'string')
      const { fds, endpoint: at, receiveBuffer } = sockets
      assert.equal(new Set(fds).size, 3)
      assert.ok(at.port > 0)
      for (const fd of fds) assert.equal(localEndpoint(sys, fd).port, at.port)
      assert.equal(receiveBuffer, sys.getsockopt(fds[0] as number, SOL_SOCKET, SO_RCVBUF))
      assert.ok(receiveBuffer > 100_000)
      const where = text === '::1' ? `\\[::1\\]:${at.port}` : `127.0.0.1:${at.port}`
      assert.match(
        String(openDatagramSockets(sys, at, 1)),
        new RegExp(`^cannot listen on ${where} \\(UDP\\): the port is in use by another program$`),
      )
      const more = openDatagramSockets(sys, at, 1, true)
      assert.ok(typeof more !== 'string')
      for (const fd of [...fds, ...more.fds]) assert.equal(sys.close(fd), 0)
      const again = openDatagramSockets(sys, at, 1)
      assert.ok(typeof again !== 'string')
      for (const fd of again.fds) sys.close(fd)
    })
  }

  it('spreads clients over all sockets of an address, the first one too', () => {
    const sockets = openDatagramSockets(sys, endpoint('127.0.0.1'), 2)
    assert.ok(typeof sockets !== 'string')
    const ports = sockets.fds.map(
      (fd) => new MmsgPort(sys, fd, 0, false, { release: () => sys.close(fd), deafen: () => false }),
    )
    const batch = new Batch(sys, 64)
    batch.setLength(0, 12)
    for (let i = 0; i < 60; i++) {
      const fd = connectDatagramSocket(sys, sockets.endpoint, 0)
      new MmsgPort(sys, fd, 0, true, { release: () => {}, deafen: () => false }).send(batch, 0, 1)
      sys.close(fd)
    }
    // 60 coins that all fall alike are a fault, not chance (2⁻⁵⁹).
    const counts = ports.map((port) => port.receive(batch))
    assert.equal((counts[0] as number) + (counts[1] as number), 60)
    assert.ok(Math.min(...counts) > 0, `${counts}`)
    for (const port of ports) port.close()
  })

  it('forbids fragments of IPv4 datagrams, also of those that are connected', () => {
    const listening = openDatagramSockets(sys, endpoint('127.0.0.1'), 1)
    assert.ok(typeof listening !== 'string')
    for (const fd of [listening.fds[0] as number, connectDatagramSocket(sys, listening.endpoint, 0)]) {
      assert.equal(sys.getsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_PROBE)
      sys.close(fd)
    }
  })

  it('lets IPv4 and IPv6 have the same port', () => {
    const six = openDatagramSockets(sys, endpoint('::'), 1)
    assert.ok(typeof six !== 'string')
    const four = openDatagramSockets(sys, endpoint('0.0.0.0', six.endpoint.port), 1)
    assert.ok(typeof four !== 'string', String(four))
    for (const fd of [...six.fds, ...four.fds]) sys.close(fd)
  })

  it('says that the machine has no such address', () => {
    const sentence = 'this machine has no such address'
    assert.equal(
      openDatagramSockets(sys, endpoint('192.0.2.1', 53), 1),
      `cannot listen on 192.0.2.1:53 (UDP): ${sentence}`,
    )
    assert.equal(openStreamSocket(sys, endpoint('192.0.2.1', 53)), `cannot listen on 192.0.2.1:53 (TCP): ${sentence}`)
  })

  it('opens a TCP socket that takes connections, and one only', async () => {
    const fd = openStreamSocket(sys, endpoint('127.0.0.1'))
    assert.ok(typeof fd === 'number')
    const { port } = localEndpoint(sys, fd)
    assert.match(String(openStreamSocket(sys, endpoint('127.0.0.1', port))), /\(TCP\): the port is in use/)
    const client = connect(port, '127.0.0.1')
    await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject))
    client.destroy()
    sys.close(fd)
  })

  it('connects from the port asked for, unless it is taken', () => {
    const one = openDatagramSockets(sys, endpoint('127.0.0.1'), 1)
    assert.ok(typeof one !== 'string')
    assert.equal(connectDatagramSocket(sys, endpoint('127.0.0.1', 9), one.endpoint.port), -1)
    const fd = connectDatagramSocket(sys, endpoint('127.0.0.1', 9), 0)
    assert.ok(fd >= 0)
    assert.deepEqual([...localEndpoint(sys, fd).address], [127, 0, 0, 1])
    for (const open of [fd, ...one.fds]) sys.close(open)
  })
})

function endpoint(text: string, port = 0) {
  return { address: addressFromNode(text), port, scope: 0 }
}
