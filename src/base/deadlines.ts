/**
 * Who is due next: a wheel of one-millisecond ticks over slots. Setting, moving and clearing are O(1) and allocate
 * nothing; a deadline beyond the wheel's horizon waits in its last tick and is filed again when that comes up.
 *
 *   heads[tick % ticks] ─▶ slot ⇄ slot ⇄ -1      at[slot] = absolute time in ms, or 0: no deadline
 */
export class Deadlines {
  private readonly heads = new Int32Array(ticks).fill(-1)
  private readonly next: Int32Array
  private readonly previous: Int32Array
  private readonly at: Float64Array
  private readonly tick: Float64Array
  private count = 0
  private current: number
  private readonly onDue: (slot: number, now: number) => void

  /** @param onDue called for each slot whose time has come, after its deadline was cleared */
  constructor(slots: number, now: number, onDue: (slot: number, now: number) => void) {
    this.next = new Int32Array(slots).fill(-1)
    this.previous = new Int32Array(slots).fill(-1)
    this.at = new Float64Array(slots)
    this.tick = new Float64Array(slots).fill(-1)
    this.current = Math.floor(now)
    this.onDue = onDue
  }

  /** Sets or moves the slot's deadline to the absolute time `at` (ms). */
  set(slot: number, at: number): void {
    if (this.tick[slot] !== -1) this.unlink(slot)
    this.at[slot] = at
    this.link(slot, Math.ceil(at))
  }

  clear(slot: number): void {
    if (this.tick[slot] !== -1) this.unlink(slot)
  }

  /** Calls `onDue` for all slots whose deadline is not after `now`. */
  run(now: number): void {
    const to = Math.floor(now)
    if (this.count === 0) {
      this.current = Math.max(this.current, to)
      return
    }
    // After a long pause one full lap visits every tick; more would only repeat.
    const from = Math.max(this.current, to - ticks + 1)
    for (let tick = from; tick <= to; tick++) {
      // What `onDue` sets for a time that has passed lands in the tick that is being run, and not in one already left behind.
      this.current = tick
      this.runTick(tick % ticks, now)
    }
    this.current = Math.max(this.current, to)
  }

  /** The next time at which `run` has work, at most `limit`; exact up to `limit` being within the horizon. */
  upcoming(now: number, limit: number): number {
    if (this.count === 0) return limit
    const last = Math.min(Math.floor(limit), this.current + ticks - 1)
    for (let tick = Math.min(this.current, Math.floor(now)); tick <= last; tick++) {
      if (this.heads[tick % ticks] !== -1) return Math.min(tick, limit)
    }
    return limit
  }

  private runTick(place: number, now: number): void {
    let slot = this.heads[place] as number
    while (slot !== -1) {
      const after = this.next[slot] as number
      if ((this.at[slot] as number) <= now) {
        this.unlink(slot)
        this.onDue(slot, now)
        // The callback may have changed this list: start over, what was not due is skipped again.
        slot = this.heads[place] as number
        continue
      }
      if ((this.tick[slot] as number) <= now) {
        this.unlink(slot)
        this.link(slot, Math.ceil(this.at[slot] as number), Math.floor(now) + 1)
      }
      slot = after
    }
  }

  private link(slot: number, wanted: number, floor = this.current): void {
    const tick = Math.min(Math.max(wanted, floor), floor + ticks - 1)
    const place = tick % ticks
    const head = this.heads[place] as number
    this.tick[slot] = tick
    this.next[slot] = head
    this.previous[slot] = -1
    if (head !== -1) this.previous[head] = slot
    this.heads[place] = slot
    this.count++
  }

  private unlink(slot: number): void {
    const before = this.previous[slot] as number
    const after = this.next[slot] as number
    if (before === -1) this.heads[(this.tick[slot] as number) % ticks] = after
    else this.next[before] = after
    if (after !== -1) this.previous[after] = before
    this.tick[slot] = -1
    this.count--
  }
}

/** The horizon in ms: above the default `giveUpAfter` of 6 s, so that filing twice is rare. */
const ticks = 8192
