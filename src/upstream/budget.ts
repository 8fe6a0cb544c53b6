import { upstreamsMax } from '../link/plan-data.ts'
import { Type } from '../wire/codes.ts'

/** How urgent a question is: what a client cannot do without comes first. */
export const URGENCY_FIRST = 0
/** Clients ask for A as well. */
export const URGENCY_AAAA = 1
/** Nobody waits for it. */
export const URGENCY_EARLY = 2
/** Its name is junk by form, or below a cut, and only passed on since a rule observes. */
export const URGENCY_JUNK = 3

/** What must be left for those that are more urgent, as a share of the bucket. */
const reserves = [0, 1 / 4, 1 / 2, 3 / 4] as const
/** The bucket holds so many seconds of the budget: no second ever sees more than 17 sixteenths of it. */
const burstSeconds = 1 / 16
const burstMin = 4
/** A question over a stream: its segment and the acknowledgements, or a part of the handshake. */
export const packetsPerStreamed = 3

export function urgencyOf(type: number, isJunk: number): number {
  if (isJunk === 1) return URGENCY_JUNK
  return type === Type.AAAA ? URGENCY_AAAA : URGENCY_FIRST
}

/**
 * How many packets may go to each upstream: a token bucket each, spent by urgency. The VPC resolver drops everything above 1,024 a second, which then looks like a
 * resolver that is down; whoever counts packets before it does loses only what matters least.
 */
export class Budget {
  private rate = 0
  private burst = 0
  private readonly tokens = new Float64Array(upstreamsMax)
  private readonly filledAt = new Float64Array(upstreamsMax)

  /** @param perSecond packets; 0: no limit @param before `before[new index]` is an upstream's index so far, or -1 */
  configure(perSecond: number, before: readonly number[], now: number): void {
    const isSame = perSecond === this.rate
    this.rate = perSecond
    this.burst = Math.max(perSecond * burstSeconds, burstMin)
    const tokens = this.tokens.slice()
    for (let i = 0; i < upstreamsMax; i++) {
      const old = before[i] ?? -1
      this.tokens[i] = isSame && old !== -1 ? (tokens[old] as number) : this.burst
      this.filledAt[i] = now
    }
  }

  /** After how many ms a packet of this urgency may go; 0: now. */
  wait(upstream: number, urgency: number, now: number): number {
    if (this.rate === 0) return 0
    const missing = Math.min((reserves[urgency] as number) * this.burst + 1, this.burst) - this.left(upstream, now)
    return missing <= 0 ? 0 : Math.ceil((missing * 1000) / this.rate)
  }

  /** Packets leave: a retry without EDNS or a probe of ours beyond the budget, too, and is missing for those that come after it. */
  spend(upstream: number, packets: number, now: number): void {
    if (this.rate !== 0) this.tokens[upstream] = this.left(upstream, now) - packets
  }

  /** Packets that may go at once, rounded down; 0 where there is no limit. */
  leftOf(upstream: number, now: number): number {
    return this.rate === 0 ? 0 : Math.max(Math.floor(this.left(upstream, now)), 0)
  }

  private left(upstream: number, now: number): number {
    const elapsed = now - (this.filledAt[upstream] as number)
    if (elapsed > 0) {
      this.filledAt[upstream] = now
      this.tokens[upstream] = Math.min((this.tokens[upstream] as number) + (elapsed * this.rate) / 1000, this.burst)
    }
    return this.tokens[upstream] as number
  }
}
