/**
 * An address in text → 4 bytes (dotted, no leading zeros) or 16 (RFC 4291 §2.2, no %scope); undefined for anything
 * else.
 */
export function addressFromText(text: string): Uint8Array | undefined {
  const bytes = text.includes(':') ? bytesOfIpv6(text) : bytesOfIpv4(text)
  return bytes && Uint8Array.from(bytes)
}

/**
 * 4 or 16 bytes → text as RFC 5952 writes it, IPv4-mapped ones as `::ffff:192.0.2.1` (§5). Throws RangeError on other
 * lengths.
 */
export function addressToText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.')
  if (bytes.length !== 16) throw new RangeError(`an address of ${bytes.length} bytes`)
  const mapped = bytes.every((byte, at) => at >= 12 || byte === (at < 10 ? 0 : 255))
  if (mapped) return `::ffff:${bytes.subarray(12).join('.')}`
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] as number) << 8) | (bytes[2 * at + 1] as number))
  const { start, length } = longestZeros(groups)
  const hex = groups.map((group) => group.toString(16))
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

/** A network: the address's bytes (4 or 16, host bits cleared) and the prefix length in bits. */
export interface Prefix {
  readonly bytes: Uint8Array
  readonly length: number
}

/**
 * `10.0.0.0/8`, `2001:db8::/32`, or a bare address (all its bits); host bits are cleared. Undefined for anything else.
 */
export function prefixFromText(text: string): Prefix | undefined {
  const slash = text.indexOf('/')
  const bytes = addressFromText(slash < 0 ? text : text.slice(0, slash))
  const digits = text.slice(slash + 1)
  if (bytes === undefined || (slash >= 0 && !/^(0|[1-9][0-9]{0,2})$/.test(digits))) return undefined
  const length = slash < 0 ? bytes.length * 8 : Number(digits)
  if (length > bytes.length * 8) return undefined
  return { bytes: bytes.map((byte, at) => byte & ~(0xff >> Math.min(8, Math.max(0, length - 8 * at)))), length }
}

function bytesOfIpv4(text: string): number[] | undefined {
  const parts = text.split('.')
  const good = parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)
  return good ? parts.map(Number) : undefined
}

function bytesOfIpv6(text: string): number[] | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  // Only the end of the whole address may be dotted.
  const head = bytesOfGroups(halves[0] as string, halves.length === 1)
  const tail = halves.length === 2 ? bytesOfGroups(halves[1] as string, true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 16 - head.length - tail.length
  // `::` stands for one group or more (RFC 4291 §2.2).
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined
  return [...head, ...new Array<number>(missing).fill(0), ...tail]
}

function bytesOfGroups(text: string, mayEndDotted: boolean): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [at, group] of groups.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16)
      bytes.push(value >> 8, value & 0xff)
      continue
    }
    const dotted = mayEndDotted && at === groups.length - 1 ? bytesOfIpv4(group) : undefined
    if (dotted === undefined) return undefined
    bytes.push(...dotted)
  }
  return bytes
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let end = start
    while (groups[end] === 0) end++
    if (end - start > best.length) best = { start, length: end - start }
  }
  return best
}
