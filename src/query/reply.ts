import { viewOf } from '../base/octets.ts'

/**
 * A reply as it stands in its tx slot, seen by the rules' `finish`: the message at `at`, `length` bytes so far, `limit` the most it may
 * grow to. The question ends at `questionEnd`; OPT, where there is one, is written after `finish`.
 */
export class Reply {
  private octets: Uint8Array = noOctets
  /** Of `bytes`. */
  view: DataView = viewOf(noOctets)
  at = 0
  length = 0
  limit = 0
  questionEnd = 0
  /** Extended error (RFC 8914), -1 for none; the draft's, unless a rule's `finish` says otherwise. */
  ede = -1
  edeText: Uint8Array = noOctets

  get bytes(): Uint8Array {
    return this.octets
  }
  /** On the road it is the same memory each time. */
  set bytes(bytes: Uint8Array) {
    if (bytes === this.octets) return
    this.octets = bytes
    this.view = viewOf(bytes)
  }
}

const noOctets = new Uint8Array(0)
