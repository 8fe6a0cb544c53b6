import { PrefixTable } from '../../base/address.ts'
import type { PrefixData } from '../../link/plan-data.ts'
import { clientText } from '../../query/client-text.ts'
import type { Query } from '../../query/query.ts'
import type { AclSettings } from './settings.ts'

/** Which word of the settings the client stands under. */
export function explainAcl(
  { client }: Query,
  { allow, deny }: AclSettings,
  prefixesOf: (word: string) => readonly PrefixData[],
): string {
  const holding = (words: readonly string[]): string | undefined =>
    words.find((word) => new PrefixTable(prefixesOf(word)).has(client, 0))
  const who = clientText(client)
  const denied = holding(deny)
  if (denied !== undefined) return `${who} is in deny (${denied}), so it gets REFUSED`
  const allowed = holding(allow)
  if (allowed !== undefined) return `${who} is in allow (${allowed})`
  return `${who} is in none of allow (${allow.join(', ')}), so it gets REFUSED`
}
