import { createRequire } from 'node:module'
import os from 'node:os'
import { assert } from '../base/assert.ts'

/**
 * The system calls dnsweir makes itself, through koffi: the only file that names it.
 * Addresses are plain numbers from `Arena.address`; every one that is handed over was checked against its arena.
 * Results are those of the C functions; -1 is read with `errno()`, at once, since any other call overwrites it.
 */
export interface Sys {
  errno(): number
  socket(family: number, type: number): number
  bind(fd: number, address: number, length: number): number
  connect(fd: number, address: number, length: number): number
  listen(fd: number, backlog: number): number
  getsockname(fd: number, address: number, length: number): number
  setsockopt(fd: number, level: number, option: number, value: number): number
  /** An integer option of a socket, or -1. */
  getsockopt(fd: number, level: number, option: number): number
  dup(fd: number): number
  close(fd: number): number
  eventfd(): number
  /** Adds 1 to an eventfd: wakes who waits for it. Safe from any thread. */
  kick(fd: number): void
  /** Reads an eventfd empty. */
  unkick(fd: number): void
  /** A timer on CLOCK_MONOTONIC that epoll can watch; read it empty with `unkick`. */
  timerfd(): number
  /** Lets it ring once at the absolute time `at` (ms). */
  timerfdSet(fd: number, at: number): void
  epollCreate(): number
  epollAdd(epoll: number, fd: number, data: number): number
  epollRemove(epoll: number, fd: number): number
  epollWait(epoll: number, address: number, count: number, timeoutMs: number): number
  recvmmsg(fd: number, address: number, count: number, flags: number): number
  sendmmsg(fd: number, address: number, count: number, flags: number): number
  gettid(): number
  /** Gives freed memory back to the system, where the C library keeps it (glibc); nothing elsewhere. */
  trim(): void
  /** Memory with a fixed address. Keep it referenced as long as an address into it is in use. */
  arena(bytes: number): Arena
  /**
   * Room for one socket address (32 bytes), to be filled right before `bind` or `connect` and read right after
   * `getsockname`.
   */
  readonly sockaddr: Arena
  /** Bytes of one `struct epoll_event`: packed on x64. */
  readonly epollEventBytes: number
}

/** A piece of memory that C may write to. */
export interface Arena {
  readonly buffer: ArrayBuffer
  readonly address: number
}

export const AF_INET = 2
export const AF_INET6 = 10
export const SOCK_STREAM = 1
export const SOCK_DGRAM = 2
export const SOL_SOCKET = 1
export const SO_REUSEADDR = 2
export const SO_ERROR = 4
export const SO_SNDBUF = 7
export const SO_RCVBUF = 8
export const SO_REUSEPORT = 15
export const SO_SNDBUFFORCE = 32
export const SO_RCVBUFFORCE = 33
export const IPPROTO_IP = 0
export const IP_MTU_DISCOVER = 10
export const IP_PMTUDISC_PROBE = 3
export const IPPROTO_IPV6 = 41
export const IPV6_V6ONLY = 26
export const MSG_DONTWAIT = 0x40
export const EPOLLIN = 1
export const EPOLLERR = 8

export const EINTR = 4
export const EAGAIN = 11
export const EAFNOSUPPORT = 97
export const EADDRINUSE = 98
export const EADDRNOTAVAIL = 99
export const EACCES = 13
export const ENETUNREACH = 101
export const ENOBUFS = 105
export const ECONNREFUSED = 111
export const EHOSTUNREACH = 113

const SOCK_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
const EFD_NONBLOCK_CLOEXEC = 0o4000 | 0o2000000
const CLOCK_MONOTONIC = 1
const TFD_TIMER_ABSTIME = 1
const EPOLL_CLOEXEC = 0o2000000
const EPOLL_CTL_ADD = 1
const EPOLL_CTL_DEL = 2

/** Numbers of the calls that must go around musl's own versions (its `sendmmsg` loops over `sendmsg`). */
const numbers: Record<string, { recvmmsg: number; sendmmsg: number; gettid: number; packed: boolean }> = {
  x64: { recvmmsg: 299, sendmmsg: 307, gettid: 186, packed: true },
  arm64: { recvmmsg: 243, sendmmsg: 269, gettid: 178, packed: false },
}

/** Opens libc, or says in a sentence why it can't. */
export function openSys(): Sys | string {
  if (os.platform() !== 'linux') return `batched system calls are built for Linux, this is ${os.platform()}`
  const number = numbers[process.arch]
  if (number === undefined) return `batched system calls are built for x64 and arm64, this is ${process.arch}`
  try {
    return bindLibc(createRequire(import.meta.url)('koffi') as typeof import('koffi'), number)
  } catch (error) {
    return `koffi could not be loaded: ${(error as Error).message}`
  }
}

function bindLibc(
  koffi: typeof import('koffi'),
  number: { recvmmsg: number; sendmmsg: number; gettid: number; packed: boolean },
): Sys {
  const libc = koffi.load(null)
  const mmsg = libc.func(
    'long syscall(long number, int fd, uintptr_t messages, uint count, int flags, uintptr_t timeout)',
  )
  const plain = libc.func('long syscall(long number)')
  const socket = libc.func('int socket(int family, int type, int protocol)')
  const bind = libc.func('int bind(int fd, uintptr_t address, uint length)')
  const connect = libc.func('int connect(int fd, uintptr_t address, uint length)')
  const listen = libc.func('int listen(int fd, int backlog)')
  const getsockname = libc.func('int getsockname(int fd, uintptr_t address, uintptr_t length)')
  const setsockopt = libc.func('int setsockopt(int fd, int level, int option, uintptr_t value, uint length)')
  const getsockopt = libc.func('int getsockopt(int fd, int level, int option, uintptr_t value, uintptr_t length)')
  const dup = libc.func('int dup(int fd)')
  const close = libc.func('int close(int fd)')
  const eventfd = libc.func('int eventfd(uint value, int flags)')
  const timerfdCreate = libc.func('int timerfd_create(int clock, int flags)')
  const timerfdSettime = libc.func('int timerfd_settime(int fd, int flags, uintptr_t value, uintptr_t before)')
  const read = libc.func('long read(int fd, uintptr_t bytes, size_t count)')
  const write = libc.func('long write(int fd, uintptr_t bytes, size_t count)')
  const epollCreate = libc.func('int epoll_create1(int flags)')
  const epollCtl = libc.func('int epoll_ctl(int epoll, int operation, int fd, uintptr_t event)')
  const epollWait = libc.func('int epoll_wait(int epoll, uintptr_t events, int count, int timeout)')

  const trim = optional(libc, 'int malloc_trim(size_t pad)')
  const scratch = arena(96)
  const words = new Uint32Array(scratch.buffer)
  // The eight bytes that an eventfd takes and gives, and the place where it is read to.
  words[8] = 1
  const oneAt = scratch.address + 32
  const sinkAt = scratch.address + 48

  function arena(bytes: number): Arena {
    const buffer = new ArrayBuffer(bytes)
    return { buffer, address: Number(koffi.address(buffer)) }
  }

  return {
    epollEventBytes: number.packed ? 12 : 16,
    arena,
    sockaddr: arena(32),
    errno: () => koffi.errno(),
    socket: (family, type) => socket(family, type | SOCK_NONBLOCK_CLOEXEC, 0),
    bind: (fd, address, length) => bind(fd, address, length),
    connect: (fd, address, length) => connect(fd, address, length),
    listen: (fd, backlog) => listen(fd, backlog),
    getsockname: (fd, address, length) => {
      words[4] = length
      return getsockname(fd, address, scratch.address + 16)
    },
    setsockopt: (fd, level, option, value) => {
      words[0] = value
      return setsockopt(fd, level, option, scratch.address, 4)
    },
    getsockopt: (fd, level, option) => {
      words[4] = 4
      return getsockopt(fd, level, option, scratch.address, scratch.address + 16) < 0 ? -1 : (words[0] as number)
    },
    dup: (fd) => dup(fd),
    close: (fd) => close(fd),
    eventfd: () => eventfd(0, EFD_NONBLOCK_CLOEXEC),
    timerfd: () => timerfdCreate(CLOCK_MONOTONIC, EFD_NONBLOCK_CLOEXEC),
    timerfdSet: (fd, at) => {
      // struct itimerspec at octet 64: interval (0: once), then seconds and nanoseconds, 8 octets each.
      const seconds = Math.floor(at / 1000)
      words[20] = seconds
      words[22] = Math.floor((at - seconds * 1000) * 1e6)
      timerfdSettime(fd, TFD_TIMER_ABSTIME, scratch.address + 64, 0)
    },
    kick: (fd) => void write(fd, oneAt, 8),
    unkick: (fd) => void read(fd, sinkAt, 8),
    epollCreate: () => epollCreate(EPOLL_CLOEXEC),
    epollAdd: (epoll, fd, data) => {
      words[0] = EPOLLIN
      words[number.packed ? 1 : 2] = data
      words[number.packed ? 2 : 3] = 0
      return epollCtl(epoll, EPOLL_CTL_ADD, fd, scratch.address)
    },
    epollRemove: (epoll, fd) => epollCtl(epoll, EPOLL_CTL_DEL, fd, scratch.address),
    epollWait: (epoll, address, count, timeoutMs) => epollWait(epoll, address, count, timeoutMs),
    recvmmsg: (fd, address, count, flags) => mmsg(number.recvmmsg, fd, address, count, flags, 0),
    sendmmsg: (fd, address, count, flags) => mmsg(number.sendmmsg, fd, address, count, flags, 0),
    gettid: () => plain(number.gettid),
    trim: () => trim(0),
  }
}

/** A function that not every C library has; without it, nothing happens. */
function optional(libc: import('koffi').LibraryHandle, declaration: string): (...args: number[]) => unknown {
  try {
    return libc.func(declaration)
  } catch {
    return () => undefined
  }
}

/** What an errno means to an operator who reads it in a start-up error. */
export function errnoSentence(errno: number): string {
  switch (errno) {
    case EADDRINUSE:
      return 'the port is in use by another program'
    case EADDRNOTAVAIL:
      return 'this machine has no such address'
    case EAFNOSUPPORT:
      return 'this machine has no IPv6'
    case EACCES:
      return 'permission denied (a port below 1024 needs CAP_NET_BIND_SERVICE)'
    default:
      return errnoName(errno)
  }
}

function errnoName(errno: number): string {
  const found = Object.entries(os.constants.errno).find(([, value]) => value === errno)
  return found?.[0] ?? `errno ${errno}`
}

/** Guards every place where an offset becomes an address that C writes to. */
export function addressIn(memory: Arena, offset: number, bytes: number): number {
  assert(offset >= 0 && offset + bytes <= memory.buffer.byteLength, 'an address handed to C lies in its arena')
  return memory.address + offset
}
