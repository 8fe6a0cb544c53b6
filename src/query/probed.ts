import { KIND_FAILURE } from '../wire/kind.ts'

/** What a probe brought: a question (type A) about a name that a rule wants to know of. One reusable view. */
export class Probed {
  /** The name asked for, lower-case wire form, of `nameLength` bytes. */
  name: Uint8Array = empty
  nameLength = 0
  /** KIND_* of the answer; KIND_FAILURE also when none came. */
  kind = KIND_FAILURE
  /** Records of its answer section that belong to the question: an NXDOMAIN behind a CNAME has some, and speaks of its target. */
  answers = 0
  /** How long it is true, s: as long as the cache keeps it, 0 for not at all. */
  seconds = 0
  /** The upstream's message, with length 0 when none came. Its records are known to parse. */
  message: Uint8Array = empty
  at = 0
  length = 0
}

const empty = new Uint8Array(0)
