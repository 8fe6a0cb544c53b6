import { readU16 } from '../../wire/header.ts'

/** Is the IPv4 address at `at` one that only means something inside? */
export function isPrivateV4(bytes: Uint8Array, at: number): boolean {
  const first = bytes[at] as number
  const second = bytes[at + 1] as number
  switch (first) {
    case 0: // "This host on this network" (RFC 1122 section 3.2.1.3); Linux connects to itself
    case 10: // RFC 1918
    case 127: // loopback (RFC 1122 section 3.2.1.3)
      return true
    case 100: // carrier-grade NAT, and the pod networks of some clouds (RFC 6598)
      return (second & 0xc0) === 64
    case 169: // link-local (RFC 3927), where clouds keep their metadata servers
      return second === 254
    case 172: // RFC 1918
      return (second & 0xf0) === 16
    case 192: // RFC 1918
      return second === 168
    default:
      return false
  }
}

/** The same for the IPv6 address at `at`. */
export function isPrivateV6(bytes: Uint8Array, at: number): boolean {
  const first = readU16(bytes, at)
  // Unique local (RFC 4193); link-local (RFC 4291 section 2.5.6), and site-local beside it, given up by RFC 3879 and still in use here and there.
  if ((first & 0xfe00) === 0xfc00 || (first & 0xff80) === 0xfe80) return true
  // NAT64 leads to the IPv4 address at the end (RFC 6052 section 2.1).
  if (first === 0x0064 && readU16(bytes, at + 2) === 0xff9b)
    return isZero(bytes, at + 4, 8) && isPrivateV4(bytes, at + 12)
  if (!isZero(bytes, at, 10)) return false
  // ::ffff:0:0/96 is a way to write IPv4 addresses in programs, and has no business in the DNS; ::/96 holds the unspecified address, loopback, and
  // IPv4-compatible addresses, which nobody has any more (RFC 4291 section 2.5).
  const form = readU16(bytes, at + 10)
  return form === 0xffff || form === 0
}

function isZero(bytes: Uint8Array, at: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[at + i] !== 0) return false
  return true
}
