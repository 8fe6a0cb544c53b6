import type { Random } from '../base/random.ts'
import { Slots } from '../base/slots.ts'
import type { PlanData, UpstreamData } from '../link/plan-data.ts'
import { upstreamsMax } from '../link/plan-data.ts'
import type { Endpoint } from '../net/endpoint.ts'
import type { DatagramPort, Reactor } from '../net/reactor.ts'
import { indexAfter } from './flight.ts'

/** Ports towards one upstream: a guesser has 16 bits of id and these on top of the port's own (RFC 5452 section 9.2). */
export const poolMax = 64
/** Towards private upstreams it starts here and grows with load: nobody off the path can send to them. */
export const poolMin = 4
/** One more port is opened when more flights than this wait on each. */
const waitingPerPortMax = 16
/** Ports that are retired but still have flights in the air. */
const retiringMax = 256
export const portsMax = upstreamsMax * poolMax + retiringMax
/** A port lives at least this long, or the pool would flood the NAT tables on its way. */
const portLifeMsMin = 60_000
/** A port is retired after so many uses, and up to twice as many, so that they don't all go at once. */
const usesMin = 4096
/** At this many uses it goes whatever its age; 64 ports reach it at 70,000 misses a second only. */
const usesMax = 65_536
/** Flights that share one random choice, so that their packets leave in one system call. */
const flightsPerChoice = 4
/** How many port numbers are tried before the network is believed to say no. */
const bindTries = 8
/** After a failure to open, the next try waits this long: without a route every query would pay for it. */
const reopenMs = 1000

/**
 * Connected UDP sockets on random ports of 1024 – 65535, a pool per upstream. Opening one costs two system calls and
 * an object, at start and then at most once per port and minute; a choice costs neither.
 *
 *   live[upstream · 64 …] ─▶ port ─▶ DatagramPort (its tag is the port's number here)
 *   retiring ─▶ port, port: receive until nothing waits on them
 */
export class Pool {
  private readonly reactor: Reactor
  private readonly random: Random
  private readonly slots = new Slots(portsMax)
  private readonly ports: (DatagramPort | undefined)[] = new Array(portsMax).fill(undefined)
  private readonly upstream = new Int8Array(portsMax)
  private readonly openedAt = new Float64Array(portsMax)
  private readonly uses = new Uint32Array(portsMax)
  private readonly usesLeft = new Uint32Array(portsMax)
  private readonly waiting = new Int32Array(portsMax)

  private lists: UpstreamPorts[] = []
  private readonly retiring = new Int16Array(portsMax)
  private retiringCount = 0

  constructor(reactor: Reactor, random: Random) {
    this.reactor = reactor
    this.random = random
  }

  /** The socket of a port number; undefined once closed. */
  socket(port: number): DatagramPort | undefined {
    return this.ports[port]
  }

  /** The upstream of a port; -1 when a reload took it away. */
  upstreamOf(port: number): number {
    return this.upstream[port] as number
  }

  /** Ports open towards `upstream`, without those that retire. */
  size(upstream: number): number {
    return this.lists[upstream]?.count ?? 0
  }

  /** All sockets open now. */
  get open(): number {
    return this.slots.inUse
  }

  /** Takes over the plan: `before[new index]` is the upstream's index so far, or -1. Ports of upstreams that are gone retire. */
  configure(plan: PlanData, before: readonly number[], now: number): void {
    const lists = this.lists
    lists.forEach((list, old) => {
      // An interface that came back has another index: ports on the old one lead nowhere.
      const scope = plan.upstreams[before.indexOf(old)]?.scope
      while (scope !== list.endpoint.scope && list.count > 0) this.retire(list, list.live[0] as number)
    })
    for (let port = 0; port < portsMax; port++) {
      if (this.ports[port] !== undefined) this.upstream[port] = indexAfter(before, this.upstream[port] as number)
    }
    this.lists = plan.upstreams.map((upstream, i) => {
      const list = lists[before[i] as number]
      if (list?.endpoint.scope === upstream.scope) return list
      const anew = new UpstreamPorts(upstream)
      // What waits on the old ports is released here.
      anew.waiting = list?.waiting ?? 0
      return anew
    })
    const asked = new Set(plan.routes.flatMap((route) => route.upstreams))
    this.lists.forEach((list, i) => {
      list.min = plan.upstreams[i]?.isPrivate ? poolMin : poolMax
      // One that a reload took away keeps its place in the plan, so that counters keep their labels; its sockets go.
      while (!asked.has(i) && list.count > 0) this.retire(list, list.live[0] as number)
      if (list.isDatagram && asked.has(i)) this.fill(i, now)
    })
  }

  /** A random port towards the upstream for one more question, or -1 when the network gives none. */
  pick(upstream: number, now: number): number {
    const list = this.lists[upstream] as UpstreamPorts
    if (list.choiceLeft === 0 || list.count === 0) {
      const busy = list.count < poolMax && list.waiting > waitingPerPortMax * list.count
      if (busy || list.count < list.min) this.openPort(upstream, now)
      if (list.count === 0) return -1
      list.choice = list.live[this.random.u32() % list.count] as number
      list.choiceLeft = flightsPerChoice
    }
    list.choiceLeft--
    const port = list.choice
    this.uses[port] = (this.uses[port] as number) + 1
    this.waiting[port] = (this.waiting[port] as number) + 1
    list.waiting++
    if (this.isSpent(port, now)) {
      list.choiceLeft = 0
      this.retire(list, port)
      this.fill(upstream, now)
    }
    return port
  }

  /** A question no longer waits on the port. */
  release(port: number): void {
    this.waiting[port] = (this.waiting[port] as number) - 1
    const upstream = this.upstream[port] as number
    if (upstream !== -1) (this.lists[upstream] as UpstreamPorts).waiting--
  }

  /** Closes retired ports on which nothing waits any more. Not done in `release`: the turn may still hold the socket. */
  run(): void {
    for (let i = this.retiringCount - 1; i >= 0; i--) {
      const port = this.retiring[i] as number
      if (this.waiting[port] !== 0) continue
      this.retiring[i] = this.retiring[--this.retiringCount] as number
      this.ports[port]?.close()
      this.ports[port] = undefined
      this.slots.release(port)
    }
  }

  private isSpent(port: number, now: number): boolean {
    const uses = this.uses[port] as number
    if (uses >= usesMax) return true
    return uses >= (this.usesLeft[port] as number) && now - (this.openedAt[port] as number) >= portLifeMsMin
  }

  private fill(upstream: number, now: number): void {
    const list = this.lists[upstream] as UpstreamPorts
    while (list.count < list.min) if (this.openPort(upstream, now) === -1) return
  }

  private retire(list: UpstreamPorts, port: number): void {
    const place = list.live.indexOf(port)
    list.live[place] = list.live[--list.count] as number
    this.retiring[this.retiringCount++] = port
  }

  private openPort(upstream: number, now: number): number {
    const list = this.lists[upstream] as UpstreamPorts
    if (now < list.reopenAt) return -1
    const port = this.slots.take()
    if (port === -1) return -1
    for (let i = 0; i < bindTries; i++) {
      const number = 1024 + (this.random.u32() % (65_536 - 1024))
      const socket = this.reactor.openUpstream(list.endpoint, number)
      if (socket === undefined) continue
      socket.tag = port
      this.ports[port] = socket
      this.upstream[port] = upstream
      this.openedAt[port] = now
      this.uses[port] = 0
      this.usesLeft[port] = usesMin + (this.random.u32() % usesMin)
      this.waiting[port] = 0
      list.live[list.count++] = port
      return port
    }
    this.slots.release(port)
    list.reopenAt = now + reopenMs
    return -1
  }
}

/** The ports of one upstream, and the choice that the next flights share. */
class UpstreamPorts {
  readonly endpoint: Endpoint
  readonly isDatagram: boolean
  readonly live = new Int16Array(poolMax)
  count = 0
  min = poolMin
  waiting = 0
  choice = -1
  choiceLeft = 0
  reopenAt = 0

  constructor(upstream: UpstreamData) {
    this.endpoint = { address: upstream.address, port: upstream.port, scope: upstream.scope }
    this.isDatagram = upstream.transport === 'udp'
  }
}
