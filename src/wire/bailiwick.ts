import { isAtOrBelow, lowerName } from './name.ts'
import type { Records } from './records.ts'

/**
 * What an answer may speak of: the names of its chain from the question on, what is above them, and the zone that answers. All names lower case, expanded;
 * reused for every answer.
 */
export class Bailiwick {
  /** The chain's current name. */
  readonly current = new Uint8Array(256)
  currentLength = 0
  private readonly question = new Uint8Array(256)
  private questionLength = 0
  private readonly zone = new Uint8Array(256)
  private zoneLength = 0
  private readonly owner = new Uint8Array(256)

  start(name: Uint8Array, nameLength: number): void {
    this.zoneLength = 0
    this.questionLength = nameLength
    this.currentLength = nameLength
    for (let i = 0; i < nameLength; i++) {
      this.question[i] = name[i] as number
      this.current[i] = name[i] as number
    }
  }

  /** Where the parent of the question begins in its name: the root's own for the root. */
  get parentOffset(): number {
    return this.question[0] === 0 ? 0 : (this.question[0] as number) + 1
  }

  /** The chain goes on at the target of CNAME record i; false when that is malformed. */
  follow(records: Records, i: number): boolean {
    const length = records.rdataName(i, 0, this.current, 0)
    if (length === -1) return false
    lowerName(this.current, 0, length, this.current, 0)
    this.currentLength = length
    return true
  }

  /** Is record i's owner at or above the question or the chain's current name? */
  isAboveChain(records: Records, i: number): boolean {
    const length = this.expandOwner(records, i)
    if (length === -1) return false
    return (
      this.isOwnerAbove(length, this.current, this.currentLength) ||
      this.isOwnerAbove(length, this.question, this.questionLength)
    )
  }

  /** Is record i's owner strictly above the chain's current name? */
  isAboveCurrent(records: Records, i: number): boolean {
    const length = this.expandOwner(records, i)
    return length !== -1 && length < this.currentLength && this.isOwnerAbove(length, this.current, this.currentLength)
  }

  /** Is record i's owner at or below the zone that answers? NSEC and NSEC3 are known by that alone. */
  isInZone(records: Records, i: number): boolean {
    const length = this.expandOwner(records, i)
    if (length === -1 || this.zoneLength === 0) return false
    return isAtOrBelow(this.owner, 0, length, this.zone, 0, this.zoneLength)
  }

  /** The owner of SOA or NS record i is the zone, if it may be and none is known yet. */
  noteZone(records: Records, i: number): void {
    if (this.zoneLength !== 0 || !this.isAboveChain(records, i)) return
    this.zoneLength = records.ownerOf(i, this.zone, 0)
    lowerName(this.zone, 0, this.zoneLength, this.zone, 0)
  }

  /** The signer of RRSIG record i is the zone, if it may be and none is known yet (RFC 4034 section 3.1.7). */
  noteSigner(records: Records, i: number): void {
    if (this.zoneLength !== 0) return
    const length = records.rdataName(i, 18, this.owner, 0)
    if (length === -1) return
    lowerName(this.owner, 0, length, this.owner, 0)
    if (!this.isOwnerAbove(length, this.current, this.currentLength)) return
    lowerName(this.owner, 0, length, this.zone, 0)
    this.zoneLength = length
  }

  private isOwnerAbove(length: number, name: Uint8Array, nameLength: number): boolean {
    return isAtOrBelow(name, 0, nameLength, this.owner, 0, length)
  }

  private expandOwner(records: Records, i: number): number {
    const length = records.ownerOf(i, this.owner, 0)
    if (length !== -1) lowerName(this.owner, 0, length, this.owner, 0)
    return length
  }
}
