import { hashBytes } from '../base/hash.ts'
import type { PlanData } from '../link/plan-data.ts'
import { BILL_BYTES, BILL_OTHER, BILL_PACKETS, BILL_QUERIES, billOwed, billRow } from '../metrics/bill-table.ts'
import { NameSet } from '../query/name-set.ts'
import type { Probed } from '../query/probed.ts'
import type { Query } from '../query/query.ts'
import { HEADER } from '../wire/header.ts'
import { optBytes } from '../wire/outgoing.ts'
import type { LookedUp } from './looked-up.ts'
import { clusterNegativeTtlMax } from './negative.ts'
import type { Savings } from './rule.ts'

/** The name is to be looked for: the rule did not say. */
const ROW_UNSAID = -1
/** A question and its answer. */
const exchangePackets = 2
/** IPv4 (RFC 791) and UDP (RFC 768). */
const packetHeaders = 20 + 8
/** Of a question and a denial without SOA, apart from the name in each; we ask with OPT, and not all answer with one. */
const exchangeBytes = 2 * (packetHeaders + HEADER + 4) + optBytes
/** Tells a question for AAAA from one for its name; 30 bits, as hashes have. */
const aaaaKey = 0x2aaaaaaa

/** Which row of the bill a name belongs to, and how long the cache would keep a denial there. */
export class BillRows {
  readonly suffixes: Uint8Array
  readonly domains: Uint8Array
  /** By row, in seconds: no denial of the resolver behind us would be kept longer. */
  readonly seconds: Float64Array
  /** There is nobody behind us who could be spared. */
  readonly isAlone: boolean
  private readonly names: NameSet
  private readonly rows: Uint8Array

  constructor({ searchSuffixes, clusterDomains, billNames, cache, upstreams }: PlanData) {
    const rowOf = (name: Uint8Array): number => 1 + billNames.findIndex((known) => Buffer.compare(known, name) === 0)
    const names = [...searchSuffixes, ...clusterDomains]
    this.suffixes = Uint8Array.from(searchSuffixes, rowOf)
    this.domains = Uint8Array.from(clusterDomains, rowOf)
    this.names = new NameSet(names)
    this.rows = Uint8Array.from(names, rowOf)
    this.isAlone = upstreams.length === 0
    const domains = new NameSet(clusterDomains)
    const most = Math.max(cache.maxNegativeTtl, cache.noSoaTtl)
    this.seconds = Float64Array.from([noName, ...billNames], (name) =>
      ancestorIn(domains, name, name.length) === -1 ? most : Math.min(most, clusterNegativeTtlMax),
    )
  }

  /** The longest suffix or cluster domain at or above the query's name decides. */
  of(query: Query): number {
    const at = this.names.longestSuffix(query)
    return at === -1 ? BILL_OTHER : (this.rows[at] as number)
  }
}

/** One rule's lines of the junk bill. What counts is argued in docs/decisions/0012: the same queries, without this rule. */
export class RuleBill implements Savings {
  row = ROW_UNSAID
  answerBytes = 0
  readonly suffixRows: Uint8Array
  readonly domainRows: Uint8Array
  private readonly rows: BillRows
  private readonly lookedUps: LookedUp
  private readonly lane: Float64Array
  private readonly base: number
  private readonly owed: number
  private readonly hashSeed: number
  private renamedKey = 0
  private renamedRow = BILL_OTHER

  /** @param lane where the rule's rows begin at `base` */
  constructor(rows: BillRows, lookedUps: LookedUp, lane: Float64Array, base: number, hashSeed: number) {
    this.rows = rows
    this.suffixRows = rows.suffixes
    this.domainRows = rows.domains
    this.lookedUps = lookedUps
    this.lane = lane
    this.base = base
    this.owed = base + billOwed(0)
    this.hashSeed = hashSeed
  }

  /** The rule's reply is what the query gets. */
  answered(query: Query): void {
    const row = this.takeRow(query)
    this.book(row, query.hash, query.nameLength, this.rows.seconds[row] as number, query.receivedAt)
  }

  /** Some rule may make another name of the one that this one denies: notes it before it is gone. */
  note(query: Query): void {
    if (this.row === ROW_UNSAID) this.row = this.rows.of(query)
    this.renamedKey = query.hash
  }

  /** It did; `spared` follows if the other name costs nothing. */
  renamed(): void {
    this.renamedRow = this.row
    this.row = ROW_UNSAID
  }

  /** The other name was known, or somebody had asked for it: the one that was renamed would have cost a question. */
  spared(query: Query): void {
    const row = this.renamedRow
    this.book(row, this.renamedKey, query.askedLength, this.rows.seconds[row] as number, query.receivedAt)
  }

  lookedUp(query: Query): void {
    this.lookedUps.take(query.hash, query.receivedAt, this.rows.seconds[this.rows.of(query)] as number)
  }

  sharedA(query: Query, seconds: number): void {
    const row = this.rows.of(query)
    const { name, nameLength, receivedAt } = query
    // A query that waited for its answer has its name, but not its hash.
    const key = hashBytes(this.hashSeed, name, 0, nameLength) ^ aaaaKey
    const lifetime = seconds === -1 ? (this.rows.seconds[row] as number) : seconds
    if (query.opened === 1) this.lookedUps.take(key, receivedAt, lifetime)
    else this.book(row, key, nameLength, lifetime, receivedAt)
  }

  spent({ nameLength, length }: Probed): void {
    const { lane, owed } = this
    const answerBytes = length === 0 ? 0 : length - nameLength - HEADER - 4
    const bytes = exchangeBytes + 2 * nameLength + answerBytes
    lane[owed] = (lane[owed] as number) + exchangePackets
    lane[owed + 1] = (lane[owed + 1] as number) + bytes
  }

  private takeRow(query: Query): number {
    const row = this.row === ROW_UNSAID ? this.rows.of(query) : this.row
    this.row = ROW_UNSAID
    return row
  }

  private book(row: number, key: number, nameLength: number, seconds: number, now: number): void {
    const { lane, owed } = this
    const at = this.base + billRow(0, row)
    const answerBytes = this.answerBytes
    this.answerBytes = 0
    lane[at + BILL_QUERIES] = (lane[at + BILL_QUERIES] as number) + 1
    if (!this.lookedUps.take(key, now, seconds) || this.rows.isAlone) return
    this.pay(at + BILL_PACKETS, owed, exchangePackets)
    this.pay(at + BILL_BYTES, owed + 1, exchangeBytes + 2 * nameLength + answerBytes)
  }

  /** What is owed comes first. */
  private pay(saved: number, owed: number, amount: number): void {
    const { lane } = this
    const paid = Math.min(lane[owed] as number, amount)
    lane[owed] = (lane[owed] as number) - paid
    lane[saved] = (lane[saved] as number) + amount - paid
  }
}

const noName = Uint8Array.of(0)

/** Index of the longest member at or above the name, or -1. */
function ancestorIn(set: NameSet, name: Uint8Array, length: number): number {
  for (let at = 0; at < length; at += (name[at] as number) + 1) {
    const found = set.find(name, at, length)
    if (found !== -1) return found
  }
  return -1
}
