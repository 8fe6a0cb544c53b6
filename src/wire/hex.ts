/** Writes a 32-bit word as eight hex digits in lower case. */
export function writeHex(to: Uint8Array, at: number, word: number): void {
  for (let i = 0; i < 8; i++) {
    const digit = (word >>> (28 - 4 * i)) & 0xf
    to[at + i] = digit < 10 ? 0x30 + digit : 0x57 + digit
  }
}

/** Reads 16 hex digits in lower case as two words; other bytes give words that match nothing we wrote. */
export function readHex(name: Uint8Array, from: number, to: Int32Array): void {
  for (let half = 0; half < 2; half++) {
    let word = 0
    for (let i = 0; i < 8; i++) word = (word << 4) | hexValue(name[from + half * 8 + i] as number)
    to[half] = word
  }
}

function hexValue(byte: number): number {
  return byte <= 0x39 ? byte - 0x30 : byte - 0x57
}
