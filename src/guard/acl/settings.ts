import { list } from '../../config/field.ts'
import { ruleSection } from '../../config/rule-section.ts'
import type { SettingsOf } from '../../config/section.ts'
import { clientPrefix } from '../../config/values.ts'

export type AclSettings = SettingsOf<typeof aclSettings>

/** Who may ask. Text prefixes are normalised: `10.0.0.0/8`, no host bits set. */
export const aclSettings = ruleSection(
  'Who may ask at all. Checked before everything else, on every transport.',
  'enforce',
  {
    allow: list(clientPrefix, {
      default: ['private', 'onLink'],
      maxItems: 1024,
      doc:
        'Clients that may ask: IP prefixes, `private` (loopback, RFC 1918, 100.64.0.0/10, link-local, ULA) or `onLink` ' +
        '(the prefixes of our own interfaces). Others are refused.',
    }),
    deny: list(clientPrefix, {
      default: [],
      maxItems: 1024,
      doc: 'Exceptions to `allow`, in the same words. `deny` wins.',
    }),
  },
)
