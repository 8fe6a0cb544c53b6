/** What every worker finds in `workerData`. Its plan, sockets and ports come by message when it has started. */
export interface WorkerStart {
  /** Memory of threads/control. */
  readonly control: SharedArrayBuffer
  /** All lanes of counters, and which is this worker's. */
  readonly lanes: SharedArrayBuffer
  readonly lane: number
  /** `dgram`: nothing is called through koffi. */
  readonly engine: 'epoll' | 'dgram'
}

export interface ShardStart extends WorkerStart {
  /** Its number, from 0. */
  readonly shard: number
  /** Its eventfd, -1 without epoll. */
  readonly kickFd: number
  /** Memory of net/fd-table. */
  readonly fds: SharedArrayBuffer
  /** Memory of the loop probes in flight. */
  readonly board: SharedArrayBuffer
  /** For upstream/budget. */
  readonly budget: SharedArrayBuffer
  /** The same in all shards, so that they agree on places in shared tables. */
  readonly hashSeed: number
}
