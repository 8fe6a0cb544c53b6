import { assert } from '../base/assert.ts'
import { endpointBytes } from './endpoint.ts'
import type { Arena, Sys } from './sys.ts'
import { addressIn } from './sys.ts'

/** How many datagrams one system call moves: above 64 the gain per datagram was not measurable. */
export const batchSlots = 64

const headerBytes = 64
const vectorBytes = 16

/**
 * Slots for datagrams in memory that is laid out once, in the form that recvmmsg and sendmmsg take:
 *
 *   headers 64 × struct mmsghdr (64 bytes) │ vectors 64 × struct iovec (16) │ peers 64 × sockaddr (32) │
 *   data 64 × slotBytes
 *
 * Without koffi the same memory serves as plain buffers.
 */
export class Batch {
  readonly bytes: Uint8Array
  readonly slotBytes: number
  /** Of the arena; 0 without koffi. */
  private readonly headersAddress: number
  /** Held, since an address holds nothing. */
  private readonly arena: Arena | undefined
  private readonly words: Uint32Array
  private readonly lengths: Int32Array
  /** Did a send shorten the vectors since they were last offered whole? */
  private shortened = false

  constructor(sys: Sys | undefined, slotBytes: number) {
    assert(slotBytes % 4 === 0, 'slots are aligned to words')
    const total = batchSlots * (headerBytes + vectorBytes + endpointBytes + slotBytes)
    this.arena = sys?.arena(total)
    this.headersAddress = this.arena === undefined ? 0 : addressIn(this.arena, 0, batchSlots * headerBytes)
    const buffer = this.arena?.buffer ?? new ArrayBuffer(total)
    this.bytes = new Uint8Array(buffer)
    this.words = new Uint32Array(buffer)
    this.lengths = new Int32Array(batchSlots)
    this.slotBytes = slotBytes
    if (this.arena === undefined) return
    this.wire(this.arena)
    this.shortened = true
    this.offerAll()
  }

  /** Where slot's datagram starts in `bytes`. */
  dataAt(slot: number): number {
    return batchSlots * (headerBytes + vectorBytes + endpointBytes) + slot * this.slotBytes
  }

  /** Where slot's peer (see net/endpoint) starts in `bytes`. */
  peerAt(slot: number): number {
    return batchSlots * (headerBytes + vectorBytes) + slot * endpointBytes
  }

  length(slot: number): number {
    return this.lengths[slot] as number
  }

  setLength(slot: number, length: number): void {
    this.lengths[slot] = length
  }

  /** The address of the message header of `slot`, good for `count` messages. */
  headerAddress(slot: number, count: number): number {
    assert(slot >= 0 && slot + count <= batchSlots, 'message headers handed to C are those of the batch')
    return this.headersAddress + slot * headerBytes
  }

  /** Before recvmmsg: offers every slot whole, which is work only after a send from the same batch. */
  offerAll(): void {
    if (!this.shortened) return
    this.shortened = false
    for (let slot = 0; slot < batchSlots; slot++) {
      this.words[this.headerWord(slot) + 2] = endpointBytes
      this.words[this.vectorWord(slot) + 2] = this.slotBytes
    }
  }

  /** After recvmmsg: takes over `count` lengths; a datagram that did not fit gets length 0 and is nobody's. */
  takeLengths(count: number): void {
    for (let slot = 0; slot < count; slot++) {
      const header = this.headerWord(slot)
      const truncated = ((this.words[header + 12] as number) & MSG_TRUNC) !== 0
      this.lengths[slot] = truncated ? 0 : (this.words[header + 14] as number)
      this.words[header + 2] = endpointBytes
    }
  }

  /** Before sendmmsg: `peerLength` 0 on a connected socket. */
  prepareSend(slot: number, peerLength: number): void {
    this.shortened = true
    this.words[this.headerWord(slot) + 2] = peerLength
    this.words[this.vectorWord(slot) + 2] = this.lengths[slot] as number
  }

  private headerWord(slot: number): number {
    return (slot * headerBytes) >> 2
  }

  private vectorWord(slot: number): number {
    return (batchSlots * headerBytes + slot * vectorBytes) >> 2
  }

  /** Pointers are written once: header → peer and vector, vector → data. */
  private wire(arena: Arena): void {
    for (let slot = 0; slot < batchSlots; slot++) {
      const header = this.headerWord(slot)
      const vector = this.vectorWord(slot)
      this.pointer(header, addressIn(arena, this.peerAt(slot), endpointBytes))
      this.pointer(header + 4, addressIn(arena, vector * 4, vectorBytes))
      this.words[header + 6] = 1
      this.pointer(vector, addressIn(arena, this.dataAt(slot), this.slotBytes))
    }
  }

  private pointer(word: number, address: number): void {
    this.words[word] = address >>> 0
    this.words[word + 1] = Math.floor(address / 2 ** 32)
  }
}

const MSG_TRUNC = 0x20
