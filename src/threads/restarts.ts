/** A worker that crashes more often than this within the window is in a loop of crashes. */
const crashesMax = 5
const windowMs = 10_000
/** What a crash loop waits between two starts, so that it costs no core and leaves the log readable. */
const pauseMs = 1000

/** When may a crashed worker start again? At once, unless it crashes in a tight loop; and always in the end. */
export class Restarts {
  private readonly times: number[] = []

  /** Files a crash at `now` (ms); returns how long to wait before the next start. */
  delay(now: number): number {
    this.times.push(now)
    while ((this.times[0] as number) < now - windowMs) this.times.shift()
    return this.times.length > crashesMax ? pauseMs : 0
  }
}
