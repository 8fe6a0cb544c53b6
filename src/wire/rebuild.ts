import { Bailiwick } from './bailiwick.ts'
import { ANCOUNT, FLAGS, HEADER, RCODE, readU16, readU32 } from './header.ts'
import { KIND_FAILURE, KIND_NODATA, KIND_NXDOMAIN, KIND_PARTIAL, KIND_POSITIVE, KIND_REFERRAL } from './kind.ts'
import { sameName } from './name.ts'
import { ADDITIONAL, ANSWER, AUTHORITY, isAuthorityType, Records, recordsMax, targetOffset } from './records.ts'
import { RecordWriter } from './writer.ts'

/** Additional addresses that are looked at, and answer records that may name them: enough for any SRV set, too few to stall a turn. */
const additionalsMax = 64
const targetsMax = 256
/** A chain of CNAMEs longer than this is cut off there; loops end here as well. */
const chainMax = 16

/**
 * Rebuilds an answer from the records that belong to its question, so that nothing else is ever cached or sent on (SAFETY: CNAME injection, out of
 * bailiwick): the chain from the question with covering RRSIGs; of the authority section SOA, NS, DS, NSEC, NSEC3 and their RRSIGs at or above the chain;
 * of the additional section the addresses of SRV, MX, NS and SVCB targets in the answer. OPT never passes (RFC 6891 section 6). Reused for every answer.
 */
export class Rebuilt {
  kind = KIND_FAILURE
  rcode = 0
  readonly writer = new RecordWriter(65535)
  answers = 0
  authorities = 0
  additionals = 0
  /** Smallest TTL of the answer section, s; Infinity without one. */
  answerTtl = Number.POSITIVE_INFINITY
  /** min(SOA TTL, MINIMUM) of the negative answer's SOA (RFC 2308 section 5), -1 without an SOA. */
  soaTtl = -1
  /** The SOA is ours: nothing of it was validated by anybody. */
  isSynthesised = false
  /** The RRset that rotates: offset in the body, bytes per record, records; count 0 for none. */
  rotateAt = 0
  rotateStride = 0
  rotateCount = 0
  /** Place in `rules.ts`, from 1, of the rule that refused what the upstream said; 0: none did. */
  refusedBy = 0

  private additionalAt = 0
  private readonly records = new Records()
  private readonly taken = new Uint8Array(recordsMax)
  private readonly names = new Bailiwick()
  private readonly target = new Uint8Array(256)
  private readonly scratch = new Uint8Array(256)

  /** @param name the question name, lower case wire form; the message has passed `checkAnswer` */
  read(bytes: Uint8Array, at: number, length: number, name: Uint8Array, nameLength: number, type: number): void {
    this.reset(name, nameLength)
    this.rcode = readU16(bytes, at + FLAGS) & RCODE
    if ((this.rcode !== 0 && this.rcode !== 3) || length === HEADER) {
      this.kind = KIND_FAILURE
      return
    }
    const records = this.records
    records.read(bytes, at, at + HEADER + nameLength + 4, at + length)
    this.taken.fill(0, 0, records.count)
    const claimed = readU16(bytes, at + ANCOUNT) > 0
    const found = claimed && this.readChain(type)
    this.answers = this.writer.count
    this.readAuthority()
    this.authorities = this.writer.count - this.answers
    this.additionalAt = this.writer.length
    if (found && this.rcode === 0) this.readAdditional()
    this.additionals = this.writer.count - this.answers - this.authorities
    // An answer section of which nothing belongs to the question is no denial: the server has not understood it.
    const isForeign = claimed && this.answers === 0 && this.rcode === 0
    if (this.writer.failed || isForeign) {
      this.fail(2, name, nameLength)
      return
    }
    this.kind = this.kindOf(found)
  }

  /** An answer that nobody gave: the rcode and empty sections. */
  fail(rcode: number, name: Uint8Array, nameLength: number): void {
    this.reset(name, nameLength)
    this.rcode = rcode
  }

  private reset(name: Uint8Array, nameLength: number): void {
    this.kind = KIND_FAILURE
    this.answers = this.authorities = this.additionals = 0
    this.answerTtl = Number.POSITIVE_INFINITY
    this.soaTtl = -1
    this.isSynthesised = false
    this.rotateCount = 0
    this.refusedBy = 0
    this.names.start(name, nameLength)
    this.writer.start(name, nameLength)
  }

  private kindOf(found: boolean): number {
    if (this.rcode === 3) return KIND_NXDOMAIN
    if (found) return KIND_POSITIVE
    if (this.soaTtl !== -1) return KIND_NODATA
    if (this.answers > 0) return KIND_PARTIAL
    return this.authorities > 0 ? KIND_REFERRAL : KIND_NODATA
  }

  /** Follows the chain from the question and writes it; true when it ends in records of the asked type. */
  private readChain(type: number): boolean {
    for (let step = 0; step <= chainMax; step++) {
      const before = this.writer.count
      const at = this.writer.length
      if (this.writeSet(type)) {
        this.noteRotation(type, at, this.writer.count - before)
        this.writeSignatures(type)
        return true
      }
      if (!this.follow()) return false
    }
    return false
  }

  /** Writes all records of `type` at the current name, with one TTL (RFC 2181 section 5.2); false when there is none. */
  private writeSet(type: number): boolean {
    const records = this.records
    let ttl = Number.POSITIVE_INFINITY
    for (let i = 0; i < records.count; i++) {
      if (this.isCandidate(i, type)) {
        this.taken[i] = 2
        ttl = Math.min(ttl, records.ttl[i] as number)
      }
    }
    if (ttl === Number.POSITIVE_INFINITY) return false
    this.answerTtl = Math.min(this.answerTtl, ttl)
    for (let i = 0; i < records.count; i++) {
      if (this.taken[i] !== 2) continue
      this.taken[i] = 1
      this.writer.record(records, i, ttl)
    }
    return true
  }

  private isCandidate(i: number, type: number): boolean {
    const records = this.records
    if (records.section[i] !== ANSWER || records.type[i] !== type || records.class[i] !== 1 || this.taken[i] !== 0)
      return false
    return records.isOwner(i, this.names.current, 0)
  }

  /** RRSIGs at the current name that cover `type` (their first two rdata bytes). */
  private writeSignatures(type: number): void {
    const records = this.records
    for (let i = 0; i < records.count; i++) {
      if (records.type[i] !== 46 || !this.isCandidate(i, 46)) continue
      if (readU16(records.bytes, records.rdataAt[i] as number) !== type) continue
      this.names.noteSigner(records, i)
      this.take(i)
    }
  }

  /** Takes one CNAME (after the DNAME that may have made it) and moves on to its target. */
  private follow(): boolean {
    const records = this.records
    for (let i = 0; i < records.count; i++) {
      if (!this.isCandidate(i, 5)) continue
      this.writeDname()
      this.answerTtl = Math.min(this.answerTtl, records.ttl[i] as number)
      this.take(i)
      this.writeSignatures(5)
      return this.names.follow(records, i)
    }
    return false
  }

  /** A DNAME whose owner is above the current name, with its signatures (RFC 6672 section 3.1). */
  private writeDname(): void {
    const records = this.records
    for (let i = 0; i < records.count; i++) {
      if (records.type[i] !== 39 || records.section[i] !== ANSWER || this.taken[i] !== 0) continue
      if (!this.names.isAboveCurrent(records, i)) continue
      records.ownerOf(i, this.scratch, 0)
      this.answerTtl = Math.min(this.answerTtl, records.ttl[i] as number)
      this.take(i)
      for (let s = 0; s < records.count; s++) {
        if (records.type[s] !== 46 || records.section[s] !== ANSWER || this.taken[s] !== 0) continue
        if (readU16(records.bytes, records.rdataAt[s] as number) === 39 && records.isOwner(s, this.scratch, 0))
          this.take(s)
      }
      return
    }
  }

  private readAuthority(): void {
    const records = this.records
    // Zone first: NSEC and NSEC3 owners are not above the chain, they are known by their zone.
    for (let i = 0; i < records.count; i++) {
      if (records.section[i] !== AUTHORITY) continue
      const type = records.type[i] as number
      if (type === 6 || type === 2) this.names.noteZone(records, i)
    }
    for (let i = 0; i < records.count; i++) {
      if (records.section[i] !== AUTHORITY || records.class[i] !== 1) continue
      const type = records.type[i] as number
      const subject = type === 46 ? readU16(records.bytes, records.rdataAt[i] as number) : type
      const belongs =
        subject === 47 || subject === 50
          ? this.names.isInZone(records, i)
          : isAuthorityType(subject) && this.names.isAboveChain(records, i)
      if (!belongs) continue
      if (type === 6) this.noteSoa(i)
      this.take(i)
    }
  }

  private noteSoa(i: number): void {
    const records = this.records
    const end = (records.rdataAt[i] as number) + (records.rdataLength[i] as number)
    if ((records.rdataLength[i] as number) < 22 || this.soaTtl !== -1) return
    this.soaTtl = Math.min(records.ttl[i] as number, readU32(records.bytes, end - 4))
  }

  /** Few and small, or not at all: each of them is compared with each target, and they are a courtesy. */
  private readAdditional(): void {
    const records = this.records
    if (this.answers > targetsMax) return
    let left = additionalsMax
    for (let i = 0; i < records.count && left > 0; i++) {
      const type = records.type[i] as number
      if (records.section[i] !== ADDITIONAL || (type !== 1 && type !== 28) || records.class[i] !== 1) continue
      left--
      if (records.ownerOf(i, this.scratch, 0) !== -1 && this.isTarget()) this.take(i)
    }
  }

  /** Is `scratch` the target of an SRV, MX, NS, SVCB or HTTPS record that was taken? */
  private isTarget(): boolean {
    const records = this.records
    for (let i = 0; i < records.count; i++) {
      if (this.taken[i] !== 1 || records.section[i] !== ANSWER) continue
      const offset = targetOffset(records.type[i] as number)
      if (offset === -1 || records.rdataName(i, offset, this.target, 0) === -1) continue
      if (sameName(this.target, 0, this.scratch, 0)) return true
    }
    return false
  }

  private take(i: number): void {
    this.taken[i] = 1
    this.writer.record(this.records, i, this.records.ttl[i] as number)
  }

  /** Addresses rotate when their records have one size each. */
  private noteRotation(type: number, at: number, count: number): void {
    const bytes = this.writer.length - at
    if ((type !== 1 && type !== 28) || count < 2 || bytes % count !== 0 || this.writer.failed) return
    // The first owner may be written out where the others point at it: then sizes differ and it stays as it is.
    if (bytes / count !== 12 + (type === 1 ? 4 : 16)) return
    this.rotateAt = at
    this.rotateStride = bytes / count
    this.rotateCount = count
  }

  /** The records of the additional section are a courtesy: without them the answer is as true (RFC 2181 section 9). */
  dropAdditionals(): void {
    this.writer.cut(this.additionalAt, this.answers + this.authorities)
    this.additionals = 0
  }

  /** What a rule refuses: there is no such record, says an SOA of ours, for `ttl` seconds. */
  withhold(refusedBy: number, name: Uint8Array, nameLength: number, ttl: number): void {
    this.reset(name, nameLength)
    this.rcode = 0
    this.kind = KIND_NODATA
    this.refusedBy = refusedBy
    this.sealNegative(ttl)
  }

  /** Sets the SOA's TTL to what the negative answer is worth, and adds one of our own where there was none (FIELD 3.4). */
  sealNegative(ttl: number): void {
    if (this.soaTtl === -1) {
      this.writer.soa(this.names.parentOffset, ttl)
      this.authorities++
      this.isSynthesised = true
      return
    }
    this.writer.capTtls(ttl)
  }
}
