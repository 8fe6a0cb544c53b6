/** The fixed part of a message (RFC 1035 section 4.1.1): where its fields stand, and its flag bits. */
export const ID = 0
export const FLAGS = 2
export const QDCOUNT = 4
export const ANCOUNT = 6
export const NSCOUNT = 8
export const ARCOUNT = 10
/** Bytes of the header; the question begins here. */
export const HEADER = 12

export const QR = 0x8000
export const OPCODE = 0x7800
export const AA = 0x0400
export const TC = 0x0200
export const RD = 0x0100
export const RA = 0x0080
export const AD = 0x0020
export const CD = 0x0010
export const RCODE = 0x000f

export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
}

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8
  bytes[at + 1] = value
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (readU16(bytes, at) * 0x10000 + readU16(bytes, at + 2)) >>> 0
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}
