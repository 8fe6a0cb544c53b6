import { assert } from './assert.ts'

/**
 * A fixed number of slots and who of them is free: the memory of everything that comes and goes on the road.
 *
 *   free:  head ─▶ 3 ─▶ 0 ─▶ 7 ─▶ -1        next[3] = 0, next[0] = 7, …; next[slot] = taken for a slot in use
 *
 * `generation` counts how often a slot was taken, so that a late message about an earlier holder is recognised.
 */
export class Slots {
  readonly capacity: number
  readonly generation: Uint32Array
  inUse = 0
  private head = 0
  private readonly next: Int32Array

  constructor(capacity: number) {
    this.capacity = capacity
    this.generation = new Uint32Array(capacity)
    this.next = new Int32Array(capacity)
    for (let i = 0; i < capacity; i++) this.next[i] = i + 1 === capacity ? none : i + 1
  }

  /** A free slot, or -1 when all are taken. */
  take(): number {
    const slot = this.head
    if (slot === none) return none
    this.head = this.next[slot] as number
    this.next[slot] = taken
    this.generation[slot] = ((this.generation[slot] as number) + 1) >>> 0
    this.inUse++
    return slot
  }

  release(slot: number): void {
    assert(this.next[slot] === taken, 'a slot is released by the one who took it, once')
    this.next[slot] = this.head
    this.head = slot
    this.inUse--
  }

  isTaken(slot: number): boolean {
    return this.next[slot] === taken
  }
}

const none = -1
const taken = -2
