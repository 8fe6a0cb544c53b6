import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Section } from '../config/section.ts'
import type { ExplainStep } from '../link/explain-data.ts'
import type { RuleEvent } from '../link/messages.ts'
import type { PrefixData } from '../link/plan-data.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Answer } from '../query/answer.ts'
import type { Draft } from '../query/draft.ts'
import type { LocalTable } from '../query/local-table.ts'
import type { NameSet } from '../query/name-set.ts'
import type { Probed } from '../query/probed.ts'
import type { Query } from '../query/query.ts'
import type { Reply } from '../query/reply.ts'
import type { Verdict } from '../query/verdict.ts'
import type { Records } from '../wire/records.ts'

/** A rule's declaration: what `rules.ts` lists. */
export interface RuleKind<S> {
  /** Folder, YAML key, metric label, log prefix. */
  readonly name: string
  readonly settings: Section<S>
  /** It is about who asks: errors without a name meet it too, and it isn't run again after a rewrite. */
  readonly perClient?: true
  /** `guard.mode: observe` does not reach it: its own `mode` alone says what it does. */
  readonly ignoresGuardMode?: true
  /** The names it denies are junk to whoever made them from a search list: a rule's `denied` may turn its NXDOMAIN into another name. */
  readonly deniesJunk?: true
  /** What it answers spares the resolvers behind us: each REPLY is booked in the junk bill, with nothing to do for the rule (see `Savings`). */
  readonly saves?: true
  /**
   * The memory that all shards share for it: main makes it before a plan goes out, and `create` asks for it by its key.
   */
  memory?(settings: S): SharedMemory
  /**
   * At start and reload: may allocate and throws a sentence on settings it can't serve; `before` hands over its state.
   */
  create(settings: S, host: Host, before?: Rule): Rule
}

/** The same key always means the same size and the same meaning of the content; zeroed at first. */
export interface SharedMemory {
  readonly key: string
  readonly bytes: number
}

/** None of these allocates, awaits, throws, or keeps its argument. */
export interface Rule {
  /**
   * Before everything else, also before errors and loop probes are answered: the name may be missing, the client is
   * known.
   */
  admit?(query: Query): Verdict
  /** Before the cache. */
  check?(query: Query): Verdict
  /** After a miss, before a flight: misses are charged here. */
  checkMiss?(query: Query): Verdict
  /**
   * What an upstream said, before it is cached: nothing that depends on one client. REPLY: it is refused, and all who ask get an empty answer in its
   * place, for a while.
   */
  checkAnswer?(answer: Answer): Verdict
  /**
   * Every reply of a query that this rule marked, hit or miss, as it stands in its tx slot, without OPT, for which
   * there must be room.
   */
  finish?(query: Query, reply: Reply): void
  /**
   * NXDOMAIN is about to be sent: by a rule that `deniesJunk` (`isOurs`), or since an upstream says so. REWRITE: the rule gave the query another name
   * (query/rename), and its road begins again.
   */
  denied?(query: Query, isOurs: boolean): Verdict
  /** The answer to a question that a rule asked for, by PROBE or `host.ask`: any rule's, told by its name. */
  probed?(probed: Probed, now: number): void
  /** About ten times a second, in every shard, asked or not: for what must be noticed when nobody asks. May allocate. */
  idle?(now: number): void
  /**
   * Why it says `verdict` of a dry query, which stands as it stood before: one sentence, lower case, without a full stop. For `explain` alone:
   * may allocate, changes nothing.
   */
  explain?(query: Query, verdict: Verdict): string
  /**
   * The same for `checkAnswer`: what it says of `kept`, the records that the cache holds for a dry query, or of an answer that is not known yet.
   * `isRefused`: it has refused the answer, and `kept` is what stands in its place.
   */
  explainAnswer?(query: Query, kept: Records | undefined, isRefused: boolean): Pick<ExplainStep, 'verdict' | 'why'>
  close?(): void
}

/** What the guard gives each rule at `create`. */
export interface Host {
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  /**
   * The rule's own draft, of 512 bytes: filled before it returns REPLY or CACHE_ONLY. Who needs more hands it a larger
   * `bytes`.
   */
  readonly draft: Draft
  /** The bit to set in `query.marks` so that `finish` is called. */
  readonly mark: number
  /** This rule's place in `rules.ts`, the same in every plan: the row of its counters. */
  readonly index: number
  /**
   * True in observe mode: verdicts are counted and have no effect. The guard puts `askType` and `marks` back; a rule
   * that would rewrite a name looks here first and leaves the name as it is.
   */
  readonly observed: boolean
  readonly names: PlanNames
  /** Does the default route lead to a private address: a server of the LAN, which may serve names that nobody else can? */
  readonly hasPrivateUpstream: boolean
  /** Prefixes of the machine's own interfaces. */
  readonly onLink: readonly PrefixData[]
  /**
   * Memory shared by all shards, the same for the same key after a reload; undefined where there is none (then the rule
   * makes its own).
   */
  shared(key: string, bytes: number): SharedArrayBuffer | undefined
  /** Its lines of the junk bill; without effect unless the kind `saves`. */
  readonly savings: Savings
  /** True in one shard of the process: what is asked or said once is asked or said there. */
  readonly isFirstShard: boolean
  /** Seeds hashes of names, the same in all shards: strangers can't make names collide. */
  readonly hashSeed: number
  /**
   * Asks for A of a name in lower-case wire form; the answer comes by `probed`, and nobody waits for it. False when that can't be asked now.
   * It is a question like any other: one flight, cached.
   */
  ask(name: Uint8Array, from: number, to: number, now: number): boolean
  /** Says something to the operator: a line in the log and an entry in /api/stats. May allocate: it is rare, never per query. */
  event(event: Omit<RuleEvent, 'kind' | 'rule'>): void
}

/**
 * How a rule that `saves` has its lines in the junk bill (docs/decisions/0012). The guard books each REPLY that it carries out, under the search
 * suffix or cluster domain that the name is below; a rule adds only what it knows better or alone.
 */
export interface Savings {
  /** Rows of the plan's search suffixes and cluster domains, by their index in `names`. */
  readonly suffixRows: Uint8Array
  readonly domainRows: Uint8Array
  /** Set before REPLY by a rule that knows the row, so that the guard need not look for it. */
  row: number
  /** Set before REPLY by a rule that knows: bytes that the denial would have behind its question (SOA, OPT). */
  answerBytes: number
  /** The query's name goes upstream all the same: what the rule answers about it in the next while spares nothing. */
  lookedUp(query: Query): void
  /** An AAAA question has the answer about A, which is good for `seconds` (-1: a denial): spared unless it was the one that asked for it. */
  sharedA(query: Query, seconds: number): void
  /** A question that only the rule itself wanted, by PROBE or `host.ask`, has its answer: to be paid before anything counts as saved. */
  spent(probed: Probed): void
}

/** Names the whole plan knows, in lower-case wire form. */
export interface PlanNames {
  readonly clusterDomains: NameSet
  /** Configured or automatic search suffixes, those automatic ones at or below a cluster domain left out. */
  readonly searchSuffixes: NameSet
  /** Zones of all routes but the root. */
  readonly routeZones: NameSet
  /** Names above which nothing may be cut off: routes' zones, and what lies between them and a suffix or cluster domain. */
  readonly servedBelow: NameSet
  /** What localAnswers answers: records and hosts. No names while that rule is off. */
  readonly localNames: LocalTable
}
