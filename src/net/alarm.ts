import type { Sys } from './sys.ts'

/**
 * One timerfd in place of a timeout per `epoll_wait`: a timeout sets and cancels a kernel timer at every wait, which on a virtual machine is an exit each (measured
 * at 5,000 q/s: a fifth of a query's cost). This one is set only when somebody wants to be woken earlier than it already will; waking too early is harmless.
 */
export class Alarm {
  readonly fd: number
  private readonly sys: Sys
  private setTo = Number.POSITIVE_INFINITY

  constructor(sys: Sys) {
    this.sys = sys
    this.fd = sys.timerfd()
  }

  /** Be awake at `at` (ms on the shared clock) at the latest. */
  by(at: number): void {
    if (at >= this.setTo) return
    this.setTo = at
    this.sys.timerfdSet(this.fd, at)
  }

  /** It has rung: it is not set any more. */
  rang(): void {
    this.sys.unkick(this.fd)
    this.setTo = Number.POSITIVE_INFINITY
  }
}
