import { families, outcomes, queries } from '../metrics/catalog.ts'
import { laneOf, lanesBytes } from '../metrics/counters.ts'

/** The lanes of all workers that this process ever had: a lane outlives its worker, so that counters never go back. */
export class Ledger {
  readonly memory: SharedArrayBuffer
  readonly lanes: readonly Float64Array[]

  constructor(workers: number) {
    this.memory = new SharedArrayBuffer(lanesBytes(workers))
    this.lanes = Array.from({ length: workers }, (_, worker) => laneOf(this.memory, worker))
  }

  /** Queries that have no end yet, over all workers: exact when nothing is under way, near it otherwise. */
  waiting(): number {
    return this.lanes.reduce((sum, _, worker) => sum + this.waitingIn(worker), 0)
  }

  /** The same of one worker. */
  waitingIn(worker: number): number {
    const lane = this.lanes[worker] as Float64Array
    return total(lane, queries) - total(lane, outcomes)
  }

  /**
   * Books what a dead worker held: each query of its lane that has no outcome is lost. Its gauges speak of memory that is
   * gone. Returns how many were lost. Only for a lane that nobody writes.
   */
  close(worker: number): number {
    const lane = this.lanes[worker] as Float64Array
    const lost = this.waitingIn(worker)
    lane[outcomes.lost] = (lane[outcomes.lost] as number) + lost
    for (const at of gaugePlaces) lane[at] = 0
    return lost
  }
}

function total(lane: Float64Array, places: Readonly<Record<string, number>>): number {
  return Object.values(places).reduce((sum, at) => sum + (lane[at] as number), 0)
}

const gaugePlaces = families.filter(({ type }) => type === 'gauge').flatMap(({ series }) => series.map(({ at }) => at))
