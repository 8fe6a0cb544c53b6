import { hashEnd, hashStart, hashWord } from '../base/hash.ts'

/** Clients are told apart by so many cells; two that meet in one count as one. */
const cellsMax = 256
/** All counts are halved so often: what was spent two seconds ago matters little. */
const halfLifeMs = 500
/** Greedy is who has more than so many times an equal share … */
const greed = 5 / 4
/** … and more than a handful of packets. */
const packetsMin = 4
/** Below this nobody is counted as one who asks. */
const activeMin = 0.5

/**
 * Who spends the packet budget: so that one client's flood leaves something to the others. A client is an IPv4 address, or the /64 of an IPv6 one;
 * behind a cache all are one, and an only client is never greedy.
 */
export class Shares {
  private readonly seed: number
  private readonly counts = new Float64Array(cellsMax)
  private total = 0
  private active = 0
  private halveAt = 0

  constructor(seed: number) {
    this.seed = seed
  }

  /** The cell of a client's address (16 bytes, IPv4 mapped). */
  cellOf(client: Uint8Array): number {
    // All zeros in front of ffff: an IPv4 address, whose own bytes are the last ones.
    const isV4 = client[10] === 0xff && client[11] === 0xff && wordAt(client, 0) === 0 && wordAt(client, 4) === 0
    const first = isV4 ? wordAt(client, 12) : wordAt(client, 0)
    return hashEnd(hashWord(hashWord(hashStart(this.seed), first), isV4 ? 0 : wordAt(client, 4))) % cellsMax
  }

  /** A packet goes for a client of the cell. */
  spend(cell: number, now: number): void {
    this.age(now)
    const count = this.counts[cell] as number
    if (count < activeMin) this.active++
    this.counts[cell] = count + 1
    this.total++
  }

  isGreedy(cell: number, now: number): boolean {
    this.age(now)
    const count = this.counts[cell] as number
    return this.active > 1 && count > packetsMin && count * this.active > this.total * greed
  }

  private age(now: number): void {
    if (now < this.halveAt) return
    const factor = 0.5 ** Math.min(1 + Math.floor((now - this.halveAt) / halfLifeMs), 64)
    this.halveAt = now + halfLifeMs
    this.total = 0
    this.active = 0
    for (let cell = 0; cell < cellsMax; cell++) {
      const count = (this.counts[cell] as number) * factor
      this.counts[cell] = count
      this.total += count
      if (count >= activeMin) this.active++
    }
  }
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}
