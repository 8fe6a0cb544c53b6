/** Our own bug, as opposed to bad input: ends the worker, and the supervisor starts it anew. */
export class AssertionFailure extends Error {
  override readonly name = 'AssertionFailure'
}

/** States an invariant; `what` is a constant sentence, so that the check costs one branch and no string. */
export function assert(holds: boolean, what: string): asserts holds {
  if (!holds) throw new AssertionFailure(what)
}
