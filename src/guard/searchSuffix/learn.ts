import { hashEnd, hashStart, hashWord } from '../../base/hash.ts'
import type { Query } from '../../query/query.ts'
import { ALIAS_NONE } from '../../query/rename.ts'
import { readU32 } from '../../wire/header.ts'
import { nameToText } from '../../wire/text.ts'
import type { Host } from '../rule.ts'
import { Candidates } from './candidates.ts'

/** Clients whose last denied name is remembered: 270 bytes each. */
const clientsMax = 256
const nameSlot = 256
/** A resolver goes on with its search list at once; what comes later is another lookup. In ms. */
const rightAfterMs = 1500
/** At more queries a second it learns only a part of the time, so that a flood pays next to nothing for it. */
const queriesPerSecondMax = 2000
const periodMs = 1000
/** In a flood, one period of so many. */
const oneIn = 5
/** Lookups that went the way of a search list before it is said. */
const lookupsMin = 8
/** The same suffix is not said again for so long, in ms. */
const sayAgainMs = 3_600_000

/**
 * Finds search suffixes that nobody told us of: a client asks N.S, gets NXDOMAIN, and asks N (or N with a known suffix) right after.
 *
 *   denied:  www.google.com.corp.example      next from the same client:  www.google.com   →   corp.example
 *
 * It reports, and enforces nothing: a zone that merely lacks names looks the same at first.
 */
export class Learn {
  private readonly host: Host
  private readonly candidates: Candidates
  private readonly client = new Int32Array(clientsMax)
  private readonly deniedAt = new Float64Array(clientsMax)
  private readonly names = new Uint8Array(clientsMax * nameSlot)
  private readonly nameLength = new Uint8Array(clientsMax)
  private isActive = true
  private queries = 0
  private periodEndsAt = 0
  private period = 0

  constructor(host: Host) {
    this.host = host
    this.candidates = new Candidates(host.names)
  }

  /** Every query, as it comes. */
  seen(query: Query): void {
    if (query.dry === 1) return
    this.queries++
    if (!this.isActive) return
    this.candidates.count(query)
    const client = this.clientOf(query)
    const slot = client % clientsMax
    const length = this.nameLength[slot] as number
    if (
      length === 0 ||
      this.client[slot] !== client ||
      query.receivedAt - (this.deniedAt[slot] as number) > rightAfterMs
    )
      return
    if (this.candidates.take(this.names, slot * nameSlot, length, query, client)) this.nameLength[slot] = 0
  }

  /** The query's name does not exist. */
  denied(query: Query): void {
    if (!this.isActive || query.dry === 1 || query.alias !== ALIAS_NONE) return
    const client = this.clientOf(query)
    const slot = client % clientsMax
    this.client[slot] = client
    this.deniedAt[slot] = query.receivedAt
    this.nameLength[slot] = query.nameLength
    for (let i = 0; i < query.nameLength; i++) this.names[slot * nameSlot + i] = query.name[i] as number
  }

  idle(now: number): void {
    if (now < this.periodEndsAt) return
    this.periodEndsAt = now + periodMs
    this.period = (this.period + 1) % oneIn
    this.isActive = this.queries <= queriesPerSecondMax || this.period === 0
    this.queries = 0
    for (let at = 0; at < this.candidates.length; at++) {
      if (this.candidates.lookups(at) >= lookupsMin && now >= this.candidates.sayAt(at)) this.say(at, now)
    }
  }

  private say(at: number, now: number): void {
    const { lookups, clients, percent, name } = this.candidates.report(at, now + sayAgainMs)
    const suffix = nameToText(name)
    const sentence =
      `clients seem to append ${suffix}: ${lookups} names were denied below it and asked for without it right after, by about ` +
      `${clients} ${clients === 1 ? 'client' : 'clients'}; ${percent} % of all queries are below it; if it is a search suffix, ` +
      'add it to searchSuffixes'
    this.host.event({ state: 'note', level: 'info', subject: suffix, sentence, figures: { lookups, clients, percent } })
  }

  private clientOf({ client }: Query): number {
    let hash = hashStart(this.host.hashSeed)
    for (let at = 0; at < 16; at += 4) hash = hashWord(hash, readU32(client, at))
    return hashEnd(hash)
  }
}
