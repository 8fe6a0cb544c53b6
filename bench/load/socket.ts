import type { Batch } from '../../src/net/batch.ts'
import { batchSlots } from '../../src/net/batch.ts'
import type { Endpoint } from '../../src/net/endpoint.ts'
import { endpointBytes, writeEndpoint } from '../../src/net/endpoint.ts'
import type { Sys } from '../../src/net/sys.ts'
import {
  AF_INET,
  AF_INET6,
  errnoSentence,
  MSG_DONTWAIT,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOCK_DGRAM,
  SOL_SOCKET,
} from '../../src/net/sys.ts'

/** A bare UDP socket for batches. Ours alone, so that the bench measures dnsweir's ports and does not stand on them. */
export interface LoadSocket {
  readonly fd: number
  /** Fills the batch from slot 0; 0 when nothing waits. */
  receive(batch: Batch): number
  /** Sends slots 0 … count, to `peer` each, or to whom the socket is connected; returns how many the kernel took. */
  send(batch: Batch, count: number, to: 'peer' | 'connected'): number
}

/** Bound to `local`, or connected to `remote`. Throws a sentence. */
export function openSocket(sys: Sys, place: { local: Endpoint } | { remote: Endpoint }): LoadSocket {
  const endpoint = 'local' in place ? place.local : place.remote
  const arena = sys.arena(endpointBytes)
  const length = writeEndpoint(endpoint, new Uint8Array(arena.buffer), 0)
  const fd = sys.socket(endpoint.address.length === 16 ? AF_INET6 : AF_INET, SOCK_DGRAM)
  const done = 'local' in place ? sys.bind(fd, arena.address, length) : sys.connect(fd, arena.address, length)
  if (fd < 0 || done < 0) throw new Error(`no UDP socket for port ${endpoint.port}: ${errnoSentence(sys.errno())}`)
  if (sys.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, bufferBytes) < 0) {
    sys.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, bufferBytes)
  }
  return {
    fd,
    receive(batch) {
      const count = sys.recvmmsg(fd, batch.headerAddress(0, batchSlots), batchSlots, MSG_DONTWAIT)
      if (count <= 0) return 0
      batch.takeLengths(count)
      return count
    },
    send(batch, count, to) {
      for (let slot = 0; slot < count; slot++) batch.prepareSend(slot, to === 'peer' ? length : 0)
      let sent = 0
      // An error that an earlier packet brought (a closed port) is reported once, then the way is free again.
      for (let tries = 0; sent < count && tries < 2; tries++) {
        const taken = sys.sendmmsg(fd, batch.headerAddress(sent, count - sent), count - sent, MSG_DONTWAIT)
        if (taken > 0) sent += taken
      }
      return sent
    },
  }
}

export function loopback(port: number): Endpoint {
  return { address: Uint8Array.of(127, 0, 0, 1), port, scope: 0 }
}

/** No packet may be lost on our side of the measurement. */
const bufferBytes = 4 << 20
