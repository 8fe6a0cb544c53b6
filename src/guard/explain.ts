import type { ExplainStep } from '../link/explain-data.ts'
import { copyQuery } from '../query/copy-query.ts'
import { Query } from '../query/query.ts'
import { ASK, CACHE_ONLY, DROP, PASS, PROBE, REPLY, REWRITE, type Verdict } from '../query/verdict.ts'
import { rcodeName } from '../wire/codes.ts'
import type { Records } from '../wire/records.ts'
import { nameToText } from '../wire/text.ts'
import { placeOf } from './answers.ts'
import type { Guard } from './guard.ts'
import type { Seat } from './seats.ts'

interface Heard {
  readonly seat: Seat
  readonly verdict: Verdict
}

/** Walks a dry query through the guard's own loops, one rule at a time, and has each say why. For explain: allocates. */
export class GuardWalk {
  /** The name that would be asked for first, absolute text; empty for none. */
  asksFirst = ''
  /** The rule whose verdict ended the walk. */
  decidedBy = ''
  private readonly guard: Guard
  private readonly steps: ExplainStep[]
  /** The query as it stood before the rule at hand saw it. */
  private readonly before = new Query()

  constructor(guard: Guard, steps: ExplainStep[]) {
    this.guard = guard
    this.steps = steps
  }

  admit(query: Query): Verdict {
    return this.whole(this.guard.admissions, query, () => this.guard.admit(query))
  }

  checkMiss(query: Query): Verdict {
    return this.whole(this.guard.misses, query, () => this.guard.checkMiss(query))
  }

  limit(query: Query): Verdict {
    return this.each(query, 0, this.guard.firstByName)
  }

  /** As the guard's own: a rewrite makes it run again, once. */
  checkName(query: Query): Verdict {
    const { checks, firstByName } = this.guard
    const verdict = this.each(query, firstByName, checks.length)
    if (verdict !== REWRITE) return verdict
    const again = this.each(query, firstByName, checks.length)
    return again === REWRITE ? PASS : again
  }

  /** NXDOMAIN is about to be sent. Rules that say nothing to it make no step. */
  denied(query: Query): Verdict {
    copyQuery(query, this.before)
    const { verdict, heard } = this.listen(() => this.guard.denied(query, false))
    for (const { seat, verdict } of heard) this.say(seat, verdict)
    return verdict
  }

  /**
   * The rules that look at answers: at what the cache holds, or at an answer that is not known yet. Such a verdict was carried out when the answer
   * came, so it ends nothing here. @param refusedBy as in the draft
   */
  answer(query: Query, kept: Records | undefined, refusedBy: number): void {
    for (const { kind, rule, observed, mark } of this.guard.answers.seats) {
      if (rule.explainAnswer === undefined) continue
      const isRefused = refusedBy === placeOf(mark)
      const { verdict, why } = rule.explainAnswer(query, kept, isRefused)
      this.push(kind.name, observed, verdict, why)
      if (isRefused) this.decidedBy = kind.name
    }
  }

  /** A loop that ends at the first rule which holds. */
  private whole(seats: readonly Seat[], query: Query, ask: () => Verdict): Verdict {
    copyQuery(query, this.before)
    const { verdict, heard } = this.listen(ask)
    for (const seat of seats) {
      const said = heard.find((one) => one.seat === seat)?.verdict ?? PASS
      this.say(seat, said)
      if (said === PASS || seat.observed) continue
      this.decidedBy = seat.kind.name
      break
    }
    return verdict
  }

  private each(query: Query, from: number, to: number): Verdict {
    for (let at = from; at < to; at++) {
      const seat = this.guard.checks[at] as Seat
      copyQuery(query, this.before)
      const { verdict, heard } = this.listen(() => this.guard.run(query, at, at + 1))
      const own = heard.find((one) => one.seat === seat && one.verdict !== REWRITE)
      // Junk that another name is made of: the denial itself has no effect, so nobody hears of it.
      const isRenamed = verdict === REWRITE && own === undefined && seat.kind.deniesJunk === true
      const said = own?.verdict ?? (isRenamed ? REPLY : PASS)
      if (own !== undefined || isRenamed || heard.every((one) => one.seat !== seat)) this.say(seat, said)
      for (const one of heard) if (one !== own) this.say(one.seat, one.verdict)
      if (said === CACHE_ONLY && !seat.observed) this.decidedBy = seat.kind.name
      if (verdict === PROBE) this.askFirst(query)
      else if (verdict === REPLY || verdict === DROP) {
        this.decidedBy = seat.kind.name
        return verdict
      } else if (verdict === REWRITE) return verdict
    }
    return query.cacheOnly === 1 ? CACHE_ONLY : PASS
  }

  /** What follows is for the case that its answer lets the query pass. */
  private askFirst(query: Query): void {
    const { name, nameLength, labels, probeLabel } = query
    this.asksFirst = nameToText(name.slice(labels[probeLabel] as number, nameLength))
    query.probes++
  }

  private listen(ask: () => Verdict): { verdict: Verdict; heard: Heard[] } {
    const heard: Heard[] = []
    this.guard.heard = (seat, verdict) => heard.push({ seat, verdict })
    try {
      return { verdict: ask(), heard }
    } finally {
      this.guard.heard = undefined
    }
  }

  private say({ kind, rule, draft, observed }: Seat, verdict: Verdict): void {
    const why = rule.explain?.(this.before, verdict) ?? generic(verdict, draft.rcode)
    this.push(kind.name, observed, verdictWords[verdict], why)
  }

  private push(step: string, observed: boolean, verdict: string, why: string): void {
    const isIdle = observed && verdict !== verdictWords[PASS]
    this.steps.push({
      step,
      mode: observed ? 'observe' : 'enforce',
      verdict,
      why: isIdle ? `only observes, so without effect: ${why}` : why,
    })
  }
}

const verdictWords = ['pass', 'drop', 'reply', 'cacheOnly', 'rewrite', 'ask', 'probe', 'hold'] as const

/** For rules that don't explain themselves. */
function generic(verdict: Verdict, rcode: number): string {
  switch (verdict) {
    case DROP:
      return 'gives no reply at all'
    case REPLY:
      return `answers ${rcodeName(rcode)} itself, and nobody is asked`
    case CACHE_ONLY:
      return `lets the cache answer, else ${rcodeName(rcode)}: no upstream is asked`
    case REWRITE:
      return 'gives the question another name, which is looked up in its place'
    case ASK:
      return 'has another type looked up, and makes the reply of that'
    case PROBE:
      return 'asks for another name first, and decides by its answer'
    default:
      return 'lets it pass'
  }
}
