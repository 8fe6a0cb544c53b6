import type { Random } from '../base/random.ts'
import { upstreamsMax } from '../link/plan-data.ts'
import { valueBefore } from './before.ts'
import { Latency } from './latency.ts'

/** An attempt moves on after max(4 × smoothed RTT, 300 ms): below that a retry would be noise, not help. */
const attemptMsMin = 300
const rttFactor = 4
/** Assumed of an upstream that has not answered yet. */
const rttUnknownMs = 100
/** So many attempts in a row without an answer, each sent after the last one, and it is down … */
const silencesMax = 3
/** … or so many questions in a row that it failed and another upstream answered … */
const blamesMax = 5
/** … unless it gave such an answer just now: many attempts of one moment are one event. */
const quietMs = 250
/** It is down as well when more than this share of what it was asked went wrong, counted over the last few dozen. */
const badShareMax = 2 / 3
const shareWeight = 1 / 32
/** The share that it starts with when it is back. */
const badShareBack = 1 / 4
/** It is back after so many good answers, none missing among them, for so long that a missing one would have been missed, … */
const goodMin = 3
const steadyMs = 500
/** … twice as many each time it went down within a minute of being back, at most so many. */
const goodMax = 24
const relapseMs = 60_000
/** Without a word for so long it may be gone. */
const silentMs = 10_000
/** How often a question is sent to an upstream that is down as well: at first, and at last; doubled each time, give or take a quarter. */
const retestMsMin = 1000
const retestMsMax = 30_000
/** After a good answer the next test follows at once, or it would take minutes to be sure. */
const followUpMs = 100

/** What a piece of news made of an upstream. */
export const NO_CHANGE = 0
export const FELL = 1
export const ROSE = 2

/**
 * What real traffic tells of each upstream: whether it is up or down (others are preferred, nothing more). There are no health queries of its own:
 * while it is up its traffic tells, while it is down now and then a client's question is sent to it as well.
 */
export class Health {
  readonly latency = new Latency()
  /** Smoothed round-trip time in ms, 0 before the first answer. */
  readonly rtt = this.latency.rtt
  /** Attempts in a row that it left without an answer, and questions in a row that only others answered. */
  readonly silences = new Uint16Array(upstreamsMax)
  readonly blames = new Uint16Array(upstreamsMax)
  /** Flights in a row that went to a second upstream since this one was slow, without a word from it. */
  readonly outrun = new Uint8Array(upstreamsMax)
  /** Upstreams that are down, a bit each. */
  down = 0
  /** Those among them that have given a good answer since. */
  hopeful = 0
  /** ms at which it last came back from being down; 0: it never was. */
  readonly backSince = new Float64Array(upstreamsMax)
  readonly downSince = new Float64Array(upstreamsMax)
  /** ms at which one that is or was down gave its first good answer: what failed before is no news; 0: none did. */
  readonly answersSince = new Float64Array(upstreamsMax)
  private readonly random: Random
  private readonly heardAt = new Float64Array(upstreamsMax).fill(Number.NEGATIVE_INFINITY)
  private readonly goodAt = new Float64Array(upstreamsMax).fill(Number.NEGATIVE_INFINITY)
  private readonly badShare = new Float64Array(upstreamsMax)
  private readonly good = new Uint8Array(upstreamsMax)
  /** When the first of them came. */
  private readonly goodSince = new Float64Array(upstreamsMax)
  private readonly goodNeeded = new Uint8Array(upstreamsMax).fill(goodMin)
  private readonly blamedFor = new Uint32Array(upstreamsMax)
  private readonly retestAt = new Float64Array(upstreamsMax)
  private readonly retestMs = new Float64Array(upstreamsMax)

  constructor(random: Random) {
    this.random = random
  }

  /** `before[new index]`: the upstream's index so far, or -1. */
  configure(before: readonly number[]): void {
    this.latency.configure(before)
    const { down, hopeful } = this
    const move = (column: Float64Array | Uint8Array | Uint16Array | Uint32Array, otherwise = 0): void => {
      const old = column.slice()
      for (let i = 0; i < upstreamsMax; i++) column[i] = valueBefore(old, before[i] ?? -1, otherwise)
    }
    for (const column of [this.silences, this.blames, this.outrun, this.backSince, this.downSince]) move(column)
    move(this.answersSince)
    for (const column of [this.badShare, this.good, this.goodSince, this.blamedFor, this.retestAt, this.retestMs])
      move(column)
    for (const column of [this.heardAt, this.goodAt]) move(column, Number.NEGATIVE_INFINITY)
    move(this.goodNeeded, goodMin)
    this.down = 0
    this.hopeful = 0
    before.forEach((old, i) => {
      if (old === -1) return
      this.down |= ((down >>> old) & 1) << i
      this.hopeful |= ((hopeful >>> old) & 1) << i
    })
  }

  /** It gave an answer that helps, whatever it says. */
  answered(upstream: number, rttMs: number, now: number): number {
    this.latency.sample(upstream, rttMs)
    this.alive(upstream, now)
    this.goodAt[upstream] = now
    this.blames[upstream] = 0
    this.count(upstream, 0)
    if ((this.down & (1 << upstream)) === 0) return NO_CHANGE
    const good = Math.min((this.good[upstream] as number) + 1, 0xff)
    this.good[upstream] = good
    if (good === 1) {
      this.goodSince[upstream] = now
      this.answersSince[upstream] = now
    }
    this.hopeful |= 1 << upstream
    this.retestAt[upstream] = now + followUpMs
    const isSteady = now - (this.goodSince[upstream] as number) >= steadyMs
    if (!isSteady || good < (this.goodNeeded[upstream] as number)) return NO_CHANGE
    this.rise(upstream, now)
    return ROSE
  }

  /** It answered SERVFAIL, REFUSED or the like: it is there. Whether it is at fault or the name is, only another upstream can tell. */
  alive(upstream: number, now: number): void {
    this.heardAt[upstream] = now
    this.silences[upstream] = 0
    this.outrun[upstream] = 0
    this.retestMs[upstream] = retestMsMin
  }

  /** Did one of them say anything of late? Then it is there, and only some of its names are dead. */
  speaks(upstreams: number, now: number): boolean {
    for (let rest = upstreams; rest !== 0; rest &= rest - 1) {
      if (now - (this.heardAt[31 - Math.clz32(rest & -rest)] as number) < silentMs) return true
    }
    return false
  }

  /** Another upstream has answered the question (`hash`) that this one failed. One question counts once in a row. */
  blamed(upstream: number, hash: number, now: number): number {
    if (this.blamedFor[upstream] === hash >>> 0) return NO_CHANGE
    this.blamedFor[upstream] = hash
    this.count(upstream, 1)
    const blames = Math.min((this.blames[upstream] as number) + 1, 0xffff)
    this.blames[upstream] = blames
    this.doubt(upstream)
    return this.judge(upstream, blames >= blamesMax && now - (this.goodAt[upstream] as number) >= quietMs, now)
  }

  /** It did not answer within `elapsedMs`, or the network said no. The time waited counts as a sample: it was at least that slow. */
  failed(upstream: number, elapsedMs: number, now: number): number {
    if (elapsedMs > 0) this.latency.sample(upstream, elapsedMs)
    this.count(upstream, 1)
    const heardAt = this.heardAt[upstream] as number
    // It was heard since that was sent: a packet was lost, or it is slow, but there it is.
    const isSilence = now - elapsedMs >= heardAt
    const silences = Math.min((this.silences[upstream] as number) + (isSilence ? 1 : 0), 0xffff)
    this.silences[upstream] = silences
    if (now - elapsedMs >= (this.goodSince[upstream] as number)) this.doubt(upstream)
    return this.judge(upstream, silences >= silencesMax && now - heardAt >= quietMs, now)
  }

  /** Is it time to try an upstream that is down? Says yes once per interval. */
  retestDue(upstream: number, now: number): boolean {
    if ((this.down & (1 << upstream)) === 0 || now < (this.retestAt[upstream] as number)) return false
    this.later(upstream, now)
    return true
  }

  /** How long to wait for this upstream before the next attempt, in ms. */
  attemptMs(upstream: number): number {
    const rtt = this.rtt[upstream] as number
    return Math.max(rttFactor * (rtt === 0 ? rttUnknownMs : rtt), attemptMsMin)
  }

  private count(upstream: number, bad: 0 | 1): void {
    const share = this.badShare[upstream] as number
    this.badShare[upstream] = share + (bad - share) * shareWeight
  }

  private judge(upstream: number, isStreak: boolean, now: number): number {
    const isBad = isStreak || (this.badShare[upstream] as number) > badShareMax
    if (!isBad || (this.down & (1 << upstream)) !== 0) return NO_CHANGE
    const backSince = this.backSince[upstream] as number
    const isRelapse = backSince !== 0 && now - backSince < relapseMs
    this.goodNeeded[upstream] = isRelapse ? Math.min((this.goodNeeded[upstream] as number) * 2, goodMax) : goodMin
    this.doubt(upstream)
    this.down |= 1 << upstream
    this.downSince[upstream] = now
    this.retestMs[upstream] = retestMsMin
    this.later(upstream, now)
    return FELL
  }

  /** Good answers are counted from the next one on. */
  private doubt(upstream: number): void {
    this.good[upstream] = 0
    this.hopeful &= ~(1 << upstream)
  }

  private rise(upstream: number, now: number): void {
    this.backSince[upstream] = now
    this.badShare[upstream] = badShareBack
    this.down &= ~(1 << upstream)
    this.hopeful &= ~(1 << upstream)
  }

  /** The next test is due after the interval, give or take a quarter, so that many who lost one upstream don't come back together. */
  private later(upstream: number, now: number): void {
    const ms = this.retestMs[upstream] as number
    this.retestAt[upstream] = now + ms * (3 / 4 + this.random.u16() / 0x20000)
    this.retestMs[upstream] = Math.min(ms * 2, retestMsMax)
  }
}
