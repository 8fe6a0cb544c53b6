import { routesMax } from '../link/plan-data.ts'

/** Zones that may be known to loop at once; further ones are not cut: each of their questions still makes one lap only, since it joins its own flight. */
export const loopZonesMax = 32
/** A name has at most 255 bytes (RFC 1035 section 2.3.4), in words of 4. */
const nameWords = 64

// Fields of a zone.
const MASK = 0
const ROUTE = 1
const LENGTH = 2
const NAME = 3
const zoneWords = NAME + nameWords

/** One zone that loops where the rest of its route does not. */
export interface LoopingZone {
  readonly route: number
  /** Lower-case wire form. */
  readonly zone: Uint8Array
  /** Upstreams, a bit each. */
  readonly mask: number
}

/**
 * Zones whose questions come back from an upstream that is good for the rest of the route: a conditional forward to us. Shard 0 writes,
 * every shard reads; a reader meets a zone whole or not at all, since its mask is written last and cleared first.
 *
 *   in use │ upstreams, route, length, name │ upstreams, route, length, name │ …
 */
export class LoopZones {
  static readonly words: number = 1 + loopZonesMax * zoneWords
  private readonly words: Int32Array
  private readonly bytes: Uint8Array

  constructor(words: Int32Array) {
    this.words = words
    this.bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength)
  }

  /** Upstreams at which the name (lower-case wire form, `length` bytes from `at`) is in a zone that loops, a bit each. */
  looping(route: number, name: Uint8Array, at: number, length: number): number {
    const inUse = Atomics.load(this.words, 0)
    let mask = 0
    for (let i = 0; i < inUse; i++) {
      const zone = 1 + i * zoneWords
      const upstreams = Atomics.load(this.words, zone + MASK)
      if (upstreams === 0 || this.words[zone + ROUTE] !== route) continue
      if (this.isAbove(zone, name, at, length)) mask |= upstreams
    }
    return mask
  }

  /** False when there is no room for one more. */
  mark(route: number, upstream: number, zone: Uint8Array): boolean {
    const known = this.find(route, zone)
    const place = known === -1 ? this.free() : known
    if (place === -1) return false
    if (known === -1) {
      this.words[place + ROUTE] = route
      this.words[place + LENGTH] = zone.length
      this.bytes.set(zone, (place + NAME) * 4)
    }
    Atomics.or(this.words, place + MASK, 1 << upstream)
    this.count()
    return true
  }

  heal(route: number, upstream: number, zone: Uint8Array): void {
    const place = this.find(route, zone)
    if (place === -1) return
    Atomics.and(this.words, place + MASK, ~(1 << upstream))
    this.count()
  }

  clear(): void {
    for (let i = 0; i < loopZonesMax; i++) Atomics.store(this.words, 1 + i * zoneWords + MASK, 0)
    this.count()
  }

  list(): LoopingZone[] {
    return Array.from({ length: loopZonesMax }, (_, i) => 1 + i * zoneWords).flatMap((place) => {
      const mask = Atomics.load(this.words, place + MASK)
      const from = (place + NAME) * 4
      const zone = this.bytes.slice(from, from + (this.words[place + LENGTH] as number))
      return mask === 0 ? [] : [{ route: (this.words[place + ROUTE] as number) % routesMax, zone, mask }]
    })
  }

  private find(route: number, zone: Uint8Array): number {
    for (let i = 0; i < loopZonesMax; i++) {
      const place = 1 + i * zoneWords
      const isUsed = this.words[place + MASK] !== 0 && this.words[place + ROUTE] === route
      if (isUsed && this.words[place + LENGTH] === zone.length && this.isAbove(place, zone, 0, zone.length))
        return place
    }
    return -1
  }

  private free(): number {
    for (let i = 0; i < loopZonesMax; i++) if (this.words[1 + i * zoneWords + MASK] === 0) return 1 + i * zoneWords
    return -1
  }

  private count(): void {
    let inUse = loopZonesMax
    while (inUse > 0 && this.words[1 + (inUse - 1) * zoneWords + MASK] === 0) inUse--
    Atomics.store(this.words, 0, inUse)
  }

  /** Is the zone at `place` the name itself, or above it? The bytes must be equal, and begin where a label does. */
  private isAbove(place: number, name: Uint8Array, at: number, length: number): boolean {
    const zoneLength = this.words[place + LENGTH] as number
    const start = length - zoneLength
    if (start < 0) return false
    const from = (place + NAME) * 4
    for (let i = 0; i < zoneLength; i++) if (this.bytes[from + i] !== name[at + start + i]) return false
    let label = 0
    while (label < start) label += (name[at + label] as number) + 1
    return label === start
  }
}
