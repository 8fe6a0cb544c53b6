/**
 * The stub upstream's answer to a query, by the last label of the name: `org` → NXDOMAIN, `silent` → none, all else →
 * an address for A, NODATA for other types. OPT iff asked. Pure, allocation-free.
 *
 * @returns the length of the answer at `to[toAt]`, 0 for silence
 */
export function stubAnswer(from: Uint8Array, at: number, length: number, to: Uint8Array, toAt: number): number {
  if (length < headerBytes + 5 || ((from[at + 2] as number) & 0x80) !== 0) return 0
  const end = at + length
  let last = 0
  let beforeLast = 0
  let name = at + headerBytes
  while (name < end && from[name] !== 0) {
    beforeLast = last
    last = name
    name += (from[name] as number) + 1
  }
  const questionEnd = name + 5
  if (questionEnd > end) return 0
  if (isLabel(from, last, silent)) return 0
  const denied = isLabel(from, last, org)
  const isA = from[name + 1] === 0 && from[name + 2] === 1
  // All that follows the question is the OPT record, if anything does.
  const withOpt = questionEnd < end && from[at + 11] === 1

  for (let i = at; i < questionEnd; i++) to[toAt + i - at] = from[i] as number
  let out = toAt + questionEnd - at
  to[toAt + 2] = 0x80 | ((from[at + 2] as number) & 0x01)
  to[toAt + 3] = 0x80 | (denied ? rcodeNxdomain : 0)
  const positive = isA && !denied
  to[toAt + 7] = positive ? 1 : 0
  to[toAt + 9] = positive ? 0 : 1
  to[toAt + 11] = withOpt ? 1 : 0
  if (positive) {
    out = put(to, out, addressRecord)
  } else {
    // Owner: the last two labels, as a pointer into the question; the root has none.
    const owner = beforeLast || last
    out = owner === 0 ? put(to, out, root) : pointer(to, out, owner - at)
    out = put(to, out, soaBody)
  }
  if (withOpt) out = put(to, out, opt)
  return out - toAt
}

function isLabel(bytes: Uint8Array, at: number, label: Uint8Array): boolean {
  for (let i = 0; i < label.length; i++) {
    const byte = bytes[at + i] as number
    // Letter case is the resolver's to choose (0x20); the length byte is below any letter.
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== label[i]) return false
  }
  return true
}

function put(to: Uint8Array, at: number, bytes: Uint8Array): number {
  for (let i = 0; i < bytes.length; i++) to[at + i] = bytes[i] as number
  return at + bytes.length
}

function pointer(to: Uint8Array, at: number, target: number): number {
  to[at] = 0xc0 | (target >> 8)
  to[at + 1] = target & 0xff
  return at + 2
}

const headerBytes = 12
const rcodeNxdomain = 3
const org = Uint8Array.of(3, 0x6f, 0x72, 0x67)
const silent = Uint8Array.of(6, 0x73, 0x69, 0x6c, 0x65, 0x6e, 0x74)
const root = Uint8Array.of(0)
/** TTL and SOA MINIMUM: longer than any bench. */
const hour = [0, 0, 0x0e, 0x10]
/** Pointer to the question, A, IN, 1 h, 192.0.2.1. */
const addressRecord = Uint8Array.of(0xc0, 0x0c, 0, 1, 0, 1, ...hour, 0, 4, 192, 0, 2, 1)
/** SOA, IN, 1 h; MNAME and RNAME are the root; serial 1, then refresh, retry, expire, minimum. */
const soaBody = Uint8Array.of(0, 6, 0, 1, ...hour, 0, 22, 0, 0, 0, 0, 0, 1, ...hour, ...hour, ...hour, ...hour)
/** OPT with a payload of 1232. */
const opt = Uint8Array.of(0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0)
