import { upstreamsMax } from '../link/plan-data.ts'

/** The same question is already open at the upstream: it may have come back, or another client asks the same. */
export const HINT_SAME = 1
/** It came from the upstream's own address: nobody else has that, but who shares the machine or forges it. */
export const HINT_ADDRESS = 2

const nameWords = 64

// States of a hint.
const EMPTY = 0
const WRITING = 1
const READY = 2

// Fields of a hint.
const STATE = 0
const ROUTE = 1
const STRENGTH = 2
const HEARD = 3
const WRITING_SINCE = 4
const LENGTH = 5
const NAME = 6
const hintWords = NAME + nameWords

/** A shard ends only between two of its steps; one that died while it wrote gives the place up after this. */
const writingMsMax = 1000

/**
 * Passive evidence of loops, one place per upstream: any shard writes, shard 0 takes, once per 5 s and upstream at most. It only brings a probe
 * forward; so all that a forger gains is that probe. Of many hints one is drawn, the stronger kind first: a flood of one kind can
 * delay what another would have told, and never longer than until the regular probe.
 */
export class LoopHints {
  static readonly words: number = 1 + upstreamsMax * hintWords
  private readonly words: Int32Array
  private readonly bytes: Uint8Array
  /** Filled by `take`: the name that came back, and the route it takes. */
  readonly name = new Uint8Array(256)
  nameLength = 0
  route = 0

  constructor(words: Int32Array) {
    this.words = words
    this.bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  }

  /** A question for the name `name[from … to)` seems to have come back from the upstream. */
  post(
    upstream: number,
    route: number,
    name: Uint8Array,
    from: number,
    to: number,
    strength: number,
    now: number,
  ): void {
    const { words } = this
    const at = 1 + upstream * hintWords
    const time = now | 0
    const state = Atomics.load(words, at + STATE)
    if (state === READY && !this.isBetter(at, strength, time)) return
    if (state === WRITING && ((time - (words[at + WRITING_SINCE] as number)) | 0) < writingMsMax) return
    if (Atomics.compareExchange(words, at + STATE, state, WRITING) !== state) return
    words[at + WRITING_SINCE] = time
    if (state !== READY || words[at + STRENGTH] !== strength) words[at + HEARD] = 1
    words[at + ROUTE] = route
    words[at + STRENGTH] = strength
    words[at + LENGTH] = to - from
    for (let i = from; i < to; i++) this.bytes[(at + NAME) * 4 + i - from] = name[i] as number
    Atomics.store(words, at + STATE, READY)
    if (state !== READY) Atomics.store(words, 0, 1)
  }

  /** Has a hint been posted where there was none, since this was last asked? */
  arePosted(): boolean {
    return Atomics.load(this.words, 0) !== 0 && Atomics.exchange(this.words, 0, 0) !== 0
  }

  isReady(upstream: number): boolean {
    return Atomics.load(this.words, 1 + upstream * hintWords + STATE) === READY
  }

  /** Takes the upstream's hint, if there is one. */
  take(upstream: number): boolean {
    const { words } = this
    const at = 1 + upstream * hintWords
    if (Atomics.compareExchange(words, at + STATE, READY, WRITING) !== READY) return false
    this.route = words[at + ROUTE] as number
    this.nameLength = words[at + LENGTH] as number
    const from = (at + NAME) * 4
    for (let i = 0; i < this.nameLength; i++) this.name[i] = this.bytes[from + i] as number
    Atomics.store(words, at + STATE, EMPTY)
    return true
  }

  /** Upstreams have other numbers now. */
  clear(): void {
    for (let upstream = 0; upstream < upstreamsMax; upstream++) {
      Atomics.store(this.words, 1 + upstream * hintWords + STATE, EMPTY)
    }
  }

  /** A stronger one always; of equal ones the n-th with chance 1 : n, so that each is drawn as often. */
  private isBetter(at: number, strength: number, time: number): boolean {
    const known = this.words[at + STRENGTH] as number
    if (strength !== known) return strength > known
    const heard = (this.words[at + HEARD] as number) + 1
    this.words[at + HEARD] = heard
    return (Math.imul(heard ^ time, 0x9e3779b1) >>> 8) % heard === 0
  }
}
