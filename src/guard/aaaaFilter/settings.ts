import { either, listShape, oneOf } from '../../config/field.ts'
import { ruleSection } from '../../config/rule-section.ts'
import type { SettingsOf } from '../../config/section.ts'
import { domain } from '../../config/values.ts'

export type AaaaFilterSettings = SettingsOf<typeof aaaaFilterSettings>

export const aaaaFilterSettings = ruleSection(
  'For networks without IPv6: AAAA questions get no addresses. The A lookup decides the code of the reply, so that ' +
    'names stay as existing or missing as they are. Other replies lose `ipv6hint` and additional AAAA records.',
  'disabled',
  {
    except: either('clusterDomains', listShape(domain, 0, 1024), {
      default: 'clusterDomains',
      doc: 'Zones whose questions pass: a list, or `clusterDomains` for those of the setting of that name.',
    }),
    whenDnssec: oneOf(['pass', 'answer'], {
      default: 'pass',
      doc: 'For queries with DO or CD set: a validator would call our answer bogus, so `pass` forwards them.',
    }),
  },
)
