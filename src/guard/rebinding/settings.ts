import { list } from '../../config/field.ts'
import { ruleSection } from '../../config/rule-section.ts'
import type { SettingsOf } from '../../config/section.ts'
import { domain } from '../../config/values.ts'

export type RebindingSettings = SettingsOf<typeof rebindingSettings>

export const rebindingSettings = ruleSection(
  'Answers from public zones must not lead to private addresses (DNS rebinding): such an answer becomes an empty one.',
  'disabled',
  {
    allow: list(domain, {
      default: [],
      maxItems: 1024,
      doc:
        'Zones that may have private addresses, with all names below them. Cluster domains, search suffixes, zones of ' +
        'routes, local answers, `localhost`, `local`, `home.arpa` and `internal` always may.',
    }),
  },
)
