/** What a rule says of a query; the guard moves on accordingly. */
export const PASS = 0
/** No reply at all. */
export const DROP = 1
/** The rule has filled the draft it was given at `create`: it is the reply. */
export const REPLY = 2
/** Answer from the cache or with what the rule drafted, but never ask upstream. */
export const CACHE_ONLY = 3
/** The rule changed the query's name: the guard runs again, once. */
export const REWRITE = 4
/** The rule set `askType` and its mark: the road goes on with that type, and the rule's `finish` shapes the reply. */
export const ASK = 5

/** The query waits until the answer about `query.probeLabel` of its name has come, and then walks the road again. */
export const PROBE = 6
/** The query waits `query.holdMs` and then walks the road again, `query.held` being 1; at once when too many do. */
export const HOLD = 7

/** A query waits for so many probes at most, whatever rules say. */
export const probesMax = 3

export type Verdict = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7
