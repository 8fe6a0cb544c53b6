import { readdirSync, readFileSync } from 'node:fs'

/** What the operating system says about our process, under the names that all Prometheus clients use. */
export interface ProcessMetric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  /** The value now; undefined where this system doesn't say. */
  read(): number | undefined
}

export const processMetrics: readonly ProcessMetric[] = [
  {
    name: 'process_cpu_seconds_total',
    help: 'CPU time of all threads, user and system.',
    type: 'counter',
    read: () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    },
  },
  {
    name: 'process_resident_memory_bytes',
    help: 'Resident memory (RSS).',
    type: 'gauge',
    read: () => process.memoryUsage.rss(),
  },
  { name: 'process_open_fds', help: 'Open file descriptors.', type: 'gauge', read: openFds },
  { name: 'process_max_fds', help: 'The limit of open file descriptors.', type: 'gauge', read: maxFds },
  {
    name: 'process_start_time_seconds',
    help: 'When the process started, in seconds since 1970.',
    type: 'gauge',
    read: () => startedAt,
  },
]

const startedAt = Math.round((Date.now() / 1000 - process.uptime()) * 1000) / 1000

function openFds(): number | undefined {
  try {
    // One of them is that of the reading itself.
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return undefined
  }
}

function maxFds(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    return soft === undefined ? undefined : Number(soft)
  } catch {
    return undefined
  }
}
