import type { Query } from '../../query/query.ts'
import { PROBE, REPLY, type Verdict } from '../../query/verdict.ts'
import { nameToText } from '../../wire/text.ts'
import { type Cuts, EXISTS, MISSING } from './cuts.ts'
import { NO_SCOPE, type Scopes } from './scopes.ts'
import type { CutSettings } from './settings.ts'

/** Which parent decides, in what scope, and what is known of it for how long. */
export function explainCut(
  query: Query,
  verdict: Verdict,
  settings: CutSettings,
  scopes: Scopes,
  cuts: Cuts,
  isWithdrawn: Uint8Array,
): string {
  const scope = scopes.find(query)
  if (scope === NO_SCOPE) return `no parent of this name is to be asked for: ${scopes.whyNone(query)}`
  const from = query.labels[scopes.label] as number
  const parent = nameToText(query.name.slice(from, query.nameLength))
  const below = nameToText(scopes.nameOf(scope))
  const slot = cuts.find(query.name, from, query.nameLength)
  const left = slot === -1 ? 0 : Math.ceil(((cuts.until[slot] as number) - query.receivedAt) / 1000)
  if (verdict === REPLY)
    return `its parent ${parent} does not exist (known for ${left} s more), so nothing below it does: NXDOMAIN`
  if (verdict === PROBE)
    return `${parent}, its parent in the scope ${below}, is asked for first (type A): nothing is known of it`
  if (isWithdrawn[scope] === 1)
    return `cuts below ${below} are withdrawn until the next reload: a name below a missing parent existed`
  if (query.recursionDesired === 0) return 'without RD it passes'
  if (scopes.isElsewhere && settings.elsewhere !== 'enforce') {
    return `its parent ${parent} is none of parents: elsewhere is ${settings.elsewhere}, so it passes`
  }
  if (settings.whenDnssec === 'pass' && (query.dnssecOk === 1 || query.checkingDisabled === 1)) {
    return `with DO or CD it passes (whenDnssec), whatever ${parent} is`
  }
  const state = cuts.stateAt(slot, query.receivedAt)
  if (state === EXISTS) return `its parent ${parent} exists, or could not be asked for (known for ${left} s more)`
  if (state === MISSING) return `its parent ${parent} does not exist, and this name is let through as a sample`
  return `nothing is known of its parent ${parent}, and no question waits for that here`
}
