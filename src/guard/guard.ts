import type { PlanData } from '../link/plan-data.ts'
import { RULE_FINISHED, RULE_OBSERVED, RULE_REPLIED } from '../metrics/catalog.ts'
import type { Counters } from '../metrics/counters.ts'
import { Draft } from '../query/draft.ts'
import type { Probed } from '../query/probed.ts'
import type { Query } from '../query/query.ts'
import { forgetAlias } from '../query/rename.ts'
import type { Reply } from '../query/reply.ts'
import { CACHE_ONLY, DROP, HOLD, PASS, PROBE, probesMax, REPLY, REWRITE, type Verdict } from '../query/verdict.ts'
import { Rcode } from '../wire/codes.ts'
import { HEADER } from '../wire/header.ts'
import { lowerName } from '../wire/name.ts'
import { AnswerChecks } from './answers.ts'
import type { RuleBill } from './bill.ts'
import type { Rule } from './rule.ts'
import type { GuardDeps, Seat } from './seats.ts'
import { createSeats, fieldOf } from './seats.ts'

export type { GuardDeps }

/**
 * Builds the guard of one shard from a plan. Throws a sentence when a rule can't serve its settings. `before` is the
 * guard of the plan that this one follows: its rules hand over their state, and it still works until the new one is put
 * in its place.
 */
export function createGuard(
  plan: PlanData,
  deps: GuardDeps,
  before?: Guard,
  kinds?: Parameters<typeof createSeats>[3],
): Guard {
  return new Guard(createSeats(plan, deps, before, kinds), deps.counters)
}

/** The rules of one plan in their order, and the loop that asks them. Disabled rules are absent: they cost nothing. */
export class Guard {
  /** The draft of the rule that decided, after REPLY and CACHE_ONLY. */
  draft = new Draft()
  /** What the rules say of what upstreams say. */
  readonly answers: AnswerChecks
  /** What a rule says of a dry query, before observe mode takes its effect: explain listens here (guard/explain). */
  heard: ((seat: Seat, verdict: Verdict) => void) | undefined
  readonly admissions: readonly Seat[]
  readonly checks: readonly Seat[]
  readonly misses: readonly Seat[]
  private readonly seats: readonly Seat[]
  private readonly finishers: readonly Seat[]
  private readonly deniers: readonly Seat[]
  private readonly probers: readonly Seat[]
  private readonly idlers: readonly Seat[]
  /** Place in `checks` of the first rule that looks at more than the client. */
  readonly firstByName: number
  private readonly counters: Counters
  /** Of the rule whose denial became another name just now. */
  private renamer: RuleBill | undefined

  constructor(seats: readonly Seat[], counters: Counters) {
    this.seats = seats
    this.admissions = seats.filter(({ rule }) => rule.admit)
    this.checks = seats.filter(({ rule }) => rule.check)
    this.misses = seats.filter(({ rule }) => rule.checkMiss)
    this.finishers = seats.filter(({ rule }) => rule.finish)
    this.deniers = seats.filter(({ rule }) => rule.denied)
    this.probers = seats.filter(({ rule }) => rule.probed)
    this.idlers = seats.filter(({ rule }) => rule.idle)
    const byName = this.checks.findIndex(({ kind }) => kind.perClient !== true)
    this.firstByName = byName === -1 ? this.checks.length : byName
    this.counters = counters
    this.answers = new AnswerChecks(seats, counters)
  }

  /**
   * May this client ask at all? The acl alone, before errors, probes and everything else, on every transport (SAFETY:
   * ACL before everything).
   */
  admit(query: Query): Verdict {
    const { admissions } = this
    for (let i = 0; i < admissions.length; i++) {
      const seat = admissions[i] as Seat
      const verdict = (seat.rule as Complete).admit(query)
      if (verdict !== PASS && this.holds(seat, query, verdict)) return verdict
    }
    return PASS
  }

  /**
   * After `admit`, before the cache. REPLY: `draft` is the reply. DROP: none. CACHE_ONLY: a hit or `draft`. ASK: as
   * PASS, with another `query.askType`.
   */
  check(query: Query): Verdict {
    const verdict = this.limit(query)
    if (verdict === REPLY || verdict === DROP) return verdict
    return this.checkName(query)
  }

  /** The part of `check` that looks at the client alone: all that is asked of a query that gets an error anyway. */
  limit(query: Query): Verdict {
    return this.run(query, 0, this.firstByName)
  }

  /**
   * The part of `check` that looks at the name: all that is asked of a health check, and of a query that waited or has another name now.
   * PROBE: as ASK, when `query.probeLabel` is known.
   */
  checkName(query: Query): Verdict {
    const verdict = this.run(query, this.firstByName)
    if (verdict !== REWRITE) return verdict
    const again = this.run(query, this.firstByName)
    // A second rewrite isn't followed, or two rules could hand a query to each other forever: it is looked up as it
    // stands.
    return again === REWRITE ? PASS : again
  }

  /** Does some rule want to hear of NXDOMAIN? */
  get hearsDenials(): boolean {
    return this.deniers.length > 0
  }

  /** NXDOMAIN is about to be sent, `isOurs`: by a rule; REWRITE: the query has another name now, which is to be checked and looked up. */
  denied(query: Query, isOurs: boolean): Verdict {
    const { deniers } = this
    this.renamer = undefined
    for (let i = 0; i < deniers.length; i++) {
      const seat = deniers[i] as Seat
      const verdict = (seat.rule as Complete).denied(query, isOurs)
      if (verdict === REWRITE && this.holds(seat, query, verdict)) return REWRITE
    }
    return PASS
  }

  /** A query that has another name now found it in the cache, or a question for it under way. */
  spared(query: Query): void {
    this.renamer?.spared(query)
    this.renamer = undefined
  }

  /** Tells the rules what a probe brought. */
  probed(probed: Probed, now: number): void {
    const { probers } = this
    for (let i = 0; i < probers.length; i++) ((probers[i] as Seat).rule as Complete).probed(probed, now)
  }

  idle(now: number): void {
    const { idlers } = this
    for (let i = 0; i < idlers.length; i++) ((idlers[i] as Seat).rule as Complete).idle(now)
  }

  /** After a miss, before a flight: REPLY or CACHE_ONLY mean that `draft` is the reply, for there is no hit. */
  checkMiss(query: Query): Verdict {
    const { misses } = this
    for (let i = 0; i < misses.length; i++) {
      const seat = misses[i] as Seat
      const verdict = (seat.rule as Complete).checkMiss(query)
      if (verdict !== PASS && this.holds(seat, query, verdict)) return verdict
    }
    return PASS
  }

  /** Every reply of a query with marks, as it stands in its tx slot. */
  finish(query: Query, reply: Reply): void {
    const { finishers } = this
    const { ede, edeText } = reply
    readName(query)
    for (let i = 0; i < finishers.length; i++) {
      const seat = finishers[i] as Seat
      if ((query.marks & seat.mark) === 0) continue
      ;(seat.rule as Complete).finish(query, reply)
      if (query.dry === 0) this.counters.add(seat.row + RULE_FINISHED)
    }
    if (ede === -1) return
    // Why there is nothing, or another name, says more than how that was shaped.
    reply.ede = ede
    reply.edeText = edeText
  }

  /** When another plan has taken over. */
  close(): void {
    for (const { rule } of this.seats) rule.close?.()
  }

  ruleNamed(name: string): Rule | undefined {
    return this.seats.find(({ kind }) => kind.name === name)?.rule
  }

  /** The rules from `from` up to `to` of those that check. */
  run(query: Query, from: number, to = this.checks.length): Verdict {
    const { checks } = this
    let outcome: Verdict = query.cacheOnly === 1 ? CACHE_ONLY : PASS
    for (let i = from; i < to; i++) {
      const seat = checks[i] as Seat
      const { askType, marks } = query
      const verdict = (seat.rule as Complete).check(query)
      if (verdict === PASS) continue
      if (verdict === PROBE && (query.probes >= probesMax || query.cacheOnly === 1)) continue
      if (verdict === REPLY && this.isDeniedJunk(seat) && this.renames(seat, query)) return REWRITE
      if (!this.holds(seat, query, verdict)) {
        if (verdict === REPLY && seat.kind.deniesJunk === true) query.isJunk = 1
        query.askType = askType
        query.marks = marks
        continue
      }
      if (verdict === REPLY || verdict === DROP || verdict === REWRITE || verdict === PROBE || verdict === HOLD)
        return verdict
      // What a later rule answers is cheaper than the cache, so the other two let the rest of the rules have their say.
      if (verdict === CACHE_ONLY) query.cacheOnly = 1
      if (outcome !== CACHE_ONLY) outcome = verdict
    }
    return outcome
  }

  /** Does some rule make another name of the one that this one denies? */
  private renames(seat: Seat, query: Query): boolean {
    seat.bill.note(query)
    if (this.denied(query, true) !== REWRITE) return false
    seat.bill.renamed()
    if (seat.saves && query.dry === 0) this.renamer = seat.bill
    return true
  }

  private isDeniedJunk({ kind, observed, draft }: Seat): boolean {
    return kind.deniesJunk === true && !observed && draft.rcode === Rcode.NXDOMAIN
  }

  /** Counts the verdict; false when the rule only observes. */
  private holds(seat: Seat, query: Query, verdict: Verdict): boolean {
    const field = seat.observed && verdict !== PROBE ? RULE_OBSERVED : fieldOf(verdict, seat.draft)
    if (query.dry === 1) this.heard?.(seat, verdict)
    else if (field !== -1) {
      this.counters.add(seat.row + field)
      if (field === RULE_REPLIED && seat.saves) seat.bill.answered(query)
    }
    if (seat.observed) return false
    if (verdict === REPLY || (verdict === CACHE_ONLY && query.cacheOnly === 0)) this.draft = seat.draft
    return true
  }
}

/** A rule in the list of those that have the method; the lists are made once, so the loops need not ask. */
type Complete = Required<Rule>

/** A query that waited for its answer comes back with its name as asked alone: finishers see the reply, and the name, as the client will. */
function readName(query: Query): void {
  forgetAlias(query)
  const { labels, bytes, nameLength } = query
  const from = query.at + HEADER
  lowerName(bytes, from, nameLength, query.name, 0)
  query.labelCount = 0
  for (let at = 0; at < nameLength - 1; at += (bytes[from + at] as number) + 1) labels[query.labelCount++] = at
}
