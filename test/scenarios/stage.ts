/** Where a scenario is played: its time, what is to happen later in it, and whether anything happened just now. */
import { setImmediate as nextRound } from 'node:timers/promises'
import type { Program } from '../support/program.ts'
import type { Turn, Turned } from './clock.ts'

/** Time passes in steps of this, or in hundredths of it all: deadlines within a step are met at its end. */
const stepMs = 50
const stepsMax = 100
/** Looks in a row at which nothing moved. */
const quietLooks = 2
/** Real time that a turn of the program may take. */
const patienceMs = 10_000

interface Later {
  readonly at: number
  readonly run: () => void
}

export class Stage {
  /** Counts packets that anybody here received. */
  activity = 0
  /** The first thing that went wrong outside of a step. */
  problem: Error | undefined
  /** Shards that had a turn at the last turn of the clock; none while the program starts. */
  shards = 0
  private program: Program | undefined
  /** ms since the program started. */
  private now = 0
  private later: Later[] = []

  start(program: Program): void {
    this.program = program
  }

  /** In the scenario's time. */
  after(ms: number, run: () => void): void {
    if (ms === 0) run()
    else this.later.push({ at: this.now + ms, run })
  }

  /** The program's clock moves on by `ms` at once, and what was due is done. */
  async turn(ms: number): Promise<void> {
    const { child } = this.program as Program
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer)
        child.off('message', heard)
        child.off('exit', gone)
      }
      const heard = (message: unknown): void => {
        done()
        this.shards = (message as Turned).passed
        resolve()
      }
      const gone = (): void => {
        done()
        reject(new Error(`the program ended by itself: ${this.program?.stdout()}${this.program?.stderr()}`))
      }
      const timer = setTimeout(() => {
        done()
        reject(new Error('the program does not come to rest'))
      }, patienceMs)
      child.on('message', heard)
      child.on('exit', gone)
      child.send({ pass: ms } satisfies Turn)
    })
    this.now += ms
    await nextRound()
  }

  /** Until nothing moves any more, while time stands still. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < quietLooks; quiet++) {
      const before = this.activity
      await this.turn(0)
      await nextRound()
      if (this.activity !== before) quiet = -1
    }
    const { problem } = this
    this.problem = undefined
    if (problem !== undefined) throw problem
  }

  /** Time passes; whatever is due meanwhile happens on time, give or take a step. */
  async pass(ms: number): Promise<void> {
    await this.settle()
    const until = this.now + ms
    const longest = Math.max(stepMs, Math.ceil(ms / stepsMax))
    while (this.now < until) {
      const next = Math.min(until, this.now + longest, ...this.later.map(({ at }) => at))
      const before = this.activity
      await this.turn(next - this.now)
      const due = this.later.filter(({ at }) => at <= this.now)
      this.later = this.later.filter(({ at }) => at > this.now)
      for (const { run } of due) run()
      if (due.length > 0 || this.activity !== before) await this.settle()
    }
    await this.settle()
  }
}
