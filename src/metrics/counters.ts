import { durationAt, durationBuckets, laneLength } from './catalog.ts'

/** One worker's lane: plain adds on shared memory that only this worker writes. */
export class Counters {
  readonly lane: Float64Array

  constructor(lane: Float64Array) {
    this.lane = lane
  }

  add(at: number, by = 1): void {
    this.lane[at] = (this.lane[at] as number) + by
  }

  set(at: number, value: number): void {
    this.lane[at] = value
  }

  /** Files an upstream round trip of `ms`. */
  duration(ms: number): void {
    const seconds = ms / 1000
    let bucket = 0
    while (bucket < durationBuckets.length && seconds > (durationBuckets[bucket] as number)) bucket++
    this.add(durationAt + bucket)
    this.add(durationAt + durationBuckets.length + 1, seconds)
  }
}

/** Memory for `workers` lanes. */
export function lanesBytes(workers: number): number {
  return workers * laneLength * 8
}

/** Lane number `worker` of the shared memory. */
export function laneOf(memory: SharedArrayBuffer, worker: number): Float64Array {
  return new Float64Array(memory, worker * laneLength * 8, laneLength)
}

/** Counters of nobody, for tests and dry runs. */
export function looseCounters(): Counters {
  return new Counters(new Float64Array(laneLength))
}
