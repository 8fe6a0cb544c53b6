import { assert } from '../base/assert.ts'
import { endpointBytes } from '../net/endpoint.ts'

/**
 * Many small things in one message between threads: records in one ArrayBuffer that is transferred, never copied.
 *
 *   record:  kind u8 · 0 · place u16 · first u32 · second u32 · length u32 │ `length` octets │ padding to 4
 *
 * What the fields mean, by kind (all DNS messages without the two octets of TCP length):
 *
 *   kind       way               place               first        second                  octets
 *   QUERY      streams → shard   listener id         connection   connection generation   peer (32, net/endpoint), query
 *   REPLY      shard → streams   0                   connection   connection generation   reply; none: there is no reply
 *   QUESTION   shard → streams   upstreamPlace()     slot         slot generation         question
 *   ANSWER     streams → shard   0                   slot         slot generation         answer; none: it failed
 *   LEARNED    shard → shard     route               flags        upstream                answer
 *
 * Byte order is the machine's: the message never leaves the process.
 */
export const QUERY = 1
export const REPLY = 2
export const QUESTION = 3
export const ANSWER = 4
export const LEARNED = 5

const headerBytes = 16
/** Above this a view costs less than a loop over the octets. */
const loopBytesMax = 256
/** A QUERY's octets start with who asked. */
export const peerBytes = endpointBytes
/** A DNS message is as long as its two octets of length can say (RFC 1035 section 4.2.2). */
export const messageBytesMax = 65535

/** Room from the start: one record of any size fits. */
const packedBytesMin = 128 * 1024
/** At this size a message is sent before the turn ends, so that neither side ever holds more in one piece. */
export const packedBytesMax = 1024 * 1024

/** Collects records. The memory is kept and reused; what is sent is a slice of it. */
export class Packer {
  /** Write a record's octets here; another array after `open` had to grow it. */
  bytes = new Uint8Array(packedBytesMin)
  private words = new Uint32Array(this.bytes.buffer)
  private used = 0
  private room = -1

  get isEmpty(): boolean {
    return this.used === 0
  }

  /**
   * Opens a record with room for `room` octets. Returns where in `bytes` they go, or -1 when the message is full: take
   * it, send it, and open again. Nothing is recorded before `close`.
   */
  open(kind: number, place: number, first: number, second: number, room: number): number {
    assert(this.room === -1, 'one record is open at a time')
    const end = this.used + headerBytes + padded(room)
    if (end > this.bytes.length) {
      if (end > packedBytesMax) return -1
      this.grow(end)
    }
    const word = this.used >> 2
    this.words[word] = kind | (place << 16)
    this.words[word + 1] = first
    this.words[word + 2] = second
    this.room = room
    return this.used + headerBytes
  }

  /** Ends the record: `length` octets of the room were written. */
  close(length: number): void {
    assert(length >= 0 && length <= this.room, 'a record stays within the room it asked for')
    this.words[(this.used >> 2) + 3] = length
    this.used += headerBytes + padded(length)
    this.room = -1
  }

  /** Opens, copies and closes. False when the message is full. */
  add(
    kind: number,
    place: number,
    first: number,
    second: number,
    from: Uint8Array,
    at: number,
    length: number,
  ): boolean {
    const to = this.open(kind, place, first, second, length)
    if (to === -1) return false
    copyBytes(from, at, length, this.bytes, to)
    this.close(length)
    return true
  }

  /** All records in a buffer of their own size, to be transferred: posting a view would copy all of the memory. */
  take(): ArrayBuffer {
    const message = this.bytes.buffer.slice(0, this.used)
    this.used = 0
    return message
  }

  private grow(end: number): void {
    let size = this.bytes.length
    while (size < end) size *= 2
    const bytes = new Uint8Array(size)
    bytes.set(this.bytes.subarray(0, this.used))
    this.bytes = bytes
    this.words = new Uint32Array(bytes.buffer)
  }
}

/** Walks through the records of one message at a time; the current record stands in the fields. */
export class Unpacker {
  bytes = new Uint8Array(0)
  kind = 0
  place = 0
  first = 0
  second = 0
  at = 0
  length = 0
  private words = new Uint32Array(0)
  private next = 0

  /** Turns to a new message. */
  start(message: ArrayBuffer): void {
    this.bytes = new Uint8Array(message)
    this.words = new Uint32Array(message)
    this.next = 0
  }

  /** Goes to the next record. False at the end, where the message is let go. */
  advance(): boolean {
    if (this.next >= this.bytes.length) {
      if (this.next > 0) this.start(nothing)
      return false
    }
    const word = this.next >> 2
    const mixed = this.words[word] as number
    this.kind = mixed & 0xff
    this.place = mixed >>> 16
    this.first = this.words[word + 1] as number
    this.second = this.words[word + 2] as number
    this.length = this.words[word + 3] as number
    this.at = this.next + headerBytes
    this.next = this.at + padded(this.length)
    assert(this.next <= this.bytes.length, 'a record ends within its message')
    return true
  }
}

/**
 * An upstream's index together with the plan that it belongs to: while a reload is on its way the two threads may hold
 * different plans for a moment, and an index alone would then name another server.
 */
export function upstreamPlace(generation: number, upstream: number): number {
  return ((generation & 0x7ff) << 5) | upstream
}

export function placeGeneration(place: number): number {
  return place >> 5
}

export function placeUpstream(place: number): number {
  return place & 31
}

/** Copies short messages, which are the rule, without making a view for each; long ones at the speed of `set`. */
export function copyBytes(from: Uint8Array, at: number, length: number, to: Uint8Array, toAt: number): void {
  if (length > loopBytesMax) {
    to.set(from.subarray(at, at + length), toAt)
    return
  }
  for (let i = 0; i < length; i++) to[toAt + i] = from[at + i] as number
}

function padded(length: number): number {
  return (length + 3) & ~3
}

const nothing = new ArrayBuffer(0)
