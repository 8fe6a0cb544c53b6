/** What one look at a worker shows. Times in ms. */
export interface Look {
  readonly now: number
  /** How often its turn has run. */
  readonly beat: number
  /** CPU time that the thread has had, and time it stood ready while others ran; undefined where the system does not say. */
  readonly cpu: number | undefined
  readonly queued: number | undefined
}

/** CPU time without a single turn after which a worker counts as stuck. */
const stuckCpuMs = 1000
/** Looks in a row at which it slept although it was kicked. */
const asleepLooksMax = 6
/** Main itself must be on time for a look to count: who is late knows nothing about others. */
const lateMaxMs = 150
/** How long a worker may be silent where the system tells nothing about its CPU time. */
const silentMs = 10_000

/**
 * Judges whether a worker is stuck: by CPU, not by time, for a starved machine makes every beat late (measured: 4.3 s after
 * 16 ms of CPU). Burnt CPU without a turn is a loop that does not end; sleep through kicks is a lost wake-up or a
 * system call that hangs. A thread that only waits for a core is neither.
 */
export class Heartbeat {
  private readonly everyMs: number
  private last: Look | undefined
  private before: Look | undefined
  private asleep = 0

  /** @param everyMs how often `look` is called */
  constructor(everyMs: number) {
    this.everyMs = everyMs
  }

  /** The verdict in a clause, or undefined: all is well, or nothing is known yet. */
  look(look: Look): string | undefined {
    const { last, before } = this
    this.before = look
    if (last === undefined || before === undefined || look.beat !== last.beat) {
      this.last = look
      this.asleep = 0
      return undefined
    }
    const onTime = look.now - before.now <= this.everyMs + lateMaxMs
    if (look.cpu === undefined || last.cpu === undefined) {
      return onTime && look.now - last.now >= silentMs ? `it gave no sign for ${silentMs / 1000} s` : undefined
    }
    if (look.cpu - last.cpu >= stuckCpuMs) return `it used ${Math.round(look.cpu - last.cpu)} ms of CPU in one turn`
    const busy = look.cpu - (before.cpu ?? 0) + (look.queued ?? 0) - (before.queued ?? 0)
    if (onTime && busy < this.everyMs / 10) this.asleep++
    return this.asleep >= asleepLooksMax ? `it slept through ${this.asleep} kicks` : undefined
  }
}
