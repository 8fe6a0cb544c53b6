import { BILL_BYTES, BILL_PACKETS, BILL_QUERIES, billRow } from './bill-table.ts'
import { summedLength } from './catalog.ts'

/** What resolvers behind us were spared. */
export interface Saved {
  readonly queries: number
  readonly packets: number
  readonly bytes: number
}

export interface BillRow extends Saved {
  readonly rule: string
  /** The search suffix or cluster domain below which the names were, else `other`. */
  readonly suffix: string
  readonly lastMinute: Saved
}

export interface BillReport {
  /** Since when, in ms since 1970. */
  readonly since: number
  readonly total: Saved
  /** The last minute that is over; nothing before the first one. */
  readonly lastMinute: Saved
  /** The mean of so many minutes that are over, 60 at most. */
  readonly lastHour: Saved & { readonly minutes: number }
  /** Rows that have counts, in the order of rules and rows. */
  readonly bySuffix: readonly BillRow[]
}

export interface BillSource {
  lanes(): readonly Float64Array[]
  /** The rules that save, by their place in the table. */
  readonly rules: readonly string[]
  /** Labels by row, `other` first, as of the plan that is live. */
  suffixes(): readonly string[]
}

const minutesMax = 60

/** Main's reader of the junk bill: totals from the lanes, and minutes, for which somebody calls `minute` once in each. */
export class Bill {
  private readonly source: BillSource
  private readonly since: number
  /** Totals at the end of the last minute, and what it brought, by row. */
  private readonly before = new Map<number, Saved>()
  private readonly last = new Map<number, Saved>()
  private readonly minutes: Saved[] = []

  /** @param since ms since 1970 */
  constructor(source: BillSource, since: number) {
    this.source = source
    this.since = since
  }

  /** A minute is over. */
  minute(): void {
    let whole = nothing
    for (const { at, total } of this.rows()) {
      const saved = difference(total, this.before.get(at) ?? nothing)
      this.before.set(at, total)
      this.last.set(at, saved)
      whole = sum(whole, saved)
    }
    this.minutes.push(whole)
    if (this.minutes.length > minutesMax) this.minutes.shift()
  }

  report(): BillReport {
    const rows = this.rows()
    const { length } = this.minutes
    const hour = this.minutes.reduce(sum, nothing)
    const mean = (value: number): number => Math.round((100 * value) / Math.max(length, 1)) / 100
    return {
      since: this.since,
      total: rows.reduce((all, { total }) => sum(all, total), nothing),
      lastMinute: this.minutes.at(-1) ?? nothing,
      lastHour: { minutes: length, queries: mean(hour.queries), packets: mean(hour.packets), bytes: mean(hour.bytes) },
      bySuffix: rows.map(({ rule, suffix, at, total }) => ({
        rule,
        suffix,
        ...total,
        lastMinute: this.last.get(at) ?? nothing,
      })),
    }
  }

  /** Those with counts. */
  private rows(): { rule: string; suffix: string; at: number; total: Saved }[] {
    const suffixes = this.source.suffixes()
    const lanes = this.source.lanes()
    const all = this.source.rules.flatMap((rule, place) =>
      suffixes.map((suffix, row) => ({ rule, suffix, at: summedLength + billRow(place, row) })),
    )
    const counted = all.filter(({ at }) => lanes.some((lane) => (lane[at + BILL_QUERIES] as number) > 0))
    return counted.map((row) => ({ ...row, total: totalOf(lanes, row.at) }))
  }
}

const nothing: Saved = { queries: 0, packets: 0, bytes: 0 }

function totalOf(lanes: readonly Float64Array[], at: number): Saved {
  const field = (place: number): number => lanes.reduce((total, lane) => total + (lane[at + place] as number), 0)
  return { queries: field(BILL_QUERIES), packets: field(BILL_PACKETS), bytes: field(BILL_BYTES) }
}

function sum(one: Saved, other: Saved): Saved {
  return {
    queries: one.queries + other.queries,
    packets: one.packets + other.packets,
    bytes: one.bytes + other.bytes,
  }
}

function difference(now: Saved, before: Saved): Saved {
  return {
    queries: now.queries - before.queries,
    packets: now.packets - before.packets,
    bytes: now.bytes - before.bytes,
  }
}
