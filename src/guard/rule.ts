import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import type { Section } from '../config/section.ts'
import type { Counters } from '../metrics/counters.ts'
import type { Draft } from '../query/draft.ts'
import type { NameSet } from '../query/name-set.ts'
import type { Query } from '../query/query.ts'
import type { Reply } from '../query/reply.ts'
import type { Verdict } from '../query/verdict.ts'

/** A rule's declaration: what `rules.ts` lists. */
export interface RuleKind<S> {
  /** Folder, YAML key, metric label, log prefix. */
  readonly name: string
  readonly settings: Section<S>
  /** At start and reload: may allocate and throws on settings it can't serve; `before` hands over its state. */
  create(settings: S, host: Host, before?: Rule): Rule
}

/** None of these allocates, awaits, throws, or keeps its argument. */
export interface Rule {
  /** Before the cache. */
  check?(query: Query): Verdict
  /** After a miss, before a flight: misses are charged here. */
  checkMiss?(query: Query): Verdict
  /** Every reply of a query that this rule marked, hit or miss, as it stands in its tx slot. */
  finish?(query: Query, reply: Reply): void
  close?(): void
}

/** What the guard gives each rule at `create`. */
export interface Host {
  readonly clock: Clock
  readonly random: Random
  readonly counters: Counters
  /** The rule's own draft: filled before it returns REPLY or CACHE_ONLY. */
  readonly draft: Draft
  /** The bit to set in `query.marks` so that `finish` is called. */
  readonly mark: number
  /** This rule's place in the plan: the row of its counters. */
  readonly index: number
  readonly names: PlanNames
  /** Memory shared by all shards, `bytes` long, the same for the same key after a reload; zeroed at first. */
  shared(key: string): SharedArrayBuffer | undefined
  /** Texts of files the rule's settings name, read once in main. */
  files(path: string): string | undefined
}

/** Names the whole plan knows, in lower-case wire form. */
export interface PlanNames {
  readonly clusterDomains: NameSet
  /** Configured or automatic search suffixes, those at or below a cluster domain left out. */
  readonly searchSuffixes: NameSet
  /** Zones of all routes but the root. */
  readonly routeZones: NameSet
  /** Owner names of localAnswers: records and hosts. */
  readonly localNames: NameSet
}
