import assert from 'node:assert/strict'
import type { LoopEvent } from '../../src/link/messages.ts'
import {
  emptyPlan,
  type ForwardData,
  type PlanData,
  type RouteData,
  type UpstreamData,
} from '../../src/link/plan-data.ts'
import { looseCounters } from '../../src/metrics/counters.ts'
import type { Endpoint } from '../../src/net/endpoint.ts'
import { probeOf } from '../../src/query/probe.ts'
import type { Query } from '../../src/query/query.ts'
import type { FlightEnd } from '../../src/upstream/flight-end.ts'
import { Forward } from '../../src/upstream/forward.ts'
import { LoopBoard } from '../../src/upstream/loop-board.ts'
import { nameFromText } from '../../src/wire/text.ts'
import { type Message, parse, type ReplyParts, reply } from './message.ts'
import { type SimReactor, SimWorld, type Weather } from './reactor-sim.ts'

/** What a simulated upstream was asked. */
export interface SimAsked {
  readonly message: Message
  readonly from: Endpoint
  readonly at: number
}

/** What became of one `ask`. */
export interface SimTicket {
  readonly flight: number
  readonly askedAt: number
  overdueAt?: number
  end?: { readonly how: 'answered' | 'failed'; readonly at: number; readonly code: number; readonly answers: number }
}

/** A question handed to streams. */
export interface SimStreamed {
  readonly upstream: number
  readonly token: number
  readonly generation: number
  readonly message: Message
}

type Script = (asked: SimAsked) => ReplyParts | Buffer | readonly Buffer[] | undefined

const forwardDefaults: ForwardData = {
  policy: 'sequential',
  replyWithinMs: 1900,
  attempts: 3,
  giveUpAfterMs: 6000,
  budget: 0,
  hedge: 'off',
}

/** `Forward` with a network, a clock, and an engine that only keeps the books. */
export class ForwardSim implements FlightEnd {
  readonly world: SimWorld
  readonly reactor: SimReactor
  readonly counters = looseCounters()
  readonly board = new LoopBoard(new SharedArrayBuffer(LoopBoard.bytes))
  readonly events: LoopEvent[] = []
  /** What is said of upstreams. */
  readonly notes: string[] = []
  readonly forward: Forward
  readonly streamed: SimStreamed[] = []
  streamCredit = true
  /** Queries that wait now. */
  waiting = 0
  /** Flights whose end was told. */
  ended = 0
  private readonly waiters = new Map<number, SimTicket[]>()
  private plan: PlanData

  constructor(options: { seed?: number; weather?: Weather; shard?: number; plan: PlanData }) {
    this.world = new SimWorld({
      seed: options.seed ?? 1,
      ...(options.weather === undefined ? {} : { weather: options.weather }),
    })
    this.world.advance(1000)
    this.reactor = this.world.reactor()
    this.plan = options.plan
    this.forward = new Forward({
      reactor: this.reactor,
      sys: undefined,
      clock: this.world.clock,
      random: this.world.random,
      counters: this.counters,
      board: this.board,
      streamed: {
        ask: (upstream, token, generation, bytes, at, length) => {
          if (!this.streamCredit) return false
          const message = parse(Buffer.from(bytes.slice(at, at + length)))
          this.streamed.push({ upstream, token, generation, message })
          return true
        },
      },
      events: (event) => (event.kind === 'loop' ? this.events.push(event) : this.notes.push(event.sentence)),
      listenerName: (id) => `listener ${id}`,
      shard: options.shard ?? 1,
      hashSeed: 7,
      end: this,
    })
    this.forward.configure(this.plan)
    this.reactor.run((now, ready) => {
      for (let i = 0; i < ready.upstreamCount; i++) this.forward.receive(ready.upstreams[i] as never, now)
      this.forward.flush()
      return this.forward.run(now)
    })
  }

  get now(): number {
    return this.world.clock.now()
  }

  /** A shared question; waits like the engine does. A negative flight is what `ask` refused with. */
  ask(query: Query): SimTicket {
    return this.wait(this.forward.ask(query, this.now))
  }

  askOnce(query: Query): SimTicket {
    return this.wait(this.forward.askOnce(query, probeOf(query), this.now))
  }

  /** Lets time pass; the turn runs at once if `ask` left something to send. */
  advance(ms: number): void {
    this.reactor.kick()
    this.world.advance(ms)
  }

  reload(plan: PlanData): void {
    this.plan = plan
    this.forward.configure(plan)
  }

  /** Answers the streamed question `index` (the last by default). */
  answerStream(parts: ReplyParts | undefined, index = this.streamed.length - 1): void {
    const asked = this.streamed[index] as SimStreamed
    const bytes = parts === undefined ? new Uint8Array(0) : reply(asked.message, parts)
    this.forward.receiveStreamed(asked.token, asked.generation, bytes, 0, bytes.length, this.now)
  }

  answered(flight: number, bytes: Uint8Array, at: number, length: number, _upstream: number, now: number): void {
    const message = parse(Buffer.from(bytes.slice(at, at + length)))
    this.settle(flight, { how: 'answered', at: now, code: message.rcode, answers: message.answers.length })
  }

  failed(flight: number, reason: number, now: number): void {
    this.settle(flight, { how: 'failed', at: now, code: reason, answers: 0 })
  }

  overdue(flight: number, now: number): void {
    const tickets = this.waiters.get(flight) ?? []
    const replyWithin = this.plan.forward.replyWithinMs
    for (const ticket of tickets) {
      if (ticket.overdueAt !== undefined || ticket.askedAt + replyWithin > now) continue
      ticket.overdueAt = now
      this.waiting--
    }
    const next = tickets.find((ticket) => ticket.overdueAt === undefined)
    if (next !== undefined) this.forward.waitUntil(flight, next.askedAt + replyWithin)
  }

  private wait(flight: number): SimTicket {
    const ticket: SimTicket = { flight, askedAt: this.now }
    if (flight < 0) return ticket
    this.waiting++
    const tickets = this.waiters.get(flight)
    // The shard's own chain says the same: a flight that is new has nobody yet.
    assert.equal(this.forward.firstTicket[flight] === -1, tickets === undefined)
    this.forward.firstTicket[flight] = 1
    if (tickets === undefined) {
      this.waiters.set(flight, [ticket])
      this.forward.waitUntil(flight, ticket.askedAt + this.plan.forward.replyWithinMs)
    } else {
      if (tickets.every((one) => one.overdueAt !== undefined)) {
        this.forward.waitUntil(flight, ticket.askedAt + this.plan.forward.replyWithinMs)
      }
      tickets.push(ticket)
    }
    return ticket
  }

  private settle(flight: number, end: NonNullable<SimTicket['end']>): void {
    const tickets = this.waiters.get(flight)
    assert.ok(tickets, 'a flight ends once, and only if somebody opened it')
    this.waiters.delete(flight)
    this.ended++
    for (const ticket of tickets) {
      ticket.end = end
      if (ticket.overdueAt === undefined) this.waiting--
    }
  }
}

/** A plan of UDP upstreams at 192.0.2.1, .2, … and one route `.` to all of them, unless told otherwise. */
export function simPlan(
  options: {
    readonly upstreams?: readonly Partial<UpstreamData>[]
    readonly routes?: readonly RouteData[]
    readonly forward?: Partial<ForwardData>
    readonly generation?: number
  } = {},
): PlanData {
  const upstreams = (options.upstreams ?? [{}]).map((one, i) => ({
    name: `192.0.2.${i + 1}:53`,
    transport: 'udp' as const,
    address: Uint8Array.of(192, 0, 2, i + 1),
    port: 53,
    scope: 0,
    isPrivate: true,
    ...one,
  }))
  return {
    ...emptyPlan,
    generation: options.generation ?? 0,
    upstreams,
    routes: options.routes ?? [
      simRoute(
        '.',
        ['.'],
        upstreams.map((_, i) => i),
      ),
    ],
    forward: { ...forwardDefaults, ...options.forward },
  }
}

export function simRoute(name: string, zones: readonly string[], upstreams: readonly number[]): RouteData {
  return { name, zones: zones.map((zone) => nameFromText(zone) as Uint8Array), upstreams }
}

/** Puts a scripted upstream at 192.0.2.`number`; returns what it was asked. */
export function simUpstream(sim: ForwardSim, number: number, script: Script): SimAsked[] {
  const asked: SimAsked[] = []
  const at = { address: Uint8Array.of(192, 0, 2, number), port: 53, scope: 0 }
  sim.world.host(at, (bytes, from, send) => {
    const one = { message: parse(Buffer.from(bytes)), from, at: sim.now }
    asked.push(one)
    const answer = script(one)
    if (answer === undefined) return
    for (const packet of Array.isArray(answer) ? answer : [answer]) {
      send(Buffer.isBuffer(packet) ? packet : reply(one.message, packet as ReplyParts))
    }
  })
  return asked
}
