import { PrefixTable } from '../../base/address.ts'
import type { PrefixData } from '../../link/plan-data.ts'
import { privatePrefixes } from '../../net/private-prefixes.ts'
import { PASS, REPLY } from '../../query/verdict.ts'
import { Ede, Rcode } from '../../wire/codes.ts'
import { prefixFromText } from '../../wire/text.ts'
import type { RuleKind } from '../rule.ts'
import { explainAcl } from './explain.ts'
import { type AclSettings, aclSettings } from './settings.ts'

/**
 * Who may ask at all (RFC 5358). Others get REFUSED and not silence, as from BIND, unbound and CoreDNS: a client with a
 * wrong address learns in a millisecond, instead of a timeout per name, to ask its next server, and a forged one gains
 * nothing, for the reply is no longer than its query but for an extended error of 22 bytes, where it sent OPT.
 */
export const acl: RuleKind<AclSettings> = {
  name: 'acl',
  settings: aclSettings,
  ignoresGuardMode: true,

  create(settings, { draft, onLink }) {
    const allowed = new PrefixTable(prefixesOf(settings.allow, onLink))
    const denied = new PrefixTable(prefixesOf(settings.deny, onLink))

    return {
      admit({ client }) {
        if (allowed.has(client, 0) && !denied.has(client, 0)) return PASS
        draft.reset(Rcode.REFUSED)
        draft.ede = Ede.PROHIBITED
        draft.edeText = edeText
        return REPLY
      },

      explain: (query) => explainAcl(query, settings, (word) => prefixesOf([word], onLink)),
    }
  },
}

const edeText = new TextEncoder().encode('acl: not allowed')

function prefixesOf(words: readonly string[], onLink: readonly PrefixData[]): PrefixData[] {
  return words.flatMap((word) => {
    if (word === 'onLink') return onLink
    if (word === 'private') return prefixesOf(privatePrefixes, onLink)
    const prefix = prefixFromText(word)
    if (prefix === undefined) throw new Error(`guard.acl: ${word} is no IP prefix`)
    return prefix
  })
}
