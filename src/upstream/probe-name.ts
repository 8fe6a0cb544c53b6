import { writeHex } from '../wire/hex.ts'

/** Bytes of one half of a probe's random name as text. */
export const probeLabelBytes = 16
/** Two such labels with their length bytes; the zone follows. */
export const probePrefixBytes = 2 * (1 + probeLabelBytes)

/**
 * Writes `<16 hex>.<16 hex>.<zone>` in wire form to the start of `to`; returns its length. Both labels are random, so that no cached
 * NXDOMAIN of a parent hides a loop (FIELD 3.1). The four words are the 128 bits.
 */
export function writeProbeName(to: Uint8Array, zone: Uint8Array, a: number, b: number, c: number, d: number): number {
  to[0] = probeLabelBytes
  writeHex(to, 1, a)
  writeHex(to, 9, b)
  to[17] = probeLabelBytes
  writeHex(to, 18, c)
  writeHex(to, 26, d)
  to.set(zone, probePrefixBytes)
  return probePrefixBytes + zone.length
}

/** Sends a question of our own once, which is given up after `lifeMs` (`probeLifeMs` if not said); returns its flight, or -1. */
export type Launch = (
  route: number,
  upstream: number,
  name: Uint8Array,
  nameLength: number,
  type: number,
  now: number,
  lifeMs?: number,
) => number
