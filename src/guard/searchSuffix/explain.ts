import type { Query } from '../../query/query.ts'
import { PASS, REPLY, REWRITE, type Verdict } from '../../query/verdict.ts'
import { nameToText } from '../../wire/text.ts'
import type { PlanNames } from '../rule.ts'
import type { JunkByForm } from './junk.ts'
import type { Stripper } from './strip.ts'

/** Which Z and S make the name junk, or why it is none. */
export function explainSuffix(
  query: Query,
  verdict: Verdict,
  names: PlanNames,
  junk: JunkByForm,
  stripper: Stripper | undefined,
): string {
  const from = (label: number): string => nameToText(query.name.slice(query.labels[label] as number, query.nameLength))
  if (verdict === REWRITE) {
    const label = stripper?.labelOf(query) ?? -1
    const real = new Uint8Array([...query.name.slice(0, query.labels[label] as number), 0])
    return `the search suffix ${from(label)} is taken off: ${nameToText(real)} is looked up in its place, and answered behind a CNAME`
  }
  const owner = junk.find(query)
  if (owner !== -1) {
    const suffix = from(junk.suffixLabel)
    const zone = from(owner).slice(0, -suffix.length - 1)
    const form = `${zone} stands before ${suffix}: only a search list makes such a name`
    if (verdict === REPLY) return `${form}, so NXDOMAIN`
    return verdict === PASS ? `${form}, but with DO or CD it passes (whenDnssec)` : form
  }
  const isBelow = names.searchSuffixes.longestSuffix(query) !== -1
  const suffix = isBelow ? from(names.searchSuffixes.matchedLabel) : ''
  const isSigned = query.dnssecOk === 1 || query.checkingDisabled === 1
  const strips = isBelow && !isSigned && (stripper?.labelOf(query) ?? -1) >= 0
  const more = strips ? `; if the name does not exist, ${suffix} is taken off` : ''
  junk.find(query)
  if (junk.isSpared)
    return `a cluster domain stands within it, but it is at or below a route's zone, a local answer or another cluster domain: somebody may serve it${more}`
  if (!isBelow) return 'the name is below no search suffix that is known, and is no junk by form'
  return `the suffix ${suffix} alone makes no name junk: no cluster domain stands before it${more}`
}
