import type { Clock } from '../base/clock.ts'
import type { WorkerEvent } from '../link/messages.ts'

/** Events a worker may send in a second: whatever goes wrong, main and the log are not flooded with it. */
const eventsMax = 20
const windowMs = 1000

/** Lets a bounded number of events pass; of the rest it tells the number when it is over. */
export class EventTap {
  private readonly clock: Clock
  private readonly send: (event: WorkerEvent) => void
  private windowAt = -Infinity
  private passed = 0
  private held = 0

  constructor(clock: Clock, send: (event: WorkerEvent) => void) {
    this.clock = clock
    this.send = send
  }

  pass(event: WorkerEvent): void {
    const now = this.clock.now()
    if (now - this.windowAt >= windowMs) {
      if (this.held > 0) this.send({ kind: 'note', level: 'warn', sentence: `${this.held} events were not said` })
      this.windowAt = now
      this.passed = 0
      this.held = 0
    }
    if (this.passed++ < eventsMax) this.send(event)
    else this.held++
  }
}
