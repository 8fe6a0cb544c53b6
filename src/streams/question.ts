import { HEADER, ID, readU16 } from '../wire/header.ts'

/** Where a question came from, and where its answer goes. */
export interface Asker {
  /** `length` octets of an answer to the question of `slot`, or 0: it failed. */
  answer(slot: number, generation: number, bytes: Uint8Array, at: number, length: number): void
}

/** A question that a shard asks over TCP: it ends once, by an answer or without one. */
export class Question {
  /** The DNS message as the shard wrote it: one question, its name not compressed, perhaps an OPT. */
  readonly message: Uint8Array
  readonly name: Uint8Array
  readonly type: number
  /** The shard's own id. */
  readonly id: number
  /** Absolute time (ms) at which it fails. */
  readonly deadline: number
  askedAt = 0
  /** How often it was asked once more after a connection was closed under it. */
  repeats = 0
  private readonly asker: Asker
  private readonly slot: number
  private readonly generation: number

  constructor(message: Uint8Array, deadline: number, asker: Asker, slot: number, generation: number) {
    this.message = message
    this.deadline = deadline
    this.asker = asker
    this.slot = slot
    this.generation = generation
    this.id = readU16(message, ID)
    let end = HEADER
    while (message[end] !== 0) end += 1 + (message[end] as number)
    this.name = message.subarray(HEADER, end + 1)
    this.type = readU16(message, end + 1)
  }

  end(bytes: Uint8Array, at: number, length: number): void {
    this.asker.answer(this.slot, this.generation, bytes, at, length)
  }

  fail(): void {
    this.end(noBytes, 0, 0)
  }
}

const noBytes = new Uint8Array(0)
