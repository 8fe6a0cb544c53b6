/**
 * IP addresses as 16 bytes in memory (IPv4 as ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2), so that tables know one form.
 * All functions take (bytes, at).
 */
export const addressBytes = 16

/** Is it an IPv4 address in mapped form? */
export function isMapped(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return false
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff
}

/** 4 or 16 bytes → 16 bytes at `to[at]`. */
export function writeMapped(address: Uint8Array, to: Uint8Array, at: number): void {
  if (address.length === 16) {
    to.set(address, at)
    return
  }
  to.fill(0, at, at + 10)
  to[at + 10] = 0xff
  to[at + 11] = 0xff
  to.set(address, at + 12)
}

/** Do the first `bits` of both addresses agree? */
export function samePrefix(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number, bits: number): boolean {
  const whole = bits >> 3
  for (let i = 0; i < whole; i++) if (a[aAt + i] !== b[bAt + i]) return false
  const rest = bits & 7
  if (rest === 0) return true
  const mask = (0xff << (8 - rest)) & 0xff
  return (((a[aAt + whole] as number) ^ (b[bAt + whole] as number)) & mask) === 0
}

/** Prefixes over mapped addresses, asked on the road: allocation-free, linear, since lists are short. */
export class PrefixTable {
  readonly size: number
  /** Four words each, and which of their bits count. */
  private readonly words: Int32Array
  private readonly masks: Int32Array
  private readonly isV4: Uint8Array

  /** @param prefixes addresses of 4 or 16 bytes with their prefix lengths */
  constructor(prefixes: readonly { bytes: Uint8Array; length: number }[]) {
    this.size = prefixes.length
    this.words = new Int32Array(this.size * 4)
    this.masks = new Int32Array(this.size * 4)
    this.isV4 = new Uint8Array(this.size)
    const address = new Uint8Array(addressBytes)
    prefixes.forEach(({ bytes, length }, i) => {
      writeMapped(bytes, address, 0)
      const bits = bytes.length === 4 ? length + 96 : length
      this.isV4[i] = bits >= 96 && isMapped(address, 0) ? 1 : 0
      for (let word = 0; word < 4; word++) {
        const rest = Math.min(Math.max(bits - 32 * word, 0), 32)
        const mask = rest === 0 ? 0 : -1 << (32 - rest)
        this.masks[4 * i + word] = mask
        this.words[4 * i + word] = readU32(address, 4 * word) & mask
      }
    })
  }

  has(address: Uint8Array, at: number): boolean {
    const { words, masks, isV4, size } = this
    const a = readU32(address, at)
    const b = readU32(address, at + 4)
    const c = readU32(address, at + 8)
    const d = readU32(address, at + 12)
    // A short IPv6 prefix such as ::/0 covers the mapped form of IPv4 addresses too, and does not mean them.
    const least = a === 0 && b === 0 && c === 0xffff ? 1 : 0
    for (let i = 0, w = 0; i < size; i++, w += 4) {
      if (
        (d & (masks[w + 3] as number)) === words[w + 3] &&
        (a & (masks[w] as number)) === words[w] &&
        (b & (masks[w + 1] as number)) === words[w + 1] &&
        (c & (masks[w + 2] as number)) === words[w + 2] &&
        (isV4[i] as number) >= least
      )
        return true
    }
    return false
  }
}

/** Big endian, as a signed number. */
function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  )
}
