/**
 * A reply as it stands in its tx slot, seen by the rules' `finish`: the message at `at`, `length` bytes so far, `limit` the most it may
 * grow to. The question ends at `questionEnd`; OPT, where there is one, is written after `finish`.
 */
export class Reply {
  bytes: Uint8Array = new Uint8Array(0)
  at = 0
  length = 0
  limit = 0
  questionEnd = 0
  /** Extended error (RFC 8914), -1 for none; the draft's, unless a rule's `finish` says otherwise. */
  ede = -1
  edeText: Uint8Array = noText
}

const noText = new Uint8Array(0)
