import type { Batch } from './batch.ts'
import { batchSlots } from './batch.ts'
import type { DatagramPort } from './reactor.ts'

/** Datagrams on their way out: a batch whose slots may belong to different ports, sent in runs of the same port. */
export class Outbox {
  readonly batch: Batch
  private readonly ports: (DatagramPort | undefined)[] = new Array(batchSlots).fill(undefined)
  private count = 0

  constructor(batch: Batch) {
    this.batch = batch
  }

  /** The next slot, for `port`; sends what is there when all are taken. Not in use until `commit`. */
  take(port: DatagramPort): number {
    if (this.count === batchSlots) this.flush()
    this.ports[this.count] = port
    return this.count
  }

  /** The slot last taken holds `length` bytes (and its peer, unless the port is connected). */
  commit(length: number): void {
    this.batch.setLength(this.count, length)
    this.count++
  }

  flush(): void {
    let from = 0
    while (from < this.count) {
      const port = this.ports[from] as DatagramPort
      let to = from + 1
      while (to < this.count && this.ports[to] === port) to++
      port.send(this.batch, from, to - from)
      from = to
    }
    this.count = 0
  }
}
