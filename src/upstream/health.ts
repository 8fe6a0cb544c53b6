import { upstreamsMax } from '../link/plan-data.ts'

/** An attempt moves on after max(4 × smoothed RTT, 300 ms): below that a retry would be noise, not help. */
const attemptMsMin = 300
const rttFactor = 4
/** Assumed of an upstream that has not answered yet. */
const rttUnknownMs = 100
/** The weight of one sample in the smoothed round-trip time (RFC 6298 section 2: alpha = 1/8). */
const smoothing = 1 / 8
/** So many failures in a row make an upstream `down`: others are preferred, nothing more. */
const failuresMax = 3
/** How often a query is sent to an upstream that is down as well, to see whether it is back. */
const retestMs = 1000

/** What real traffic tells of each upstream. There are no health queries of its own: they flap, and they are noise. */
export class Health {
  /** Smoothed round-trip time in ms, 0 before the first answer. */
  readonly rtt = new Float64Array(upstreamsMax)
  /** Failures since the last answer. */
  readonly failures = new Uint16Array(upstreamsMax)
  /** Upstreams that are down, a bit each. */
  down = 0
  /** ms at which it last came back from being down; 0: it never was. */
  readonly backSince = new Float64Array(upstreamsMax)
  private readonly retestAt = new Float64Array(upstreamsMax)

  /** `before[new index]`: the upstream's index so far, or -1. */
  configure(before: readonly number[]): void {
    const rtt = this.rtt.slice()
    const failures = this.failures.slice()
    const retestAt = this.retestAt.slice()
    const backSince = this.backSince.slice()
    const down = this.down
    this.down = 0
    for (let i = 0; i < upstreamsMax; i++) {
      const old = before[i] ?? -1
      this.rtt[i] = old === -1 ? 0 : (rtt[old] as number)
      this.failures[i] = old === -1 ? 0 : (failures[old] as number)
      this.backSince[i] = old === -1 ? 0 : (backSince[old] as number)
      this.retestAt[i] = old === -1 ? 0 : (retestAt[old] as number)
      if (old !== -1 && (down & (1 << old)) !== 0) this.down |= 1 << i
    }
  }

  answered(upstream: number, rttMs: number, now: number): void {
    this.sample(upstream, rttMs)
    this.failures[upstream] = 0
    if ((this.down & (1 << upstream)) === 0) return
    this.backSince[upstream] = now
    this.down &= ~(1 << upstream)
  }

  /** It did not answer within `elapsedMs`, or the network said no. The time waited counts as a sample: it was at least that slow. */
  failed(upstream: number, elapsedMs: number, now: number): void {
    if (elapsedMs > 0) this.sample(upstream, elapsedMs)
    const failures = Math.min((this.failures[upstream] as number) + 1, 0xffff)
    this.failures[upstream] = failures
    if (failures !== failuresMax) return
    this.down |= 1 << upstream
    this.retestAt[upstream] = now + retestMs
  }

  /** Is it time to try an upstream that is down? Says yes once per interval. */
  retestDue(upstream: number, now: number): boolean {
    if ((this.down & (1 << upstream)) === 0 || now < (this.retestAt[upstream] as number)) return false
    this.retestAt[upstream] = now + retestMs
    return true
  }

  /** How long to wait for this upstream before the next attempt, in ms. */
  attemptMs(upstream: number): number {
    const rtt = this.rtt[upstream] as number
    return Math.max(rttFactor * (rtt === 0 ? rttUnknownMs : rtt), attemptMsMin)
  }

  private sample(upstream: number, ms: number): void {
    const rtt = this.rtt[upstream] as number
    this.rtt[upstream] = rtt === 0 ? ms : rtt + (ms - rtt) * smoothing
  }
}
