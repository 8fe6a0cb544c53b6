import { setTimeout as sleep } from 'node:timers/promises'
import { gauges, outcomes, queries, summedLength } from './catalog.ts'

/**
 * The sum of all lanes, in which the books balance unless they truly don't: `unaccounted` of it is 0.
 *
 * The lanes are read while their workers write. A reading that catches a worker between counting a query and counting
 * its end is off by one; a real leak is in every reading. So it reads again, at once and then a millisecond apart (the
 * worker may share a core with us and stand still in the middle of a query), and gives the last reading if none fits.
 */
export async function balancedSums(lanes: readonly Float64Array[]): Promise<Float64Array> {
  const sums = new Float64Array(summedLength)
  for (let round = 0; round < roundsMax; round++) {
    if (round > 0) await sleep(roundApartMs)
    for (let reading = 0; reading < readingsPerRound; reading++) {
      if (readInto(sums, lanes) === 0) return sums
    }
  }
  return sums
}

/** `queries − outcomes − waiting` of a lane or of sums: always 0 when every query ends in exactly one outcome. */
export function unaccounted(sums: Float64Array): number {
  return total(sums, queryPlaces) - total(sums, outcomePlaces) - total(sums, waitingPlaces)
}

/**
 * One reading; returns its `unaccounted`. Ends are read before the queries they belong to, so that what happens in
 * between makes the difference positive: a query under way, never one that ended twice.
 */
function readInto(sums: Float64Array, lanes: readonly Float64Array[]): number {
  sums.fill(0)
  for (const lane of lanes) {
    add(sums, lane, outcomePlaces)
    add(sums, lane, waitingPlaces)
    add(sums, lane, queryPlaces)
  }
  const difference = unaccounted(sums)
  for (const lane of lanes) {
    for (let at = 0; at < summedLength; at++) if (bookPlaces[at] === 0) sums[at] = value(sums, at) + value(lane, at)
  }
  return difference
}

function add(sums: Float64Array, lane: Float64Array, places: readonly number[]): void {
  for (const at of places) sums[at] = value(sums, at) + value(lane, at)
}

function total(sums: Float64Array, places: readonly number[]): number {
  return places.reduce((sum, at) => sum + value(sums, at), 0)
}

function value(lane: Float64Array, at: number): number {
  return lane[at] as number
}

const queryPlaces: readonly number[] = Object.values(queries)
const outcomePlaces: readonly number[] = Object.values(outcomes)
const waitingPlaces: readonly number[] = [gauges.waiting]
/** 1 for the places that were read first. */
const bookPlaces = new Uint8Array(summedLength)
for (const at of [...queryPlaces, ...outcomePlaces, ...waitingPlaces]) bookPlaces[at] = 1

/** A few µs of reading, then a few ms of waiting: a scrape has the time. */
const readingsPerRound = 16
const roundsMax = 6
const roundApartMs = 1
