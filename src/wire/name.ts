/**
 * Names as they stand in a message (RFC 1035 section 3.1 and 4.1.4): all functions take bytes and offsets and answer with numbers; -1
 * means malformed. Limits by RFC 9267: pointers go strictly backwards, a name has at most 127 labels and 255 bytes.
 */
export const nameBytesMax = 255

/** The offset behind the name at `at`, which must end before `end`; -1 when malformed. A pointer's target isn't looked at. */
export function skipName(bytes: Uint8Array, at: number, end: number): number {
  let here = at
  while (here < end) {
    const length = bytes[here] as number
    if (length === 0) return here + 1
    if (length >= 0xc0) return here + 2 <= end ? here + 2 : -1
    if (length > 63) return -1
    here += length + 1
    if (here - at > nameBytesMax - 1) return -1
  }
  return -1
}

/** As `skipName`, for a message that begins at `start`: every pointer is followed too, strictly backwards, within the limits of a name. */
export function checkName(bytes: Uint8Array, start: number, at: number, end: number): number {
  let here = at
  let after = -1
  let lowest = at
  let length = 0
  for (;;) {
    if (here >= end) return -1
    const label = bytes[here] as number
    if (label === 0) return after === -1 ? here + 1 : after
    if (label >= 0xc0) {
      if (here + 1 >= end) return -1
      const target = start + (((label & 0x3f) << 8) | (bytes[here + 1] as number))
      if (target >= lowest || target < start + 12) return -1
      if (after === -1) after = here + 2
      lowest = target
      here = target
      continue
    }
    length += label + 1
    if (label > 63 || length + 1 > nameBytesMax) return -1
    here += label + 1
  }
}

/**
 * Decompresses the name at `at` of the message that begins at `start` and ends at `end` to `to[toAt …]`, letter case kept.
 * Returns its length with the final 0, or -1.
 */
export function expandName(
  bytes: Uint8Array,
  start: number,
  at: number,
  end: number,
  to: Uint8Array,
  toAt: number,
): number {
  let here = at
  // Every jump must land before the place it was read from and before all earlier targets: that ends any loop.
  let lowest = at
  let length = 0
  for (;;) {
    if (here >= end) return -1
    const label = bytes[here] as number
    if (label === 0) {
      to[toAt + length] = 0
      return length + 1
    }
    if (label >= 0xc0) {
      if (here + 1 >= end) return -1
      const target = start + (((label & 0x3f) << 8) | (bytes[here + 1] as number))
      if (target >= lowest || target < start + 12) return -1
      lowest = target
      here = target
      continue
    }
    if (label > 63 || here + label + 1 > end || length + label + 2 > nameBytesMax) return -1
    for (let i = 0; i <= label; i++) to[toAt + length + i] = bytes[here + i] as number
    length += label + 1
    here += label + 1
  }
}

/** ASCII lower case of one byte (RFC 4343); length bytes are below 64 and so never touched. */
export function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
}

/** As `lower`, of the four bytes of a word at once, whatever their order. */
export function lowerFour(word: number): number {
  const low = word & 0x7f7f7f7f
  // The high bit of each byte: at least A, above Z, ASCII at all. No sum carries into the next byte.
  const letters = (low + 0x3f3f3f3f) & ~(low + 0x25252525) & ~word & 0x80808080
  return word | (letters >>> 2)
}

/** Copies `length` bytes of an uncompressed name in lower case. */
export function lowerName(bytes: Uint8Array, at: number, length: number, to: Uint8Array, toAt: number): void {
  for (let i = 0; i < length; i++) to[toAt + i] = lower(bytes[at + i] as number)
}

/** Are two uncompressed names equal, letter case aside? Both end in a 0 that they are known to have. */
export function sameName(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  for (let i = 0; ; i++) {
    const x = a[aAt + i] as number
    if (lower(x) !== lower(b[bAt + i] as number)) return false
    if (x === 0 && atRoot(a, aAt, i)) return true
  }
}

/** Is the 0 at offset `i` the root label, and not a 0 byte within a label? */
function atRoot(bytes: Uint8Array, at: number, i: number): boolean {
  let here = 0
  while (here < i) here += (bytes[at + here] as number) + 1
  return here === i
}

/** Is the `length`-byte name at `a` equal to or below the uncompressed name at `b`, both lower case? */
export function isAtOrBelow(
  a: Uint8Array,
  aAt: number,
  aLength: number,
  b: Uint8Array,
  bAt: number,
  bLength: number,
): boolean {
  let here = 0
  while (aLength - here > bLength) here += (a[aAt + here] as number) + 1
  if (aLength - here !== bLength) return false
  for (let i = 0; i < bLength; i++) if (a[aAt + here + i] !== b[bAt + i]) return false
  return true
}
