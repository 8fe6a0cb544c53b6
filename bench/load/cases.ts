import type { Order, Outcome } from './generator.ts'
import type { WorkloadName } from './names.ts'
import { residentBytes } from './proc.ts'
import { generate, type Server } from './start.ts'

/** What is measured of each server. */
export interface Case {
  readonly name: string
  readonly title: string
  readonly workload: WorkloadName
  /** Queries a second; 0: as many as it takes. */
  readonly rate: number
}

export const cases = {
  hits: { name: 'hits', title: 'cached hits, 60 % positive, 40 % NXDOMAIN', workload: 'hits', rate: 0 },
  junk: { name: 'junk', title: 'junk of a search list: dnsweir by rule, peers from cache', workload: 'junk', rate: 0 },
  misses: { name: 'misses', title: 'misses: a new name each, stub on loopback', workload: 'misses', rate: 0 },
  hits20k: { name: 'hits20k', title: 'cached hits at 20,000 q/s', workload: 'hits', rate: 20_000 },
  hits5k: { name: 'hits5k', title: 'cached hits at 5,000 q/s', workload: 'hits', rate: 5000 },
} as const satisfies Record<string, Case>

export interface Result extends Outcome {
  readonly server: string
  readonly case: string
  /** CPU time of the server, user and system, in µs for each query that it answered. */
  readonly cpuPerQuery: number
  readonly queriesPerSecond: number
  /** Resident memory of the server afterwards, in bytes. */
  readonly resident: number
}

export async function measure(server: Server, which: Case, seconds: number): Promise<Result> {
  const { workload, rate } = which
  return run(server, which.name, { workload, rate, seconds, outstanding: outstanding[workload] })
}

/** A million new names, as fast as they go: what is left in memory? */
export async function million(server: Server): Promise<Result> {
  return run(server, 'million', { workload: 'misses', seconds: 300, warmSeconds: 0, limit: 1_000_000 })
}

/** A flood of hits beside questions that nobody answers: how late are the replies that a deadline makes? */
export async function deadlines(server: Server, seconds: number): Promise<Result> {
  return run(server, 'deadlines', { workload: 'hits', seconds, silentRate: 50 })
}

async function run(server: Server, name: string, part: Partial<Order>): Promise<Result> {
  const { port, pid } = server
  const order = {
    port,
    pid,
    workload: 'hits',
    outstanding: outstanding.hits,
    rate: 0,
    warmSeconds,
    seconds: 1,
    limit: 0,
    silentRate: 0,
  }
  const outcome = await generate({ ...order, ...part } as Order)
  return {
    ...outcome,
    server: server.name,
    case: name,
    cpuPerQuery: outcome.cpuMicros / outcome.answered,
    queriesPerSecond: outcome.answered / outcome.seconds,
    resident: residentBytes(pid),
  }
}

/**
 * Queries in flight: enough to fill batches of 64 more than once and to keep the server busy; few enough for the 212,992 bytes that a default socket buffer
 * holds. In a closed loop the mean latency is this number by the throughput, so for misses it is no larger than saturation needs: more would measure
 * the queue, and hide a pause in it.
 */
const outstanding: Readonly<Record<WorkloadName, number>> = { hits: 256, junk: 256, misses: 128, silent: 128 }
/** Each of the 1,000 names of a fixed set is asked many times, and compilers have seen the road. */
const warmSeconds = 1.5
