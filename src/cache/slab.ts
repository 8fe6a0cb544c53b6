import { assert } from '../base/assert.ts'
import { viewOf } from '../base/octets.ts'

/** Bytes of one block: a name of 30 bytes with two addresses or an SOA fits in one (measured mean entry: 150). */
export const blockBytes = 192
/** The longest entry: an answer above it is passed on and not kept; a guard holds names, not zone transfers. */
export const entryBytesMax = 16 * 1024

/**
 * The cache's memory: equal blocks, chained where an entry needs more than one. Blocks of one size can't fragment, so what is free is always of use.
 *
 *   bytes:  scratch (16 KiB) │ block 0 │ block 1 │ …        next[block] = the entry's next block, or -1
 *
 * An entry in one block is read in place; a longer one is gathered to the scratch first. `copyWithin` on one array allocates nothing.
 */
export class Slab {
  readonly bytes: Uint8Array
  /** Of `bytes`. */
  readonly view: DataView
  readonly times: Float64Array
  readonly blocks: number
  used = 0
  private readonly next: Int32Array
  private free = -1

  constructor(blocks: number) {
    this.blocks = blocks
    this.bytes = new Uint8Array(entryBytesMax + blocks * blockBytes)
    this.view = viewOf(this.bytes)
    this.times = new Float64Array(this.bytes.buffer)
    this.next = new Int32Array(blocks)
    for (let block = blocks - 1; block >= 0; block--) {
      this.next[block] = this.free
      this.free = block
    }
  }

  /** Stores the first `length` bytes of the scratch; returns the entry's first block. There must be room. */
  store(length: number): number {
    let previous = -1
    let first = -1
    for (let from = 0; from < length; from += blockBytes) {
      const block = this.free
      assert(block !== -1, 'the cache makes room before it stores')
      this.free = this.next[block] as number
      this.used++
      this.bytes.copyWithin(this.placeOf(block), from, Math.min(from + blockBytes, length))
      if (previous === -1) first = block
      else this.next[previous] = block
      this.next[block] = -1
      previous = block
    }
    return first
  }

  release(first: number): void {
    let block = first
    while (block !== -1) {
      const after = this.next[block] as number
      this.next[block] = this.free
      this.free = block
      this.used--
      block = after
    }
  }

  /** Could it be stored at all, were nothing else there? */
  fits(length: number): boolean {
    return Math.ceil(length / blockBytes) <= this.blocks
  }

  hasRoom(length: number): boolean {
    return this.used + Math.ceil(length / blockBytes) <= this.blocks
  }

  /** Where the entry can be read as one piece: in place, or in the scratch, valid until the next call. */
  open(first: number): number {
    if (this.next[first] === -1) return this.placeOf(first)
    let to = 0
    for (let block = first; block !== -1; block = this.next[block] as number) {
      const from = this.placeOf(block)
      this.bytes.copyWithin(to, from, from + blockBytes)
      to += blockBytes
    }
    return 0
  }

  /** Where the entry's head stands; good for its fixed fields only. */
  placeOf(block: number): number {
    return entryBytesMax + block * blockBytes
  }
}
