import { routesMax, upstreamsMax } from '../link/plan-data.ts'
import { endpointPort } from '../net/endpoint.ts'
import { PROBE_DNSWEIR, probeOf } from '../query/probe.ts'
import type { Query } from '../query/query.ts'
import { readHex } from '../wire/hex.ts'
import { probesMax } from './flight.ts'
import { LoopHints } from './loop-hints.ts'
import { LoopPasses } from './loop-passes.ts'
import { LoopZones } from './loop-zones.ts'
import { probeLabelBytes } from './probe-name.ts'

/** Questions a second that an upstream which loops may still get: of the whole process. */
export const restrainedPerSecond = 20

// Places in words of 4 bytes.
const GENERATION = 0
const FIRST_VERDICT = 2 // and 3: one Float64
const MARKS = 4
const RESTRAINT_NEXT = MARKS + routesMax
const RESTRAINT = RESTRAINT_NEXT + upstreamsMax
const PROBES = RESTRAINT + upstreamsMax * restrainedPerSecond

// Fields of a probe.
const IN_FLIGHT = 0
const SEEN = 1
const LABELS = 2
const LISTENER = 6
const FROM_PORT = 7
const FROM = 8
const probeWords = 12

const ZONES = PROBES + probesMax * probeWords
const HINTS = ZONES + LoopZones.words
const PASSES = HINTS + LoopHints.words
const allWords = PASSES + LoopPasses.words

/**
 * What all shards know of loops, in shared memory: shard 0 sends probes and judges, every shard sees what comes in.
 *
 *   generation │ first verdict │ marks[route]: looping upstreams, a bit each │ times of the last 20 questions for each
 *   restrained upstream │ probes in flight: 128 bits of name, how often seen, where │ zones that loop │ hints │ passes
 *
 * A sighting needs all 128 bits of a probe that is in flight now: a guess can neither mark an upstream nor heal one
 * (CoreDNS CVE-2026-26018).
 */
export class LoopBoard {
  static readonly bytes: number = allWords * 4
  /** Zones that loop where the rest of their route does not. */
  readonly zones: LoopZones
  readonly hints: LoopHints
  /** Probes of others that were passed on. */
  readonly passes: LoopPasses
  private readonly words: Int32Array
  private readonly verdictTime: Float64Array
  private readonly half = new Int32Array(2)

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory)
    this.verdictTime = new Float64Array(memory, FIRST_VERDICT * 4, 1)
    this.zones = new LoopZones(new Int32Array(memory, ZONES * 4, LoopZones.words))
    this.hints = new LoopHints(new Int32Array(memory, HINTS * 4, LoopHints.words))
    this.passes = new LoopPasses(new Int32Array(memory, PASSES * 4, LoopPasses.words))
  }

  /** ms on the shared clock at which every route's upstreams were judged for the first time; 0 before. */
  get firstVerdictAt(): number {
    return this.verdictTime[0] as number
  }

  recordFirstVerdict(now: number): void {
    if (this.verdictTime[0] === 0) this.verdictTime[0] = now
  }

  /** The upstreams at which all of a route loops, a bit each. */
  looping(route: number): number {
    return Atomics.load(this.words, MARKS + route)
  }

  /** The upstreams at which questions of this route for the name (lower-case wire form, from `at` on) loop, a bit each. */
  loopingFor(route: number, name: Uint8Array, at: number, length: number): number {
    return this.looping(route) | this.zones.looping(route, name, at, length)
  }

  isLooping(route: number, upstream: number): boolean {
    return (this.looping(route) & (1 << upstream)) !== 0
  }

  mark(route: number, upstream: number): void {
    Atomics.or(this.words, MARKS + route, 1 << upstream)
  }

  heal(route: number, upstream: number): void {
    Atomics.and(this.words, MARKS + route, ~(1 << upstream))
  }

  /** Forgets marks that speak of another plan: a shard that was restarted keeps those of its own. */
  claim(generation: number): void {
    if (this.words[GENERATION] === generation + 1) return
    for (let route = 0; route < routesMax; route++) Atomics.store(this.words, MARKS + route, 0)
    this.zones.clear()
    this.words[GENERATION] = generation + 1
  }

  /** The plan changed: `marks[route]` are the looping upstreams in its indexes; those of zones are for the caller to write anew. */
  adopt(generation: number, marks: readonly number[]): void {
    for (let route = 0; route < routesMax; route++) Atomics.store(this.words, MARKS + route, marks[route] ?? 0)
    this.zones.clear()
    this.words[GENERATION] = generation + 1
  }

  /** Writes probe `place`'s name, to be seen from now on. */
  launch(place: number, a: number, b: number, c: number, d: number): void {
    const at = PROBES + place * probeWords
    Atomics.store(this.words, at + IN_FLIGHT, 0)
    this.words[at + SEEN] = 0
    this.words[at + LABELS] = a
    this.words[at + LABELS + 1] = b
    this.words[at + LABELS + 2] = c
    this.words[at + LABELS + 3] = d
    Atomics.store(this.words, at + IN_FLIGHT, 1)
  }

  /** Ends a probe; returns how often it was seen. */
  land(place: number): number {
    const at = PROBES + place * probeWords
    Atomics.store(this.words, at + IN_FLIGHT, 0)
    return Atomics.load(this.words, at + SEEN)
  }

  seen(place: number): number {
    return Atomics.load(this.words, PROBES + place * probeWords + SEEN)
  }

  /** Where the probe came in: the listener, and the sender's address (16 bytes to `to`) and port. */
  listenerOf(place: number): number {
    return this.words[PROBES + place * probeWords + LISTENER] as number
  }

  senderOf(place: number, to: Uint8Array): number {
    const at = PROBES + place * probeWords
    const words = this.words.subarray(at + FROM, at + FROM + 4)
    new Uint8Array(to.buffer, to.byteOffset, 16).set(new Uint8Array(words.slice().buffer))
    return this.words[at + FROM_PORT] as number
  }

  /** Is this query one of our own probes, in flight now? Then it is counted, and nobody answers it. */
  sighting(query: Query): boolean {
    if (probeOf(query) !== PROBE_DNSWEIR) return false
    readHex(query.name, 1, this.half)
    const a = this.half[0] as number
    const b = this.half[1] as number
    readHex(query.name, 2 + probeLabelBytes, this.half)
    for (let at = PROBES; at < ZONES; at += probeWords) {
      if (Atomics.load(this.words, at + IN_FLIGHT) === 0) continue
      if (this.words[at + LABELS] !== a || this.words[at + LABELS + 1] !== b) continue
      if (this.words[at + LABELS + 2] !== this.half[0] || this.words[at + LABELS + 3] !== this.half[1]) continue
      this.note(at, query)
      return true
    }
    return false
  }

  /** May one more question go to an upstream that loops? At most 20 in any second, over all shards. */
  mayAskLooping(upstream: number, now: number): boolean {
    return this.within(RESTRAINT_NEXT + upstream, RESTRAINT + upstream * restrainedPerSecond, now)
  }

  /** A ring of the times (ms, modulo 2³²) of the last 20: the next is allowed when the oldest is a second old. */
  private within(nextAt: number, ring: number, now: number): boolean {
    const time = Math.floor(now) | 1
    const next = Atomics.load(this.words, nextAt)
    const place = ring + (next % restrainedPerSecond)
    const oldest = this.words[place] as number
    const age = (time - oldest) | 0
    if (oldest !== 0 && age >= 0 && age < 1001) return false
    const after = (next + 1) % restrainedPerSecond
    if (Atomics.compareExchange(this.words, nextAt, next, after) !== next) return false
    this.words[place] = time
    return true
  }

  private note(at: number, query: Query): void {
    this.words[at + LISTENER] = query.listener
    this.words[at + FROM_PORT] = query.peer.length === 0 ? 0 : endpointPort(query.peer, query.peerAt)
    for (let i = 0; i < 4; i++) this.words[at + FROM + i] = littleEndian(query.client, i * 4)
    Atomics.add(this.words, at + SEEN, 1)
  }
}

function littleEndian(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at + 3] as number) << 24) | ((bytes[at + 2] as number) << 16)
  return high | ((bytes[at + 1] as number) << 8) | (bytes[at] as number)
}
