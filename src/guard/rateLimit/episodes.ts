import type { Query } from '../../query/query.ts'

/** What happens to a query that is over its limit. */
export const REFUSED = 0
export const FAILED = 1
export const DROPPED = 2
export const TRUNCATED = 3
export type Action = 0 | 1 | 2 | 3

/** One bucket that holds queries back, as it is told. */
export interface Episode {
  /** Whose bucket: place of its level, -1 for all that found no place of their own. */
  readonly level: number
  readonly lane: number
  /** 16 bytes, IPv4 mapped. */
  readonly client: Uint8Array
  /** The domain in wire form, where the level is by name. */
  readonly domain: Uint8Array
  /** Between the first and the last query that was held back. */
  readonly seconds: number
  /** Queries by action. */
  readonly counts: readonly [refused: number, failed: number, dropped: number, truncated: number]
}

/**
 * Limiting episodes, in memory that all shards share: from the first query of a bucket that is held back until none was
 * for ten seconds. Whichever shard comes by first says an episode's beginning, and one says its end, so that each is
 * said once; on the road of a query nothing is done but counting.
 *
 *   free ──a query──▶ filling ─▶ new ──told──▶ said ──quiet──▶ free       384 bytes each, `episodesMax` of them
 *
 * The last place is for all that find no other: they are counted there, and told as one. Two shards that meet the same
 * bucket in the same instant swap the same place, and the loser looks again. A shard that dies leaves its episodes to
 * the others.
 */
export class Episodes {
  private readonly words: Int32Array
  private readonly bytes: Uint8Array

  /** @param memory zeroed at first; `episodesBytes` from `at` on are used */
  constructor(memory: SharedArrayBuffer, at: number) {
    this.words = new Int32Array(memory, at, (episodesMax * episodeBytes) / 4)
    this.bytes = new Uint8Array(memory, at, episodesMax * episodeBytes)
  }

  /**
   * The place of the bucket's episode, begun if need be.
   * @param key of the bucket, odd
   * @param domain offset of the domain in the query's name, -1 where the level is not by name
   */
  of(key: number, level: number, lane: number, query: Query, domain: number): number {
    const { words } = this
    for (;;) {
      let free = -1
      for (let place = 0; place < others; place += episodeWords) {
        const holder = Atomics.load(words, place)
        if (holder === key) return place
        if (holder === 0 && free === -1) free = place
      }
      if (free === -1) {
        if (Atomics.compareExchange(words, others, 0, 1) === 0) this.begin(others, -1, 0, query, -1)
        return others
      }
      if (Atomics.compareExchange(words, free, 0, key) !== 0) continue
      this.begin(free, level, lane, query, domain)
      return free
    }
  }

  /** Counts a query that is held back, at the time `at` in ms; the how manieth of this episode it is. */
  count(place: number, at: number): number {
    Atomics.store(this.words, place + LAST, tenths(at))
    return this.add(place + TOTAL)
  }

  /** Books what happened to it. */
  book(place: number, action: Action): void {
    this.add(place + COUNTS + 2 * action)
  }

  /** What is next to be told, if there is anything: `tell` is called once at most. */
  next(at: number, tell: (episode: Episode, isBegin: boolean) => void): void {
    const { words } = this
    for (let place = 0; place <= others; place += episodeWords) {
      const state = Atomics.load(words, place + STATE)
      if (state === NEW) {
        if (Atomics.compareExchange(words, place + STATE, NEW, SAID) === NEW) return tell(this.read(place), true)
      } else if (state === SAID && this.quiet(place, at) >= quietTenths) {
        if (Atomics.compareExchange(words, place + STATE, SAID, ENDING) === SAID) return this.end(place, tell)
      }
    }
  }

  /** Ends all, at once; those that nobody has heard of yet are told first. */
  endAll(tell: (episode: Episode, isBegin: boolean) => void): void {
    const { words } = this
    for (let place = 0; place <= others; place += episodeWords) {
      if (Atomics.compareExchange(words, place + STATE, NEW, SAID) === NEW) tell(this.read(place), true)
      if (Atomics.compareExchange(words, place + STATE, SAID, ENDING) === SAID) this.end(place, tell)
    }
  }

  private begin(place: number, level: number, lane: number, query: Query, domain: number): void {
    const { words, bytes } = this
    words[place + LEVEL] = level
    words[place + LANE] = lane
    words[place + BEGUN] = tenths(query.receivedAt)
    const clientAt = 4 * (place + CLIENT)
    for (let i = 0; i < 16; i++) bytes[clientAt + i] = query.client[i] as number
    const length = domain === -1 ? 0 : query.nameLength - domain
    words[place + DOMAIN_LENGTH] = length
    const domainAt = 4 * (place + DOMAIN)
    for (let i = 0; i < length; i++) bytes[domainAt + i] = query.name[domain + i] as number
    Atomics.store(words, place + LAST, tenths(query.receivedAt))
    Atomics.store(words, place + STATE, NEW)
  }

  private end(place: number, tell: (episode: Episode, isBegin: boolean) => void): void {
    const { words } = this
    // Told before the place is free, or the same bucket's next beginning might be heard before this end.
    tell(this.read(place), false)
    for (let i = TOTAL; i < DOMAIN; i++) Atomics.store(words, place + i, 0)
    Atomics.store(words, place + STATE, FREE)
    Atomics.store(words, place, 0)
  }

  private read(place: number): Episode {
    const { words, bytes } = this
    const slice = (word: number, length: number) => bytes.slice(4 * (place + word), 4 * (place + word) + length)
    const last = Atomics.load(words, place + LAST)
    return {
      level: words[place + LEVEL] as number,
      lane: words[place + LANE] as number,
      client: slice(CLIENT, 16),
      domain: slice(DOMAIN, words[place + DOMAIN_LENGTH] as number),
      seconds: Math.max(0, last - (words[place + BEGUN] as number)) / 10,
      counts: [
        this.sum(place + COUNTS),
        this.sum(place + COUNTS + 2),
        this.sum(place + COUNTS + 4),
        this.sum(place + COUNTS + 6),
      ],
    }
  }

  private quiet(place: number, at: number): number {
    return tenths(at) - Atomics.load(this.words, place + LAST)
  }

  /** A count of two words: the low 30 bits, and how often those were passed, or a long flood would be over 2³². */
  private add(at: number): number {
    const low = (Atomics.add(this.words, at, 1) + 1) & lowMask
    if (low === 0) Atomics.add(this.words, at + 1, 1)
    return low
  }

  private sum(at: number): number {
    return (Atomics.load(this.words, at + 1) >>> 0) * (lowMask + 1) + (Atomics.load(this.words, at) & lowMask)
  }
}

/** Below what a worker may say in a second (threads/event-tap), so that all of them can begin, or end, at once. */
export const episodesMax = 16
const episodeBytes = 384
/** What all places take. */
export const episodesBytes = episodesMax * episodeBytes

const episodeWords = episodeBytes / 4
/** The place of those that find no other. */
const others = (episodesMax - 1) * episodeWords
/** An episode is over when nothing was held back for so long, in tenths of a second. */
const quietTenths = 100
const lowMask = 2 ** 30 - 1

/** Tenths of seconds since the clock's zero: a word of ms would wrap around after 24 days. */
const tenths = (at: number): number => Math.floor(at / 100)

/** Words of a place. The first is the key, 0 where it is free. */
const STATE = 1
const LEVEL = 2
const LANE = 3
const BEGUN = 4
const LAST = 5
const DOMAIN_LENGTH = 6
const CLIENT = 8
const TOTAL = 12
/** Two words for each action. */
const COUNTS = 14
const DOMAIN = 24

const FREE = 0
const NEW = 1
const SAID = 2
const ENDING = 3
