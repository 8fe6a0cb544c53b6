/** What the cache says of a question. */
export const CACHE_MISS = 0
export const CACHE_HIT = 1
export const CACHE_NEGATIVE = 2
export const CACHE_FAILURE = 3
/** A positive answer that is over, and serves all the same (RFC 8767). */
export const CACHE_STALE = 4
/** Only `peek` says so: it is over, and still there. */
export const CACHE_EXPIRED = 5
