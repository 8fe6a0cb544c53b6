/** Bytes of one half of a probe's random name as text. */
export const probeLabelBytes = 16
/** Two such labels with their length bytes; the zone follows. */
export const probePrefixBytes = 2 * (1 + probeLabelBytes)

/**
 * Writes `<16 hex>.<16 hex>.<zone>` in wire form to the start of `to`; returns its length. Both labels are random, so that no cached
 * NXDOMAIN of a parent hides a loop (FIELD 3.1). The four words are the 128 bits.
 */
export function writeProbeName(to: Uint8Array, zone: Uint8Array, a: number, b: number, c: number, d: number): number {
  to[0] = probeLabelBytes
  writeHex(to, 1, a)
  writeHex(to, 9, b)
  to[17] = probeLabelBytes
  writeHex(to, 18, c)
  writeHex(to, 26, d)
  to.set(zone, probePrefixBytes)
  return probePrefixBytes + zone.length
}

/** Reads 16 hex digits of a name in lower case as two words; other bytes give words that match nothing we wrote. */
export function readHex(name: Uint8Array, from: number, to: Int32Array): void {
  for (let half = 0; half < 2; half++) {
    let word = 0
    for (let i = 0; i < 8; i++) word = (word << 4) | hexValue(name[from + half * 8 + i] as number)
    to[half] = word
  }
}

function writeHex(to: Uint8Array, at: number, word: number): void {
  for (let i = 0; i < 8; i++) {
    const digit = (word >>> (28 - 4 * i)) & 0xf
    to[at + i] = digit < 10 ? 0x30 + digit : 0x57 + digit
  }
}

function hexValue(byte: number): number {
  return byte <= 0x39 ? byte - 0x30 : byte - 0x57
}
