import { upstreamsMax } from '../link/plan-data.ts'
import { Type } from '../wire/codes.ts'
import { Shares } from './shares.ts'

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
/** What a client that has more than its share leaves to the others of its class. */
const greedyReserve = 1 / 8
/** The bucket holds so many seconds of the budget: no second ever sees more than 17 sixteenths of it. */
const burstSeconds = 1 / 16
const burstMin = 4
/** A question over a stream: its segment and the acknowledgements, or a part of the handshake. */
export const packetsPerStreamed = 3

const ticksPerMs = 1024
/** What lies further ahead was written long ago: the ticks have come round. */
const aheadMax = 60_000 * ticksPerMs

export function urgencyOf(type: number, isJunk: number): number {
  if (isJunk === 1) return URGENCY_JUNK
  return type === Type.AAAA ? URGENCY_AAAA : URGENCY_FIRST
}

/**
 * How many packets may go to each upstream: a token bucket each, for all shards together, spent by urgency. The VPC resolver drops everything
 * above 1,024 a second, which then looks like a resolver that is down; whoever counts packets before it does loses only what matters least.
 *
 *   cells: Int32Array in shared memory, one per upstream: when its bucket will be full again, in 1/1024 ms of the shared clock, modulo 2³²
 */
export class Budget {
  static readonly bytes = upstreamsMax * 4
  readonly shares: Shares
  private readonly cells: Int32Array
  private readonly isFirst: boolean
  private rate = 0
  private burst = 0
  /** Ticks in which one packet is earned. */
  private cost = 0

  /** @param isFirst of the shards that share `cells`: it alone moves them at a reload */
  constructor(seed: number, cells: Int32Array = new Int32Array(upstreamsMax), isFirst = true) {
    this.shares = new Shares(seed)
    this.cells = cells
    this.isFirst = isFirst
  }

  /** @param perSecond packets; 0: no limit @param before `before[new index]` is an upstream's index so far, or -1 */
  configure(perSecond: number, before: readonly number[], now: number): void {
    const isSame = perSecond === this.rate
    this.rate = perSecond
    this.burst = Math.max(perSecond * burstSeconds, burstMin)
    this.cost = perSecond === 0 ? 0 : (1000 * ticksPerMs) / perSecond
    if (!this.isFirst) return
    const cells = this.cells.slice()
    for (let i = 0; i < upstreamsMax; i++) {
      const old = before[i] ?? -1
      if (isSame && old === i) continue
      Atomics.store(this.cells, i, isSame && old !== -1 ? (cells[old] as number) : ticksOf(now))
    }
  }

  get isOn(): boolean {
    return this.rate !== 0
  }

  /** For `shares`, of the client that asked; 0 where there is no limit. */
  clientOf(client: Uint8Array): number {
    return this.rate === 0 ? 0 : this.shares.cellOf(client)
  }

  /** After how many ms a packet of this urgency may go; 0: now. `isGreedy`: its client has had more than its share. */
  wait(upstream: number, urgency: number, now: number, isGreedy = false): number {
    if (this.rate === 0) return 0
    const reserve = (reserves[urgency] as number) + (isGreedy ? greedyReserve : 0)
    const missing = Math.min(reserve * this.burst + 1, this.burst) - this.left(upstream, now)
    return missing <= 0 ? 0 : Math.ceil((missing * 1000) / this.rate)
  }

  /** Packets leave: a retry without EDNS or a probe of ours beyond the budget, too, and is missing for those that come after it. */
  spend(upstream: number, packets: number, now: number): void {
    if (this.rate === 0) return
    const { cells } = this
    const ticks = ticksOf(now)
    const price = Math.max(Math.round(packets * this.cost), 1)
    for (;;) {
      const before = Atomics.load(cells, upstream)
      const after = (ticks + aheadOf(before, ticks) + price) | 0
      if (Atomics.compareExchange(cells, upstream, before, after) === before) return
    }
  }

  /** Packets that may go at once, rounded down; 0 where there is no limit. */
  leftOf(upstream: number, now: number): number {
    return this.rate === 0 ? 0 : Math.max(Math.floor(this.left(upstream, now)), 0)
  }

  private left(upstream: number, now: number): number {
    return this.burst - aheadOf(Atomics.load(this.cells, upstream), ticksOf(now)) / this.cost
  }
}

function ticksOf(now: number): number {
  return Math.floor(now * ticksPerMs) | 0
}

/** How far ahead of now the cell is; 0: its bucket is full. */
function aheadOf(cell: number, ticks: number): number {
  const ahead = (cell - ticks) | 0
  return ahead < 0 || ahead > aheadMax ? 0 : ahead
}
