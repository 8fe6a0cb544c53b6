import { PrefixTable } from '../../base/address.ts'
import type { PrefixData } from '../../link/plan-data.ts'
import { clientPrefixes } from '../../query/client-prefixes.ts'
import { clientText } from '../../query/client-text.ts'
import type { Query } from '../../query/query.ts'
import { ASK, type Verdict } from '../../query/verdict.ts'
import { Type, typeName } from '../../wire/codes.ts'
import { nameToText } from '../../wire/text.ts'
import { bringsAddresses } from './hints.ts'
import { CLIENTS, EXCEPT, EXCEPT_CLIENTS, type Scope, ZONES } from './scope.ts'
import type { AaaaFilterSettings } from './settings.ts'

export function explainFilter(
  query: Query,
  verdict: Verdict,
  settings: AaaaFilterSettings,
  scope: Scope,
  onLink: readonly PrefixData[],
): string {
  if (verdict === ASK)
    return 'A is looked up for AAAA: where the name exists the reply has no address (NODATA), else it is as missing as it is'
  const { type } = query
  if (type !== Type.AAAA && !bringsAddresses(type)) return `replies to ${typeName(type)} bring no IPv6 addresses along`
  const outside = explainScope(query, settings, scope, onLink)
  if (outside !== undefined) return outside
  if (settings.whenDnssec === 'pass' && (query.dnssecOk === 1 || query.checkingDisabled === 1))
    return 'with DO or CD it passes (whenDnssec)'
  return `IPv6 addresses that the reply to ${typeName(type)} brings along (hints, additional AAAA) are taken out`
}

/** Which setting lets the query pass, or undefined. */
function explainScope(
  query: Query,
  { clients, exceptClients, zones }: AaaaFilterSettings,
  scope: Scope,
  onLink: readonly PrefixData[],
): string | undefined {
  const holding = (words: readonly string[]): string | undefined =>
    words.find((word) => new PrefixTable(clientPrefixes([word], onLink)).has(query.client, 0))
  const who = clientText(query.client)
  switch (scope.placeOf(query)) {
    case CLIENTS:
      return `${who} is in none of clients (${listed(clients)}), so it passes`
    case EXCEPT_CLIENTS:
      return `${who} is in exceptClients (${holding(exceptClients)}), so it passes`
    case ZONES:
      return `the name is at or below none of zones (${listed(zones)}), so it passes`
    case EXCEPT: {
      const excepted = scope.except.names[scope.except.longestSuffix(query)] as Uint8Array
      return `${nameToText(excepted)} is excepted, with all below it`
    }
    default:
      return undefined
  }
}

function listed(words: 'all' | readonly string[]): string {
  return words === 'all' ? words : words.join(', ')
}
