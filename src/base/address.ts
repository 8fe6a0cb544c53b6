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
  private readonly bytes: Uint8Array
  private readonly bits: Uint8Array
  readonly size: number

  /** @param prefixes addresses of 4 or 16 bytes with their prefix lengths */
  constructor(prefixes: readonly { bytes: Uint8Array; length: number }[]) {
    this.size = prefixes.length
    this.bytes = new Uint8Array(this.size * addressBytes)
    this.bits = new Uint8Array(this.size)
    prefixes.forEach((prefix, i) => {
      writeMapped(prefix.bytes, this.bytes, i * addressBytes)
      this.bits[i] = prefix.bytes.length === 4 ? prefix.length + 96 : prefix.length
    })
  }

  has(address: Uint8Array, at: number): boolean {
    // A short IPv6 prefix such as ::/0 covers the mapped form of IPv4 addresses too, and does not mean them.
    const least = isMapped(address, at) ? 96 : 0
    for (let i = 0; i < this.size; i++) {
      if ((this.bits[i] as number) < least) continue
      if (samePrefix(address, at, this.bytes, i * addressBytes, this.bits[i] as number)) return true
    }
    return false
  }
}
