/** What an answer turned out to be, once only what belongs to the question was kept. */
export const KIND_POSITIVE = 0
export const KIND_NODATA = 1
export const KIND_NXDOMAIN = 2
/** A chain that leads to no record of the asked type and to no proof of absence: never kept as an answer. */
export const KIND_PARTIAL = 3
/** NS records and nothing else: the server does not answer this question. */
export const KIND_REFERRAL = 4
/** Any other rcode; the body is empty. */
export const KIND_FAILURE = 5
