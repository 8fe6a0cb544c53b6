/** Fields of a rule's row. */
export const RULE_REPLIED = 0
export const RULE_DROPPED = 1
export const RULE_LIMITED = 2
export const RULE_FINISHED = 3
export const RULE_OBSERVED = 4
export const RULE_EXEMPT = 5
export const RULE_RENAMED = 6

/** Fields of an upstream's row. */
export const UP_PACKETS = 0
export const UP_ANSWERS = 1
export const UP_TIMEOUTS = 2
export const UP_FAILURES = 3
export const UP_UNREACHABLE = 4
export const UP_TCP = 5
export const UP_RTT_SUM = 6
export const UP_LOOP_PROBES = 7
export const UP_LOOP_SEEN = 8
export const UP_RESTRAINED = 9
export const UP_HELD_BACK = 10
export const UP_OVER_BUDGET = 11
export const UP_BUDGET_LEFT = 12
export const UP_HEDGED = 13
export const UP_HEDGES_WON = 14
export const UP_DOWN = 15
