import type { ListenAddress } from '../config/address.ts'
import type { Endpoint } from '../net/endpoint.ts'
import { addressFromNode, endpointText } from '../net/endpoint-text.ts'
import { expandWildcard, type Interfaces, isWildcard } from '../net/interfaces.ts'
import type { ListenerSocket } from '../net/reactor.ts'
import { scopeIndex } from '../net/scopes.ts'
import { openDatagramSockets, openStreamSocket } from '../net/sockets.ts'
import { EADDRNOTAVAIL, errnoSentence, type Sys } from '../net/sys.ts'
import { SetupError } from './setup-error.ts'

/** One address that clients ask, and main's own fds for it. */
export interface Listener {
  /** The same as long as the address is listened on; lists in workers are indexed by it, so it is small. */
  readonly id: number
  readonly endpoint: Endpoint
  readonly text: string
  /** A UDP socket per shard (none for TLS), and one for TCP; none where workers bind for themselves. */
  readonly udp: number[]
  readonly tcp: number
  readonly transport: 'tls' | undefined
}

/** A new list of listeners whose sockets are open; the old list still holds until `commit`. */
export interface Change {
  /** Sockets only go: nobody can refuse that. Never in the dgram engine, where workers bind for themselves. */
  readonly opensNothing: boolean
  readonly listeners: readonly Listener[]
  /** Takes the new list; workers are told between this and `close`. */
  commit(): void
  /** Closes what the old list had and the new one lacks. */
  close(): void
  /** After `commit`: takes the old list again; workers are told between this and `undo`. */
  revert(): void
  /** Closes what was opened. */
  undo(): void
}

/** May an address that a wildcard stands for be left out? Is told why it can't be had. */
export type Skip = (sentence: string) => boolean

interface Wanted {
  readonly endpoint: Endpoint
  readonly text: string
  readonly transport: 'tls' | undefined
  /** Found by expanding a wildcard, not written by the operator. */
  readonly found: boolean
}

/**
 * Owns every listening socket of the process: opens, keeps and closes them, while workers only hold a dup. A worker that
 * crashes loses no packet that the kernel holds for it.
 */
export class Sockets {
  listeners: readonly Listener[] = []
  /** SO_RCVBUF of the last UDP socket opened, as the kernel reports it; 0: unknown. */
  receiveBuffer = 0
  private readonly sys: Sys | undefined
  private readonly interfaces: () => Interfaces

  /** @param sys undefined: workers bind for themselves, only the list is kept here */
  constructor(sys: Sys | undefined, interfaces: () => Interfaces) {
    this.sys = sys
    this.interfaces = interfaces
  }

  /**
   * Opens what `listen` asks for and is not open yet. Throws SetupError when an address can't be had, unless a wildcard
   * stands for it and `skip` says that it may be left out until the next scan.
   */
  prepare(listen: readonly ListenAddress[], shards: number, skip: Skip = skipNotYetUsable): Change {
    const opened: number[] = []
    const undo = (): void => this.closeAll(opened)
    const listeners: Listener[] = []
    try {
      for (const wanted of expand(listen, this.interfaces())) {
        const listener = this.open(wanted, shards, [...this.listeners, ...listeners], opened, skip)
        if (listener !== undefined) listeners.push(listener)
      }
    } catch (error) {
      undo()
      throw error
    }
    const before = this.listeners
    return {
      listeners,
      opensNothing: this.sys !== undefined && opened.length === 0,
      undo,
      commit: () => {
        this.listeners = listeners
      },
      revert: () => {
        this.listeners = before
      },
      close: () => {
        const kept = new Set(listeners.flatMap(fdsOf))
        this.closeAll(before.flatMap(fdsOf).filter((fd) => !kept.has(fd)))
      },
    }
  }

  /** Would `prepare` change anything? */
  isCurrent(listen: readonly ListenAddress[]): boolean {
    const texts = expand(listen, this.interfaces()).map(({ text }) => text)
    return texts.length === this.listeners.length && this.listeners.every(({ text }) => texts.includes(text))
  }

  /**
   * What a worker opens: a dup of each, its own to close; those of the ids it has already come without.
   * @param shard -1: the TCP sockets, for the streams worker
   */
  handOut(shard: number, has: ReadonlySet<number>): ListenerSocket[] {
    return this.listeners.flatMap(({ id, endpoint, udp, tcp, transport }): ListenerSocket[] => {
      if (transport === 'tls' && shard !== -1) return []
      if (this.sys === undefined) return [{ id, endpoint, fd: -1, transport }]
      const fd = shard === -1 ? tcp : udp[shard]
      // A shard that was added, or is to go, has no socket here.
      if (fd === undefined) return []
      return [{ id, endpoint, fd: has.has(id) ? -1 : this.sys.dup(fd), transport }]
    })
  }

  close(): void {
    this.closeAll(this.listeners.flatMap(fdsOf))
    this.listeners = []
  }

  private open(
    { endpoint, text, found, transport }: Wanted,
    shards: number,
    taken: readonly Listener[],
    opened: number[],
    skip: Skip,
  ): Listener | undefined {
    const before = this.listeners.find((one) => one.text === text)
    const id = before?.id ?? freeId(taken)
    if (this.sys === undefined) return { id, endpoint, text, udp: [], tcp: -1, transport }

    const held = before?.udp.slice(0, shards) ?? []
    const count = transport === 'tls' ? 0 : shards - held.length
    const udp = openDatagramSockets(this.sys, endpoint, count, before !== undefined)
    if (typeof udp === 'string') return refuse(udp)
    if (udp.fds.length > 0) this.receiveBuffer = udp.receiveBuffer
    const tcp = before?.tcp ?? openStreamSocket(this.sys, endpoint)
    if (typeof tcp === 'string') {
      this.closeAll(udp.fds)
      return refuse(tcp)
    }
    opened.push(...udp.fds)
    if (before === undefined) opened.push(tcp)
    return { id, endpoint, text, udp: [...held, ...udp.fds], tcp, transport }

    function refuse(sentence: string): undefined {
      if (!found || !skip(sentence)) throw new SetupError(sentence)
    }
  }

  private closeAll(fds: readonly number[]): void {
    for (const fd of fds) this.sys?.close(fd)
  }
}

/** Each address once; one that the operator wrote beside a wildcard counts as written. */
function expand(listen: readonly ListenAddress[], interfaces: Interfaces): Wanted[] {
  const wanted = new Map<string, Wanted>()
  for (const { address, port, transport } of listen) {
    const written: Endpoint = { address: addressFromNode(address), port, scope: scopeIndex(address) }
    for (const endpoint of expandWildcard(written, interfaces)) {
      const text = `${transport === 'tls' ? 'tls://' : ''}${endpointText(endpoint)}`
      const found = isWildcard(written)
      if (!found || !wanted.has(text)) wanted.set(text, { endpoint, text, found, transport })
    }
  }
  return [...wanted.values()]
}

/** IPv6 checks a new address for duplicates before it can be bound. */
function skipNotYetUsable(sentence: string): boolean {
  return sentence.endsWith(errnoSentence(EADDRNOTAVAIL))
}

function freeId(taken: readonly Listener[]): number {
  const ids = new Set(taken.map(({ id }) => id))
  let id = 0
  while (ids.has(id)) id++
  return id
}

function fdsOf({ udp, tcp }: Listener): number[] {
  return tcp === -1 ? udp : [...udp, tcp]
}

/** The addresses, as text, of listeners that are not among others. */
export function missing(from: readonly Listener[], among: readonly Listener[]): string[] {
  return from.filter(({ text }) => !among.some((other) => other.text === text)).map(({ text }) => text)
}
