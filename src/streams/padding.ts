import { ARCOUNT, readU16, writeU16 } from '../wire/header.ts'

/** Questions over an encrypted stream have a multiple of so many octets (RFC 8467 section 4.1). */
const blockBytes = 128
const optionHeadBytes = 4
const paddingCode = 12

/**
 * A question of our own (wire/outgoing), padded (RFC 7830): its OPT record has no option and stands at the end. The same where it has none, since it may not
 * be said then.
 */
export function padQuestion(message: Uint8Array): Uint8Array {
  if (readU16(message, ARCOUNT) !== 1) return message
  const padding = (blockBytes - ((message.length + optionHeadBytes) % blockBytes)) % blockBytes
  const padded = new Uint8Array(message.length + optionHeadBytes + padding)
  padded.set(message)
  writeU16(padded, message.length - 2, optionHeadBytes + padding)
  writeU16(padded, message.length, paddingCode)
  writeU16(padded, message.length + 2, padding)
  return padded
}
