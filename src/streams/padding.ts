import { ANCOUNT, ARCOUNT, HEADER, NSCOUNT, QDCOUNT, readU16, writeU16 } from '../wire/header.ts'
import { skipRecord } from '../wire/incoming.ts'
import { skipName } from '../wire/name.ts'

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

/** Replies over an encrypted stream have a multiple of so many octets (RFC 8467 section 4.1). */
const replyBlockBytes = 468
const messageBytesMax = 65_535

/** A reply of ours, padded where it has an OPT record (the client sent one), which is its last: the same where it has none, or no room. */
export function padReply(message: Uint8Array): Uint8Array {
  const opt = lastOpt(message)
  if (opt === -1) return message
  const unpadded = message.length + optionHeadBytes
  const whole = Math.min(Math.ceil(unpadded / replyBlockBytes) * replyBlockBytes, messageBytesMax)
  if (whole < unpadded) return message
  const padded = new Uint8Array(whole)
  padded.set(message)
  const rdlength = opt + 9
  writeU16(padded, rdlength, readU16(message, rdlength) + whole - message.length)
  writeU16(padded, message.length, paddingCode)
  writeU16(padded, message.length + 2, whole - unpadded)
  return padded
}

/** Where the last record stands if it is an OPT record at the message's end, else -1. */
function lastOpt(message: Uint8Array): number {
  if (message.length < HEADER || readU16(message, ARCOUNT) === 0) return -1
  let here = HEADER
  for (let i = readU16(message, QDCOUNT); i > 0; i--) {
    here = skipName(message, here, message.length)
    if (here === -1) return -1
    here += 4
  }
  const records = readU16(message, ANCOUNT) + readU16(message, NSCOUNT) + readU16(message, ARCOUNT)
  for (let i = 1; i < records; i++) {
    here = skipRecord(message, here, message.length)
    if (here === -1) return -1
  }
  const isOpt = message[here] === 0 && readU16(message, here + 1) === 41
  return isOpt && skipRecord(message, here, message.length) === message.length ? here : -1
}
