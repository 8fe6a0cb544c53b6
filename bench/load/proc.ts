import { readdirSync, readFileSync } from 'node:fs'

/**
 * CPU time of a process in µs, user and system, all threads that live. From schedstat, which counts ns: the ticks of
 * /proc/PID/stat are 10 ms each, 6 % of what a server uses in a second at 5,000 queries a second.
 */
export function cpuMicros(pid: number): number {
  let nanos = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    nanos += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ', 1)[0])
  }
  return nanos / 1000
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return Number(found ?? 0) * 1024
}
