import type { NameSet } from '../../query/name-set.ts'
import type { Query } from '../../query/query.ts'
import { ASK, type Verdict } from '../../query/verdict.ts'
import { Type, typeName } from '../../wire/codes.ts'
import { nameToText } from '../../wire/text.ts'
import { bringsAddresses } from './hints.ts'

export function explainFilter(query: Query, verdict: Verdict, except: NameSet, answersDnssec: boolean): string {
  if (verdict === ASK)
    return 'A is looked up for AAAA: where the name exists the reply has no address (NODATA), else it is as missing as it is'
  const { type } = query
  if (type !== Type.AAAA && !bringsAddresses(type)) return `replies to ${typeName(type)} bring no IPv6 addresses along`
  const excepted = except.longestSuffix(query)
  if (excepted !== -1) return `${nameToText(except.names[excepted] as Uint8Array)} is excepted, with all below it`
  if (!answersDnssec && (query.dnssecOk === 1 || query.checkingDisabled === 1))
    return 'with DO or CD it passes (whenDnssec)'
  return `IPv6 addresses that the reply to ${typeName(type)} brings along (hints, additional AAAA) are taken out`
}
