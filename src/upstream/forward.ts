import type { PlanData } from '../link/plan-data.ts'
import { flights as flightEnds, joined } from '../metrics/catalog.ts'
import { Batch } from '../net/batch.ts'
import type { DatagramPort } from '../net/reactor.ts'
import type { Query } from '../query/query.ts'
import { ANSWER_OK } from '../wire/incoming.ts'
import { Acceptance } from './accept.ts'
import { Attempts } from './attempts.ts'
import { indexOf, routeIndex } from './before.ts'
import { Budget, urgencyOf } from './budget.ts'
import { Choice } from './choice.ts'
import { Course, type CourseDeps } from './course.ts'
import { FLAG_RD, Flights, flagsOf, ONCE, OWN, SHARED } from './flight.ts'
import type { ForwardDeps } from './forward-deps.ts'
import { Health } from './health.ts'
import { LoopProbe, probeLifeMs } from './loop-probe.ts'
import { Matcher } from './match.ts'
import { Passing } from './passing.ts'
import { Policy } from './policy.ts'
import { Pool } from './pool.ts'
import type { Launch } from './probe-name.ts'
import { Sender } from './send.ts'
import { Track } from './track.ts'

export { NO_UPSTREAM, RESTRAINED } from './choice.ts'
/** What `ask` says when all flights are taken. */
export const NO_FLIGHT_FULL = -1

/** Answers above this are TC's business; we offer 1232 (RFC 9715), and what is longer is dropped as cut off. */
const answerSlotBytes = 4096
/** Sends to one server before it is left alone (RFC 9520 section 3.2). */
const sendsPerUpstreamMax = 3
const lookaheadMs = 100 // the reactor waits no longer anyway

/**
 * The road upstream: one flight per question, over a pool of random ports or a stream, retried, restrained where it would loop.
 *
 *   engine ──ask──▶ Flights ──Course.attempt──▶ Sender ──▶ Pool's ports, streams
 *   engine ◀─FlightEnd── Course.accept ◀── Matcher ◀──receive── ports       ◀──receiveStreamed── streams
 *   engine ──run, flush──▶ deadlines, loop probes, packets
 */
export class Forward {
  private readonly deps: ForwardDeps
  private readonly flights: Flights
  private readonly attempts = new Attempts()
  private readonly pool: Pool
  readonly budget: Budget
  private readonly policy: Policy
  readonly choice: Choice
  private readonly track: Track
  private readonly sender: Sender
  private readonly matcher: Matcher
  private readonly passing: Passing
  private readonly course: Course
  private readonly acceptance: Acceptance
  private readonly probe: LoopProbe | undefined
  private readonly rx: Batch
  private readonly portFailed = (port: number): void => this.networkError(port)
  private attemptsOf: readonly number[] = []
  private plan: PlanData | undefined
  private now: number
  /** Something was asked or came in since `run`: it has to be called in this turn. */
  isStirred = true

  constructor(deps: ForwardDeps) {
    this.deps = deps
    this.now = deps.clock.now()
    this.flights = new Flights(deps.hashSeed)
    this.pool = new Pool(deps.reactor, deps.random)
    const health = new Health(deps.random)
    this.policy = new Policy(health, deps.random)
    this.budget = new Budget(deps.hashSeed, deps.budget, deps.shard === 0)
    this.track = new Track(health, deps.counters, deps.shard === 0 ? deps.events : undefined)
    this.choice = new Choice(this.policy, health, this.budget, deps.board, this.flights, deps.counters)
    this.passing = new Passing(this.choice, this.flights, deps.board, deps.hashSeed)
    this.sender = new Sender({ ...deps, budget: this.budget }, this.flights, this.attempts, this.pool)
    this.matcher = new Matcher(this.flights, this.attempts, deps.counters)
    this.rx = new Batch(deps.sys, answerSlotBytes)
    this.probe = deps.shard === 0 ? new LoopProbe({ ...deps, launch: this.launch }) : undefined
    const parts: CourseDeps = {
      flights: this.flights,
      attempts: this.attempts,
      health,
      track: this.track,
      choice: this.choice,
      sender: this.sender,
      counters: deps.counters,
      budget: this.budget,
      end: deps.end,
      isStreamed: (upstream) => (this.plan?.upstreams[upstream]?.transport ?? 'udp') !== 'udp',
      ownEnded: (flight, rcode, now) => this.probe?.ended(flight, rcode, now),
    }
    this.course = new Course(parts, this.now)
    this.acceptance = new Acceptance(parts, this.course)
  }

  /** Start and reload. Flights in the air go on; upstreams and routes of the same name keep their state. */
  configure(plan: PlanData): void {
    const now = this.deps.clock.now()
    this.isStirred = true
    const before = this.plan
    const upstreamBefore = plan.upstreams.map((one) => indexOf(before?.upstreams, one.name))
    const routeBefore = plan.routes.map((one) => routeIndex(before?.routes, one))
    this.plan = plan
    const { attempts } = plan.forward
    this.attemptsOf = plan.routes.map((one) => Math.min(attempts, sendsPerUpstreamMax * one.upstreams.length))
    this.track.configure(plan, upstreamBefore)
    this.budget.configure(plan.forward.budget, upstreamBefore, now)
    this.policy.configure(plan)
    this.pool.configure(plan, upstreamBefore, now)
    this.passing.suspicion.configure(plan)
    this.course.configure(plan.forward, upstreamBefore, routeBefore, now)
    this.probe?.configure(plan, now)
  }

  isOpen(query: Query): boolean {
    return this.flights.findFor(query, this.flights.hash(query.name, query.nameLength, query.askType)) !== -1
  }

  /**
   * Joins or opens the flight for (name, askType, RD, CD, DO, route): its number, or NO_FLIGHT_FULL, NO_UPSTREAM, RESTRAINED.
   * The flight does not end before the call returns.
   */
  ask(query: Query, now: number, urgency = urgencyOf(query.askType, query.isJunk)): number {
    this.now = now
    this.isStirred = true
    const hash = this.flights.hash(query.name, query.nameLength, query.askType)
    const open = this.flights.findFor(query, hash)
    if (open !== -1) {
      this.deps.counters.add(joined)
      this.flights.urgency[open] = Math.min(this.flights.urgency[open] as number, urgency)
      if (query.silent) this.course.revive(open, now)
      this.passing.suspicion.joined(query, this.flights.tried[open] as number, now)
      return open
    }
    const { name, nameLength, askType, route } = query
    const upstream = this.choice.first(query, now)
    if (upstream < 0) return upstream
    this.passing.suspicion.fresh(query, now)
    const flight = this.flights.open(SHARED, hash, name, nameLength, askType, flagsOf(query), route)
    if (flight === -1) {
      this.deps.counters.add(flightEnds.refusedFull)
      return NO_FLIGHT_FULL
    }
    const restrained = (this.choice.loopsFor(query) & (1 << upstream)) !== 0
    this.flights.restrained[flight] = restrained ? 1 : 0
    this.flights.urgency[flight] = urgency
    this.flights.client[flight] = this.budget.clientOf(query.client)
    this.flights.attemptsLeft[flight] = restrained ? 1 : (this.attemptsOf[route] as number)
    this.flights.giveUpAt[flight] = now + (this.plan as PlanData).forward.giveUpAfterMs
    this.course.attempt(flight, upstream, now)
    // An upstream that is down is asked the same on the side, once a second: that costs nobody time.
    const test = restrained ? -1 : this.choice.test(flight, now)
    if (test !== -1) this.launch(route, test, name, nameLength, askType, now)
    return flight
  }

  /**
   * A loop probe of others of this kind (PROBE_*): sent once, never joined or retried; RESTRAINED where it may go nowhere.
   */
  askOnce(query: Query, kind: number, now: number): number {
    this.now = now
    this.isStirred = true
    const upstream = this.passing.upstreamFor(query, kind, now)
    if (upstream < 0) return upstream
    const { name, nameLength, askType, route } = query
    const flight = this.flights.open(ONCE, 0, name, nameLength, askType, flagsOf(query), route)
    if (flight === -1) return NO_FLIGHT_FULL
    this.flights.giveUpAt[flight] = now + (this.plan as PlanData).forward.giveUpAfterMs
    this.course.attempt(flight, upstream, now)
    return flight
  }

  /** The engine's chain of who waits for a flight; it reads and writes it, -1 for none. */
  get firstTicket(): Int32Array {
    return this.flights.firstTicket
  }

  /** `overdue` is called at `at` (ms); Infinity for never. One deadline per flight: the earliest waiter's. */
  waitUntil(flight: number, at: number): void {
    this.flights.replyAt[flight] = Math.max(at, this.now + 1)
    this.course.arm(flight)
  }

  /** The question of a flight: its name is `names[nameAt(flight) … + nameLength[flight])`, lower case; flags are FLAG_*. */
  get view(): Flights {
    return this.flights
  }

  /** One system call's worth of what waits on an upstream port. */
  receive(port: DatagramPort, now: number): void {
    this.now = now
    this.isStirred = true
    const number = port.tag
    // A reload in this very turn may have closed it.
    if (this.pool.socket(number) !== port) return
    for (let slot = 0, count = port.receive(this.rx); slot < count; slot++) {
      const at = this.rx.dataAt(slot)
      const length = this.rx.length(slot)
      const attempt = this.matcher.match(number, this.rx.bytes, at, length)
      if (attempt !== -1) this.acceptance.accept(attempt, this.rx.bytes, at, length, now)
      else if (this.matcher.suspect !== -1) this.course.suspect(this.matcher.suspect, now)
    }
    if (port.lastError !== 0) this.networkError(number)
  }

  /** The answer of a streamed upstream; `length` 0: it failed. Late ones, of attempts that ended, are ignored. */
  receiveStreamed(token: number, generation: number, bytes: Uint8Array, at: number, length: number, now: number): void {
    this.now = now
    this.isStirred = true
    if (!this.attempts.isStream(token) || this.attempts.generation[token] !== generation) return
    const isAnswer = length !== 0 && this.matcher.check(token, bytes, at, length) === ANSWER_OK
    if (isAnswer) this.acceptance.accept(token, bytes, at, length, now)
    else this.course.streamFailed(token, now)
  }

  /** Deadlines and probes that are due; returns when it wants to be called again. Sends what came of it. */
  run(now: number): number {
    this.now = now
    this.isStirred = false
    this.course.run(now)
    const next = this.probe?.run(now) ?? Number.POSITIVE_INFINITY
    this.flush()
    this.pool.run()
    return Math.min(next, this.course.upcoming(now, now + lookaheadMs))
  }

  /** The end of a turn: all questions written so far leave. */
  flush(): void {
    this.sender.flush(this.portFailed)
  }

  /** Sends a question of our own, once; returns its flight, or -1. */
  private readonly launch: Launch = (route, upstream, name, nameLength, type, now, lifeMs = probeLifeMs) => {
    const flight = this.flights.open(OWN, 0, name, nameLength, type, FLAG_RD, route)
    if (flight === -1) return -1
    this.flights.giveUpAt[flight] = now + lifeMs
    this.course.attempt(flight, upstream, now)
    return flight
  }

  private networkError(port: number): void {
    const socket = this.pool.socket(port)
    if (socket === undefined) return
    socket.lastError = 0
    this.track.unreachable(this.pool.upstreamOf(port), this.now)
    this.course.portFailed(port, this.now)
  }
}
