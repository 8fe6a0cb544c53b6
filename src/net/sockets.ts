import type { Endpoint } from './endpoint.ts'
import { endpointBytes, readEndpoint, writeEndpoint } from './endpoint.ts'
import { endpointText } from './endpoint-text.ts'
import type { Sys } from './sys.ts'
import {
  AF_INET,
  AF_INET6,
  errnoSentence,
  IP_MTU_DISCOVER,
  IP_PMTUDISC_PROBE,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from './sys.ts'

/** Asked of the kernel for a listening UDP socket: some 10,000 small queries wait in it while a shard is restarted. */
export const receiveBufferBytes = 4 * 2 ** 20
/** Connections that wait for the streams worker while it is restarted; the kernel caps it at net.core.somaxconn. */
const backlog = 1024

export interface DatagramSockets {
  readonly fds: readonly number[]
  /** With the port that the kernel chose where 0 was asked for. */
  readonly endpoint: Endpoint
  /** SO_RCVBUF as the kernel reports it: twice what was granted, since its bookkeeping counts too. */
  readonly receiveBuffer: number
}

/**
 * Opens `count` UDP sockets that share one address, or says in a sentence why it can't. The first one is bound before
 * SO_REUSEPORT is set, so that a port in use is an error (of another dnsweir, too); then it shares the port with the
 * others.
 *
 * @param beside an address that this process holds already (threads were added): all are bound with SO_REUSEPORT
 */
export function openDatagramSockets(
  sys: Sys,
  endpoint: Endpoint,
  count: number,
  beside = false,
): DatagramSockets | string {
  const fds: number[] = []
  let at = endpoint
  while (fds.length < count) {
    const fd = bindDatagramSocket(sys, at, beside || fds.length > 0)
    if (typeof fd === 'string') {
      for (const open of fds) sys.close(open)
      return fd
    }
    if (fds.length === 0) {
      sys.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1)
      at = localEndpoint(sys, fd)
    }
    fds.push(fd)
  }
  const receiveBuffer = count === 0 ? 0 : sys.getsockopt(fds[0] as number, SOL_SOCKET, SO_RCVBUF)
  return { fds, endpoint: at, receiveBuffer }
}

/** One bound UDP socket with a large receive buffer: its fd, or a sentence. */
export function bindDatagramSocket(sys: Sys, endpoint: Endpoint, shared = false): number | string {
  const fd = openSocket(sys, endpoint, SOCK_DGRAM)
  if (typeof fd === 'string') return fd
  if (shared) sys.setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, 1)
  // Past the limit of net.core.rmem_max, which needs CAP_NET_ADMIN; else up to it.
  if (sys.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, receiveBufferBytes) < 0) {
    sys.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, receiveBufferBytes)
  }
  return bound(sys, fd, endpoint, 'UDP')
}

/** One bound and listening TCP socket: its fd, or a sentence. */
export function openStreamSocket(sys: Sys, endpoint: Endpoint): number | string {
  const fd = openSocket(sys, endpoint, SOCK_STREAM)
  if (typeof fd === 'string') return fd
  // Without it a restart fails as long as old connections stand in TIME_WAIT. Two listeners on one port it does not
  // allow.
  sys.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1)
  const result = bound(sys, fd, endpoint, 'TCP')
  if (typeof result === 'string' || sys.listen(fd, backlog) === 0) return result
  return failed(sys, fd, `cannot listen on ${endpointText(endpoint)} (TCP)`)
}

/** A UDP socket bound to `localPort` of the wildcard address and connected; -1 when the network says no. */
export function connectDatagramSocket(sys: Sys, remote: Endpoint, localPort: number): number {
  const fd = openSocket(sys, remote, SOCK_DGRAM)
  if (typeof fd === 'string') return -1
  const wildcard = { address: new Uint8Array(remote.address.length), port: localPort, scope: 0 }
  if (bindTo(sys, fd, wildcard) && connectTo(sys, fd, remote)) return fd
  sys.close(fd)
  return -1
}

/** Where a socket is bound. */
export function localEndpoint(sys: Sys, fd: number): Endpoint {
  sys.getsockname(fd, sys.sockaddr.address, endpointBytes)
  return readEndpoint(new Uint8Array(sys.sockaddr.buffer), 0)
}

/**
 * From now on the kernel gives the socket nothing new (it hands queries to others that share the address), while what waits in it can still be read, and
 * replies still leave from it: it is connected to its own address, from which nobody asks. False when the kernel says no.
 */
export function deafenDatagramSocket(sys: Sys, fd: number): boolean {
  return connectTo(sys, fd, localEndpoint(sys, fd))
}

function openSocket(sys: Sys, endpoint: Endpoint, type: number): number | string {
  const v6 = endpoint.address.length === 16
  const fd = sys.socket(v6 ? AF_INET6 : AF_INET, type)
  if (fd < 0) return `cannot open a socket for ${endpointText(endpoint)}: ${errnoSentence(sys.errno())}`
  // `::` shall not take the port of IPv4, whose addresses have sockets of their own.
  if (v6) sys.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)
  // Datagrams are never fragmented (RFC 9715 section 3), whatever an ICMP message says of the path: ours fit into the smallest one of IPv6. The kernel
  // need not number them then, either.
  else if (type === SOCK_DGRAM) sys.setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE)
  return fd
}

function bound(sys: Sys, fd: number, endpoint: Endpoint, transport: string): number | string {
  if (bindTo(sys, fd, endpoint)) return fd
  return failed(sys, fd, `cannot listen on ${endpointText(endpoint)} (${transport})`)
}

function bindTo(sys: Sys, fd: number, endpoint: Endpoint): boolean {
  const length = writeEndpoint(endpoint, new Uint8Array(sys.sockaddr.buffer), 0)
  return sys.bind(fd, sys.sockaddr.address, length) === 0
}

function connectTo(sys: Sys, fd: number, endpoint: Endpoint): boolean {
  const length = writeEndpoint(endpoint, new Uint8Array(sys.sockaddr.buffer), 0)
  return sys.connect(fd, sys.sockaddr.address, length) === 0
}

function failed(sys: Sys, fd: number, what: string): string {
  const why = errnoSentence(sys.errno())
  sys.close(fd)
  return `${what}: ${why}`
}
