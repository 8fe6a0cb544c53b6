import { viewOf } from '../base/octets.ts'

/**
 * The content of a reply before it is written for one client: rcode and the three sections in wire form, exactly as they stand
 * behind a question at offset 12, so compression pointers (RFC 1035 section 4.1.4) may point into the question name: an ancestor of the
 * question is the two bytes 0xC000 | (12 + offset of its label in the name). One reusable object per source; `bytes` may be a view owned by another (the cache's slab).
 */
export class Draft {
  rcode = 0
  /** AA, AD and TC bits of the header, others 0: 0x0400, 0x0020, 0x0200. */
  flags = 0
  private octets: Uint8Array
  /** Of `bytes`. */
  view: DataView
  at = 0
  length = 0
  answers = 0
  authorities = 0
  additionals = 0
  /** Where the offsets (u16, from the body's start) of the records' TTLs stand in `bytes`; `ttlCount` of them. */
  ttlAt = 0
  ttlCount = 0
  /** Seconds to take off those TTLs. */
  age = 0
  /** What all of them are in place of that, in seconds, since they are over; 0: as they stand. */
  staleTtl = 0
  /** An RRset whose records rotate from reply to reply: offset in the body, bytes per record, records (0: none). */
  rotateAt = 0
  rotateStride = 0
  rotateCount = 0
  /** Extended DNS error (RFC 8914), -1 for none; sent only where the client sent OPT. */
  ede = -1
  /** Its text (ASCII), empty for none. A constant of the rule: built at start. */
  edeText: Uint8Array = noText
  /** Place in `rules.ts`, from 1, of the rule that refused the answer of which this is what is left; 0: none did. */
  refusedBy = 0

  constructor(capacity = 0) {
    this.octets = new Uint8Array(capacity)
    this.view = viewOf(this.octets)
  }

  get bytes(): Uint8Array {
    return this.octets
  }
  /** On the road it is the same memory each time. */
  set bytes(bytes: Uint8Array) {
    if (bytes === this.octets) return
    this.octets = bytes
    this.view = viewOf(bytes)
  }

  /** Empties it for a new reply. */
  reset(rcode: number): void {
    this.rcode = rcode
    this.flags = 0
    this.at = 0
    this.length = 0
    this.answers = 0
    this.authorities = 0
    this.additionals = 0
    this.ttlCount = 0
    this.age = 0
    this.staleTtl = 0
    this.rotateCount = 0
    this.ede = -1
    this.edeText = noText
    this.refusedBy = 0
  }
}

export const noText = new Uint8Array(0)
