import { boolean, duration, oneOf } from '../../config/field.ts'
import { ruleSection } from '../../config/rule-section.ts'
import type { SettingsOf } from '../../config/section.ts'

export type SearchSuffixSettings = SettingsOf<typeof searchSuffixSettings>

export const searchSuffixSettings = ruleSection(
  'Names that only a search list can have made, such as `db.default.svc.cluster.local.example.org`: a cluster domain ' +
    'with a search suffix behind it. They cannot exist.',
  'enforce',
  {
    action: oneOf(['nxdomain', 'strip'], {
      default: 'nxdomain',
      doc:
        '`nxdomain` answers that the name does not exist; `strip` answers for the name without the suffix, behind a CNAME, also ' +
        'where an upstream or a cut denies a name below a search suffix.',
    }),
    whenDnssec: oneOf(['pass', 'answer'], {
      default: 'pass',
      doc: 'For queries with DO or CD set: a validator would call our answer bogus, so `pass` forwards them.',
    }),
    learn: boolean({
      default: true,
      doc: 'Whether search suffixes that clients use and nobody configured are looked for; they are reported, never enforced.',
    }),
    negativeTtl: duration({
      default: '30s',
      min: '1s',
      max: '1h',
      doc: 'How long others may keep our NXDOMAIN: TTL and MINIMUM of its SOA.',
    }),
  },
)
