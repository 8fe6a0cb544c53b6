import type { ExplainStep } from '../../link/explain-data.ts'
import type { Query } from '../../query/query.ts'
import { ANSWER, type Records } from '../../wire/records.ts'
import { addressToText, nameToText } from '../../wire/text.ts'
import { type AnswerRecords, PrivateFinder } from './finder.ts'

/**
 * Which address in the answer that is kept is private, and whether the name may lead there; without an answer, what would be looked at.
 *
 * @param whyInside what the name is at or below that lets it lead inside, undefined for a public one
 */
export function explainRebinding(
  query: Query,
  kept: Records | undefined,
  isRefused: boolean,
  isObserved: boolean,
  whyInside: string | undefined,
): Pick<ExplainStep, 'verdict' | 'why'> {
  const name = nameToText(query.name.slice(0, query.nameLength))
  const isPublic = `${name} is a public name and not in allow`
  if (isRefused)
    return {
      verdict: 'reply',
      why: `the answer led to a private address, and this empty one stands in its place: ${isPublic}`,
    }
  if (whyInside !== undefined) {
    const found = kept && privateIn(kept, true)
    const what =
      found === undefined ? 'it may lead to private addresses' : `${found} is private, and the name may lead there`
    return { verdict: 'pass', why: `${what}: ${name} is at or below ${whyInside}` }
  }
  if (kept === undefined)
    return {
      verdict: 'unknown',
      why: `the answer is looked at when it comes; one with a private address is refused: ${isPublic}`,
    }
  const found = privateIn(kept, true)
  if (found !== undefined && isObserved)
    return { verdict: 'reply', why: `${found} is private, so the answer is refused: ${isPublic}` }
  const extra = privateIn(kept, false)
  const late = 'it was kept before the rule was turned on, and stays until its TTL ends'
  if (found !== undefined) return { verdict: 'pass', why: `${found} is private, but ${late}` }
  if (extra === undefined) return { verdict: 'pass', why: 'no address in the answer that is kept is private' }
  return {
    verdict: 'pass',
    why: `${extra}, an additional address, is private: ${isObserved ? 'it would be left out' : late}`,
  }
}

/** The first private address in the answer section, or in the sections behind it. */
function privateIn(kept: Records, isAnswer: boolean): string | undefined {
  const { count, section, bytes: body } = kept
  const answers = section.subarray(0, count).findIndex((one) => one !== ANSWER)
  const end = answers === -1 ? count : answers
  const records: AnswerRecords = {
    body,
    typeOf: (i) => kept.type[i] as number,
    rdataAt: (i) => kept.rdataAt[i] as number,
    rdataLength: (i) => kept.rdataLength[i] as number,
  }
  const finder = new PrivateFinder()
  if (!finder.find(records, isAnswer ? 0 : end, isAnswer ? end : count)) return undefined
  return addressToText(body.subarray(finder.at, finder.at + finder.length))
}
