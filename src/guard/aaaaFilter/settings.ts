import { either, list, listShape, oneOf } from '../../config/field.ts'
import { ruleSection } from '../../config/rule-section.ts'
import type { SettingsOf } from '../../config/section.ts'
import { clientPrefix, domain } from '../../config/values.ts'

export type AaaaFilterSettings = SettingsOf<typeof aaaaFilterSettings>

export const aaaaFilterSettings = ruleSection(
  'For networks without IPv6: AAAA questions get no addresses. The A lookup decides the code of the reply, so that ' +
    'names stay as existing or missing as they are. Other replies lose `ipv6hint` and additional AAAA records.',
  'disabled',
  {
    clients: either('all', listShape(clientPrefix, 1, 1024), {
      default: 'all',
      doc:
        'Clients whose questions are filtered, in the words of `acl`: IP prefixes, `private`, `onLink`. All others get ' +
        'IPv6 addresses as ever.',
    }),
    exceptClients: list(clientPrefix, {
      default: [],
      maxItems: 1024,
      doc: 'Exceptions to `clients`, in the same words: a network that has IPv6 among those that have none.',
    }),
    zones: either('all', listShape(domain, 1, 1024), {
      default: 'all',
      doc: 'Only names at or below these are filtered.',
    }),
    except: either('clusterDomains', listShape(domain, 0, 1024), {
      default: 'clusterDomains',
      doc: 'Exceptions to `zones`, whose questions pass: a list, or `clusterDomains` for those of the setting of that name.',
    }),
    whenDnssec: oneOf(['pass', 'answer'], {
      default: 'pass',
      doc: 'For queries with DO or CD set: a validator would call our answer bogus, so `pass` forwards them.',
    }),
  },
)
