/**
 * The junk bill in a lane: what rules saved the resolvers behind us, a row per rule and name of the plan (docs/decisions/0012). It lies behind
 * all other counters, since a scrape reads few of its rows:
 *
 *   rule 0: other, name 1, name 2 … (each: queries, packets, bytes), owed packets, owed bytes   rule 1: …
 *
 * What a rule spent on questions of its own is owed until it has saved as much: that is paid before anything counts as saved, so no counter goes
 * back, and all together never claim more than the resolvers behind us were spared.
 */

/** Rules that may have rows. */
export const billRulesMax = 8
/** Rows of a rule: 64 search suffixes and 32 cluster domains, as many more after reloads, and `other`. A name keeps its row for good. */
export const billRowsMax = 128
/** The row of names below none that has one. */
export const BILL_OTHER = 0

export const BILL_QUERIES = 0
export const BILL_PACKETS = 1
export const BILL_BYTES = 2
const fields = 3
const perRule = billRowsMax * fields + 2

export const billLength = billRulesMax * perRule

/** Where the row begins, from the table's start. @param rule its place among the rules that save */
export function billRow(rule: number, row: number): number {
  return rule * perRule + row * fields
}

/** Where it stands what a rule owes: packets, then bytes. */
export function billOwed(rule: number): number {
  return rule * perRule + billRowsMax * fields
}

/** The families of the table, in the order of its first fields. */
export const billFamilies = [
  {
    name: 'dnsweir_saved_queries_total',
    help: 'Queries that a rule answered, or cut short, in place of a lookup.',
    type: 'counter',
    labels: ['rule', 'suffix'],
  },
  {
    name: 'dnsweir_saved_packets_total',
    help: 'Packets to and from upstreams that these would have cost at least, less what the rule asked for itself.',
    type: 'counter',
    labels: ['rule', 'suffix'],
  },
  {
    name: 'dnsweir_saved_bytes_total',
    help: 'Bytes of these packets, with IPv4 and UDP headers.',
    type: 'counter',
    labels: ['rule', 'suffix'],
  },
] as const
