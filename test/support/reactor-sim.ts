import type { Clock } from '../../src/base/clock.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import type { Endpoint } from '../../src/net/endpoint.ts'
import { endpointText } from '../../src/net/endpoint-text.ts'
import type { DatagramPort, ListenerSocket, Reactor, Ready, Turn } from '../../src/net/reactor.ts'
import { ECONNREFUSED } from '../../src/net/sys.ts'
import { SimPort } from './sim-port.ts'
import { SimQueue } from './sim-queue.ts'

/** How the network behaves. Chances are 0 … 1, delays milliseconds one way. */
export interface Weather {
  readonly loss: number
  readonly duplication: number
  readonly delayMin: number
  readonly delayMax: number
}

export const fairWeather: Weather = { loss: 0, duplication: 0, delayMin: 0.1, delayMax: 0.5 }

/** A program of the test at an address: takes a datagram; what it sends goes out from that address. */
export type Host = (bytes: Uint8Array, from: Endpoint, reply: (bytes: Uint8Array) => void) => void

/** Turns at one instant before the simulation says that a turn leaves something undrained for ever. */
const turnsAtOnceMax = 10_000

/**
 * A network in memory and the reactors on it. Everything that happens follows from the seed and from what the test
 * sends, so a failure is repeated by its seed; hours pass in a second, since time stands still until `advance`.
 *
 *   client ─ send ─▶ delay, loss, duplication ─▶ listener ─▶ turn ─▶ upstream port ─▶ delay … ─▶ host ─▶ … ─▶ turn
 */
export class SimWorld {
  weather: Weather
  readonly random: Random
  private readonly queue: SimQueue
  private readonly reactors: SimReactor[] = []
  private readonly hosts = new Map<string, Host>()
  /** Listening and connected ports by their address; several listeners at one address share it (SO_REUSEPORT). */
  private readonly ports = new Map<string, SimPort[]>()

  constructor(options: { seed: number; weather?: Weather }) {
    this.random = seededRandom(options.seed)
    this.queue = new SimQueue(this.random)
    this.weather = options.weather ?? fairWeather
  }

  get clock(): Clock {
    return this.queue
  }

  /** Another shard of the program under test. Its upstream ports have the address 10.0.0.1 or fd00::1. */
  reactor(): SimReactor {
    const reactor = new SimReactor(this)
    this.reactors.push(reactor)
    return reactor
  }

  /** Puts a program at an address (or takes it away): an upstream, or a client that waits for replies. */
  host(at: Endpoint, host: Host | undefined): void {
    if (host === undefined) this.hosts.delete(endpointText(at))
    else this.hosts.set(endpointText(at), host)
  }

  /** A datagram leaves `from`; what becomes of it is up to the weather. */
  send(from: Endpoint, to: Endpoint, bytes: Uint8Array, sender?: SimPort): void {
    const { loss, duplication } = this.weather
    if (this.chance(loss)) return
    const copies = this.chance(duplication) ? 2 : 1
    for (let copy = 0; copy < copies; copy++) {
      const kept = bytes.slice()
      this.queue.after(this.delay(), () => this.arrive(from, to, kept, sender))
    }
  }

  /** Lets `ms` pass: datagrams arrive, deadlines run. */
  advance(ms: number): void {
    const end = this.queue.now() + ms
    for (;;) {
      this.turnAll()
      const next = Math.min(this.queue.next(), ...this.reactors.map((reactor) => reactor.due))
      if (next > end) break
      this.queue.runTo(next)
    }
    this.queue.runTo(end)
  }

  /** Of a port: in use from now on. False when somebody else has the address. */
  claim(port: SimPort): boolean {
    const key = endpointText(port.local)
    const there = this.ports.get(key) ?? []
    if (there.some((other) => port.connected || other.connected || other.owner === port.owner)) return false
    this.ports.set(key, [...there, port])
    return true
  }

  free(port: SimPort): void {
    const key = endpointText(port.local)
    const rest = (this.ports.get(key) ?? []).filter((other) => other !== port)
    if (rest.length === 0) this.ports.delete(key)
    else this.ports.set(key, rest)
  }

  private arrive(from: Endpoint, to: Endpoint, bytes: Uint8Array, sender: SimPort | undefined): void {
    const ports = this.ports.get(endpointText(to))
    const host = this.hosts.get(endpointText(to))
    if (ports !== undefined) ports[(from.port + (from.address.at(-1) ?? 0)) % ports.length]?.arrived(bytes, from)
    else if (host !== undefined) host(bytes, from, (reply) => this.send(to, from, reply))
    // Nobody there: the machine at that address says so (ICMP), after another way back.
    else if (sender?.connected) this.queue.after(this.delay(), () => sender.refused(ECONNREFUSED))
  }

  private turnAll(): void {
    for (let round = 0; this.reactors.some((reactor) => reactor.turnIfDue()); round++) {
      if (round > turnsAtOnceMax) throw new Error('the turn leaves a port undrained, or a deadline in the past')
    }
  }

  private chance(probability: number): boolean {
    return probability > 0 && this.random.u32() < probability * 2 ** 32
  }

  private delay(): number {
    const { delayMin, delayMax } = this.weather
    return delayMin + ((delayMax - delayMin) * this.random.u32()) / 2 ** 32
  }
}

/** Calls the turn when the world's clock or a datagram asks for it. */
export class SimReactor implements Reactor {
  readonly engine = 'simulation'
  /** When the turn is to be called next, in the world's time. */
  due = Infinity
  readonly ports = new Set<SimPort>()
  private readonly world: SimWorld
  private readonly ready: Ready = { kicked: false, upstreams: [], upstreamCount: 0, listeners: [], listenerCount: 0 }
  private turn: Turn | undefined
  private kicked = false

  constructor(world: SimWorld) {
    this.world = world
  }

  openListener(listener: ListenerSocket): DatagramPort {
    const port = new SimPort(this.world, this, listener.endpoint, undefined)
    if (!this.world.claim(port)) throw new Error(`${endpointText(listener.endpoint)} is in use`)
    this.ports.add(port)
    port.tag = listener.id
    return port
  }

  openUpstream(remote: Endpoint, localPort: number): DatagramPort | undefined {
    const own = remote.address.length === 16 ? ownAddress6 : ownAddress4
    const port = new SimPort(this.world, this, { address: own, port: localPort, scope: 0 }, remote)
    if (!this.world.claim(port)) return undefined
    this.ports.add(port)
    return port
  }

  run(turn: Turn): void {
    this.turn = turn
    this.due = this.world.clock.now()
  }

  stop(): void {
    this.turn = undefined
    this.due = Infinity
    for (const port of this.ports) port.close()
  }

  kick(): void {
    this.kicked = true
  }

  /** One turn, if anything is ready, kicked or due; false when there is nothing to do at this instant. */
  turnIfDue(): boolean {
    if (this.turn === undefined) return false
    const now = this.world.clock.now()
    const found = shuffled(
      [...this.ports].filter((port) => port.ready),
      this.world.random,
    )
    if (found.length === 0 && !this.kicked && this.due > now) return false
    const { ready } = this
    ready.kicked = this.kicked
    this.kicked = false
    fill(
      ready.upstreams,
      found.filter((port) => port.connected),
    )
    fill(
      ready.listeners,
      found.filter((port) => !port.connected),
    )
    ready.upstreamCount = ready.upstreams.length
    ready.listenerCount = ready.listeners.length
    const due = this.turn(now, ready)
    if (this.turn !== undefined) this.due = due
    return true
  }
}

const ownAddress4 = Uint8Array.of(10, 0, 0, 1)
const ownAddress6 = Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)

function shuffled<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.u32() % (i + 1)
    const kept = items[i] as T
    items[i] = items[j] as T
    items[j] = kept
  }
  return items
}

function fill<T>(list: T[], items: readonly T[]): void {
  list.splice(0, list.length, ...items)
}
