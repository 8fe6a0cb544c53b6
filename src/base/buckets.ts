/**
 * A hash index over slots: chains of slots with the same low hash bits, in two typed arrays. It finds candidates; the
 * owner compares keys.
 *
 *   heads[hash & mask] ─▶ slot ─▶ slot ─▶ -1
 */
export class Buckets {
  private readonly heads: Int32Array
  private readonly next: Int32Array
  private readonly hashes: Int32Array
  private readonly mask: number

  constructor(slots: number) {
    let size = 16
    while (size < slots * 2) size *= 2
    this.mask = size - 1
    this.heads = new Int32Array(size).fill(-1)
    this.next = new Int32Array(slots).fill(-1)
    this.hashes = new Int32Array(slots)
  }

  add(slot: number, hash: number): void {
    const bucket = hash & this.mask
    this.hashes[slot] = hash
    this.next[slot] = this.heads[bucket] as number
    this.heads[bucket] = slot
  }

  remove(slot: number): void {
    const bucket = (this.hashes[slot] as number) & this.mask
    let at = this.heads[bucket] as number
    if (at === slot) {
      this.heads[bucket] = this.next[slot] as number
      return
    }
    while (at !== -1) {
      const after = this.next[at] as number
      if (after === slot) {
        this.next[at] = this.next[slot] as number
        return
      }
      at = after
    }
  }

  /** The first slot filed under `hash`, or -1. */
  first(hash: number): number {
    return this.skip(this.heads[hash & this.mask] as number, hash)
  }

  /** The one after `slot` under the same hash, or -1. */
  after(slot: number): number {
    return this.skip(this.next[slot] as number, this.hashes[slot] as number)
  }

  private skip(from: number, hash: number): number {
    let at = from
    while (at !== -1 && this.hashes[at] !== hash) at = this.next[at] as number
    return at
  }
}
