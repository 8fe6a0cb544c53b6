import type { PrefixData } from '../link/plan-data.ts'
import { privatePrefixes } from '../net/private-prefixes.ts'
import { prefixFromText } from '../wire/text.ts'

/**
 * What the words of a list of clients stand for: IP prefixes, `private`, and `onLink`, the prefixes of our own
 * interfaces. Throws a sentence on other words, which the settings' parser lets nobody write.
 */
export function clientPrefixes(words: readonly string[], onLink: readonly PrefixData[]): PrefixData[] {
  return words.flatMap((word) => {
    if (word === 'onLink') return onLink
    if (word === 'private') return clientPrefixes(privatePrefixes, onLink)
    const prefix = prefixFromText(word)
    if (prefix === undefined) throw new Error(`${word} is no IP prefix`)
    return prefix
  })
}
