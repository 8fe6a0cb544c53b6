/** Probes of others that we pass on, in any second, over all shards. */
export const passesPerSecond = 20
/** Of these, for one sender: one that floods us leaves the others their share. */
export const passesPerSender = 10
/** So long a probe is known that was passed: who gave it to us has its answer, or has given up, by then. */
const knownMs = 5000
/** As many as may pass in that time, and a power of two. */
const passesMax = 128

// Fields of a pass.
const TIME = 0
const NAME = 1
const SENDER = 2
const TRIED = 3
const passWords = 4

/**
 * The probes of others that were passed on lately, in shared memory: a ring in order of time.
 *
 *   next │ time, hash of name and type, sender, upstreams it went to │ …
 *
 * One that comes again while it is known has gone around, and does not go to the same upstream again: else a probe of somebody who is
 * not in the loop would circle in it for ever, and CoreDNS, which exits at the third sighting of its own, would have two of one lap.
 */
export class LoopPasses {
  static readonly words: number = 1 + passesMax * passWords
  private readonly words: Int32Array

  constructor(words: Int32Array) {
    this.words = words
  }

  /** Upstreams that the probe went to, a bit each. */
  tried(name: number, now: number): number {
    const time = timeOf(now)
    let tried = 0
    for (let at = 1; at < this.words.length; at += passWords) {
      if (this.words[at + NAME] === name && this.ageOf(at, time) < knownMs) tried |= this.words[at + TRIED] as number
    }
    return tried
  }

  /** Books that the probe goes to the upstream; false when this second's are spent. */
  pass(name: number, sender: number, upstream: number, now: number): boolean {
    const time = timeOf(now)
    const next = Atomics.load(this.words, 0)
    if (this.ageOf(this.placeOf(next - passesPerSecond), time) < 1001) return false
    let ofSender = 0
    for (let i = 1; i < passesPerSecond; i++) {
      const at = this.placeOf(next - i)
      if (this.words[at + SENDER] === sender && this.ageOf(at, time) < 1001) ofSender++
    }
    if (ofSender >= passesPerSender) return false
    if (Atomics.compareExchange(this.words, 0, next, (next + 1) % passesMax) !== next) return false
    const at = this.placeOf(next)
    this.words[at + NAME] = name
    this.words[at + SENDER] = sender
    this.words[at + TRIED] = 1 << upstream
    this.words[at + TIME] = time
    return true
  }

  private placeOf(index: number): number {
    return 1 + ((index + passesMax) % passesMax) * passWords
  }

  /** ms since; Infinity where nothing stands. */
  private ageOf(at: number, time: number): number {
    const since = this.words[at + TIME] as number
    const age = (time - since) | 0
    return since === 0 || age < 0 ? Number.POSITIVE_INFINITY : age
  }
}

/** ms modulo 2³², never 0, which stands for none. */
function timeOf(now: number): number {
  return Math.floor(now) | 1
}
