import type { Clock } from '../../src/base/clock.ts'
import type { Random } from '../../src/base/random.ts'

interface Event {
  readonly at: number
  /** Random, so that the order of what happens at the same time depends on the seed. */
  readonly order: number
  readonly happen: () => void
}

/** What will happen when, and the clock that only this queue turns. */
export class SimQueue implements Clock {
  private readonly random: Random
  /** A binary heap: the earliest event first. */
  private readonly heap: Event[] = []
  private time = 0

  constructor(random: Random) {
    this.random = random
  }

  now(): number {
    return this.time
  }

  /** Milliseconds of the earliest event, or Infinity. */
  next(): number {
    return this.heap[0]?.at ?? Infinity
  }

  after(delayMs: number, happen: () => void): void {
    const { heap } = this
    const event = { at: this.time + delayMs, order: this.random.u32(), happen }
    let at = heap.push(event) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isEarlier(event, heap[parent] as Event)) break
      heap[at] = heap[parent] as Event
      at = parent
    }
    heap[at] = event
  }

  /** Turns the clock to `at` and lets everything happen that is due by then. */
  runTo(at: number): void {
    this.time = Math.max(this.time, at)
    while (this.next() <= this.time) this.pop().happen()
  }

  private pop(): Event {
    const { heap } = this
    const first = heap[0] as Event
    const last = heap.pop() as Event
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child + 1 < heap.length && isEarlier(heap[child + 1] as Event, heap[child] as Event)) child++
      if (child >= heap.length || !isEarlier(heap[child] as Event, last)) break
      heap[at] = heap[child] as Event
      at = child
    }
    heap[at] = last
    return first
  }
}

function isEarlier(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
