/**
 * Cuts a TCP stream into DNS messages: two octets of length, then the message (RFC 1035 section 4.2.2), whatever the chunks it comes in.
 * Messages that lie whole in a chunk are not copied; what is left over at its end is held until the rest comes.
 *
 *   held:  [ 00 1d │ 3f 5a 01 … ]   chunk:  … │ 00 20 │ message │ 00 1f │ mess
 *            an unfinished message              ▲ next
 */
export class Frames {
  /** The message that `next` found stands here; valid until `next` or `push` is called again. */
  bytes: Uint8Array = nothing
  at = 0
  length = 0

  private chunk: Uint8Array = nothing
  private chunkAt = 0
  private held = nothing
  private heldLength = 0

  /** Takes over the next chunk of the stream. */
  push(chunk: Uint8Array): void {
    if (this.chunkAt === this.chunk.length) {
      this.chunk = chunk
    } else {
      const rest = this.chunk.length - this.chunkAt
      const both = new Uint8Array(rest + chunk.length)
      both.set(this.chunk.subarray(this.chunkAt))
      both.set(chunk, rest)
      this.chunk = both
    }
    this.chunkAt = 0
  }

  /** Goes to the next whole message. False when there is none: what began is held. */
  next(): boolean {
    if (this.heldLength === 0) {
      if (this.findInChunk()) return true
      this.hold(Math.min(2, this.left))
    }
    if (this.heldLength < 2) this.hold(Math.min(2 - this.heldLength, this.left))
    if (this.heldLength < 2) return false
    const whole = 2 + lengthAt(this.held, 0)
    this.hold(Math.min(whole - this.heldLength, this.left))
    if (this.heldLength < whole) return false
    this.bytes = this.held
    this.at = 2
    this.length = whole - 2
    // Held octets belong to this message now: the next unfinished one gets memory of its own.
    this.held = nothing
    this.heldLength = 0
    return true
  }

  /** After `next` said false: has a message begun that is not whole yet? */
  get isMidMessage(): boolean {
    return this.heldLength > 0
  }

  private get left(): number {
    return this.chunk.length - this.chunkAt
  }

  private findInChunk(): boolean {
    if (this.left < 2) return false
    const length = lengthAt(this.chunk, this.chunkAt)
    if (this.left < 2 + length) return false
    this.bytes = this.chunk
    this.at = this.chunkAt + 2
    this.length = length
    this.chunkAt += 2 + length
    return true
  }

  /** Memory grows with what has come, not with what a length of 65,535 announces. */
  private hold(count: number): void {
    if (count === 0) return
    const needed = this.heldLength + count
    if (needed > this.held.length) {
      const larger = new Uint8Array(Math.max(heldBytesMin, 2 ** Math.ceil(Math.log2(needed))))
      larger.set(this.held.subarray(0, this.heldLength))
      this.held = larger
    }
    this.held.set(this.chunk.subarray(this.chunkAt, this.chunkAt + count), this.heldLength)
    this.heldLength = needed
    this.chunkAt += count
    if (this.left === 0) this.push(nothing)
  }
}

/** Most queries fit. */
const heldBytesMin = 512

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

const nothing = new Uint8Array(0)
