/**
 * The one clock that the program passes around: milliseconds, monotonic, with fractions.
 * Readings of different threads are comparable, since both stand on CLOCK_MONOTONIC.
 */
export interface Clock {
  now(): number
}

/**
 * The machine's clock. `performance.now()` alone counts from the start of its own thread,
 * so its offset to `hrtime` is measured once; after that a reading allocates nothing. The global of that name is a
 * getter, which costs more than the reading.
 */
export function monotonicClock(): Clock {
  const { performance } = globalThis
  const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now()
  return { now: () => performance.now() + offset }
}
