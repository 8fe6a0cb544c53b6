/**
 * A seeded 32-bit hash over bytes, in the form of MurmurHash3's body, one byte at a time: names are short, and
 * they arrive at odd offsets. It is used together with a comparison of the full key, so a collision costs
 * a miss and never a wrong answer; the seed is random per process, so collisions can't be prepared.
 */
export function hashStart(seed: number): number {
  return seed | 0
}

export function hashByte(hash: number, byte: number): number {
  let h = Math.imul(hash ^ byte, 0x5bd1e995)
  h ^= h >>> 15
  return h
}

export function hashWord(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51)
  k = (k << 15) | (k >>> 17)
  const h = hash ^ Math.imul(k, 0x1b873593)
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
}

/** Final mixing; the result is a non-negative 30-bit integer, which V8 keeps as a small integer. */
export function hashEnd(hash: number): number {
  let h = hash
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  h ^= h >>> 16
  return h & 0x3fffffff
}

/** Hash of a range of bytes: of its words, the first byte lowest, the last one filled up with zeros (see also query/open). */
export function hashBytes(seed: number, bytes: Uint8Array, from: number, to: number): number {
  let h = hashStart(seed)
  for (let i = from; i < to; i += 4) h = hashWord(h, wordAt(bytes, i, to))
  return hashEnd(h)
}

function wordAt(bytes: Uint8Array, from: number, to: number): number {
  let word = bytes[from] as number
  if (from + 1 < to) word |= (bytes[from + 1] as number) << 8
  if (from + 2 < to) word |= (bytes[from + 2] as number) << 16
  if (from + 3 < to) word |= (bytes[from + 3] as number) << 24
  return word
}
