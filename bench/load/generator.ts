import { writeSync } from 'node:fs'
import { seededRandom } from '../../src/base/random.ts'
import { openSys } from '../../src/net/sys.ts'
import { type Choose, Load } from './load.ts'
import { type WorkloadName, workload } from './names.ts'
import { cpuMicros } from './proc.ts'
import { loopback } from './socket.ts'

/** What the generator is asked to do, as JSON in its only argument. */
export interface Order {
  readonly port: number
  /** Whose CPU time is measured. */
  readonly pid: number
  readonly workload: WorkloadName
  /** Queries kept open (closed loop) … */
  readonly outstanding: number
  /** … or, when above 0, queries a second (open loop). */
  readonly rate: number
  /** Before the measurement, closed loop: fills caches, lets compilers settle. */
  readonly warmSeconds: number
  readonly seconds: number
  /** Ends the measurement early after so many queries; 0: no limit. */
  readonly limit: number
  /** When above 0: so many questions a second that nobody answers, beside the load; their own latencies are told apart. */
  readonly silentRate: number
}

/** Latencies in ms. */
export interface Figures {
  readonly answered: number
  readonly failed: number
  readonly lost: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** What it prints, as JSON, at the end. */
export interface Outcome extends Figures {
  readonly seconds: number
  readonly cpuMicros: number
  readonly silent: Figures
}

/** A program of its own: `node generator.js ORDER`. */
if (process.argv[2] !== undefined) {
  writeSync(1, `${JSON.stringify(run(JSON.parse(process.argv[2]) as Order))}\n`)
}

function run(order: Order): Outcome {
  const sys = openSys()
  if (typeof sys === 'string') throw new Error(sys)
  const load = new Load(sys, loopback(order.port), workload(order.workload))
  const silent = new Load(sys, loopback(order.port), workload('silent'), 1)
  const random = seededRandom(1)
  // What is in the cache is asked in no order that a prefetcher could learn; what is new comes one by one.
  let next = 0
  const choose: Choose = order.workload === 'misses' ? () => next++ : () => random.u16()
  const limit = order.limit || Number.POSITIVE_INFINITY

  const warmEnd = performance.now() + order.warmSeconds * 1000
  while (performance.now() < warmEnd) load.saturate(choose, order.outstanding, Number.POSITIVE_INFINITY)
  load.drain(500)
  load.reset()

  const start = performance.now()
  const cpu = cpuMicros(order.pid)
  for (;;) {
    const seconds = (performance.now() - start) / 1000
    if (seconds >= order.seconds || load.sent >= limit) break
    if (order.rate > 0) load.pace(choose, Math.floor(seconds * order.rate))
    else load.saturate(choose, order.outstanding, limit)
    if (order.silentRate > 0) silent.pace((n) => n, Math.floor(seconds * order.silentRate))
  }
  load.drain(order.limit > 0 ? 500 : 0)
  const spent = cpuMicros(order.pid) - cpu
  const seconds = (performance.now() - start) / 1000
  return { seconds, cpuMicros: spent, ...figures(load), silent: figures(silent) }
}

function figures({ tally }: Load): Figures {
  const { answered, failed, lost, latencies } = tally
  return { answered, failed, lost, p50: latencies.quantile(0.5), p99: latencies.quantile(0.99), max: latencies.max() }
}
