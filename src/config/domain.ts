import { domainToASCII } from 'node:url'
import type { Read } from './field.ts'

/** RFC 1035 2.3.4: 255 bytes on the wire, a length byte per label and the root's zero included. */
const nameTextMax = 253
const labelMax = 63

/**
 * A domain name in text → lower case, no trailing dot, ASCII (RFC 5891). Escapes are not taken, for no zone or search
 * suffix needs one, nor is the root, which is what a setting is about when it names no domain.
 */
export function readDomain(text: string): Read<string> {
  if (text === '.')
    return { error: 'the root cannot stand here; the servers for all names are the top-level `upstreams`' }
  if (text.startsWith('*.')) {
    return { error: 'a name here stands for all names below it too: leave off the `*.`', suggestion: text.slice(2) }
  }
  const name = toAscii(text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase()
  if (!/^[!-~]+$/.test(name) || /[\\"';@()*:,]/.test(name))
    return { error: 'it has characters that a domain name cannot have' }
  const labels = name.split('.')
  if (labels.includes('')) return { error: 'it has an empty label' }
  if (labels.some((label) => label.length > labelMax)) return { error: `a label is longer than ${labelMax} bytes` }
  if (name.length > nameTextMax) return { error: `it is longer than ${nameTextMax} bytes` }
  return { value: name }
}

/** Label by label, for a label that is ASCII already may have an underscore, which domainToASCII would refuse. */
function toAscii(text: string): string {
  return text
    .split('.')
    .map((label) => (/^[ -~]*$/.test(label) ? label : domainToASCII(label)))
    .join('.')
}
