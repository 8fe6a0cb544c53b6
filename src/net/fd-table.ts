import type { Sys } from './sys.ts'

/**
 * The file descriptors that one worker opened through koffi, in shared memory: nobody else knows them, so when the
 * worker crashes, main closes what stands here. One worker writes; main reads after its end.
 *
 *   cells: Int32Array over a SharedArrayBuffer, zeros at first │ fd │ 0 = empty │ fd │ …
 */
export class FdTable {
  private readonly cells: Int32Array
  private next = 0

  constructor(cells: Int32Array) {
    this.cells = cells
  }

  /** Enters an fd; returns its place, or -1 when the table is full. */
  add(fd: number): number {
    for (let tried = 0; tried < this.cells.length; tried++) {
      const place = this.next
      this.next = (this.next + 1) % this.cells.length
      if (Atomics.compareExchange(this.cells, place, 0, fd) === 0) return place
    }
    return -1
  }

  /** To be called before the fd is closed: a number that stands here after its close may be somebody else's by now. */
  remove(place: number): void {
    Atomics.store(this.cells, place, 0)
  }
}

/** Closes what a worker left behind; returns how many. */
export function closeLeftFds(sys: Sys, cells: Int32Array): number {
  let closed = 0
  for (let place = 0; place < cells.length; place++) {
    const fd = Atomics.exchange(cells, place, 0)
    if (fd === 0) continue
    sys.close(fd)
    closed++
  }
  return closed
}
