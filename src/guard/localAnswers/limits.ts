/** More aliases in a row than anybody needs; the longest reply follows from it. */
export const aliasesMax = 8

/**
 * The most that the records of one name and type may take, so that they fit into any message (65,535 bytes) behind a
 * chain of aliases.
 */
export const setBytesMax = 60_000

/** In a reply, before the rdata: owner as a pointer, type, class, TTL, length. */
export const recordHeadBytes = 12
