import { hashBytes } from '../base/hash.ts'
import { PROBE_COREDNS, PROBE_DNSWEIR } from '../query/probe.ts'
import type { Query } from '../query/query.ts'
import { type Choice, RESTRAINED } from './choice.ts'
import type { Flights } from './flight.ts'
import type { LoopBoard } from './loop-board.ts'
import { Suspicion } from './suspicion.ts'

/**
 * Whom a loop probe of another server goes to (FIELD 3.1): one upstream, at most 20 a second, never twice to the same, and never to one that loops, so
 * that a CoreDNS behind us lives.
 *
 * A dnsweir's probe does go to one that loops if there is no other: it kills nobody, and two that forward to each other would not both learn of it
 * if the first to know kept the other's probes to itself.
 */
export class Passing {
  private readonly choice: Choice
  private readonly flights: Flights
  private readonly board: LoopBoard
  readonly suspicion: Suspicion
  private readonly hashSeed: number

  constructor(choice: Choice, flights: Flights, board: LoopBoard, hashSeed: number) {
    this.choice = choice
    this.flights = flights
    this.board = board
    this.suspicion = new Suspicion(board)
    this.hashSeed = hashSeed
  }

  /** The upstream, or NO_UPSTREAM, or RESTRAINED; `kind` is PROBE_*. */
  upstreamFor(query: Query, kind: number, now: number): number {
    const { name, nameLength, askType, route, client } = query
    const { passes } = this.board
    const hash = this.flights.hash(name, nameLength, askType)
    const looping = this.board.loopingFor(route, name, 0, nameLength)
    const tried = passes.tried(hash, now)
    const isOfHex = kind === PROBE_DNSWEIR
    const label = isOfHex || kind === PROBE_COREDNS ? 2 : 0
    // It has gone around, or whoever asks lost patience.
    if (tried !== 0) this.suspicion.probed(query, label, tried, now)
    const known = this.choice.once(route, looping | tried)
    const upstream = known === RESTRAINED && isOfHex ? this.choice.once(route, tried) : known
    if (upstream < 0) return upstream
    if (!passes.pass(hash, hashBytes(this.hashSeed, client, 0, client.length), upstream, now)) return RESTRAINED
    // Whoever looks for loops before us may stand behind us, too.
    if (isOfHex) this.suspicion.probed(query, label, 1 << upstream, now)
    return upstream
  }
}
