import { readFileSync, readlinkSync } from 'node:fs'

/** The kernel's number of the calling thread, 0 where there is no /proc. */
export function threadId(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1))
  } catch {
    return 0
  }
}

export interface ThreadTime {
  /** ms of CPU time that a thread of this process has had. */
  readonly cpu: number | undefined
  /** ms it stood ready while others ran. */
  readonly queued: number | undefined
}

/** From /proc/self/task/TID/schedstat (kernel documentation, scheduler/sched-stats): two numbers of nanoseconds. */
export function threadTime(tid: number): ThreadTime {
  if (tid === 0) return unknown
  try {
    const [cpu, queued] = readFileSync(`/proc/self/task/${tid}/schedstat`, 'latin1').split(' ').map(Number)
    return { cpu: (cpu as number) / 1e6, queued: (queued as number) / 1e6 }
  } catch {
    return unknown
  }
}

const unknown: ThreadTime = { cpu: undefined, queued: undefined }
