import { aaaaFilter } from './aaaaFilter/aaaaFilter.ts'
import { acl } from './acl/acl.ts'
import { cut } from './cut/cut.ts'
import { kubernetesNames } from './kubernetesNames/kubernetesNames.ts'
import { localAnswers } from './localAnswers/localAnswers.ts'
import { rateLimit } from './rateLimit/rateLimit.ts'
import { rebinding } from './rebinding/rebinding.ts'
import type { RuleKind } from './rule.ts'
import { searchSuffix } from './searchSuffix/searchSuffix.ts'

/**
 * THE list of rules, in the order in which they see a query. A rule's place is also the row of its counters and its bit
 * in `query.marks`, so it is the same in every plan, whichever rules are on.
 */
export const ruleKinds: readonly RuleKind<unknown>[] = [
  acl, // first: who may not ask learns nothing from any other rule, and costs nothing more
  rateLimit, // before all that does work, where every query is charged
  localAnswers, // the operator's own word, so before anything that guesses from a name's form
  searchSuffix, // junk is answered before it costs a cache lookup or a flight
  kubernetesNames, // what is left in a cluster domain, by its schema: costs as little, and is as sure
  cut, // after all that a name's form alone decides, since it may have to ask for a parent first
  aaaaFilter, // last of those that see queries: only what would be looked up needs its type changed
  rebinding, // sees answers alone
]

/** Those with lines in the junk bill, by their place in it. */
export const savingRules: readonly string[] = ruleKinds.filter(({ saves }) => saves).map((kind) => kind.name)

/** Metric labels of the counters' rows, in their order. */
export const ruleNames: readonly string[] = ruleKinds.map((kind) => kind.name)
