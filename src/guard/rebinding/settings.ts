import { list } from '../../config/field.ts'
import { ruleSection } from '../../config/rule-section.ts'
import type { SettingsOf } from '../../config/section.ts'
import { domain } from '../../config/values.ts'

export type RebindingSettings = SettingsOf<typeof rebindingSettings>

export const rebindingSettings = ruleSection(
  'Answers from public zones must not point to private addresses (DNS rebinding).',
  'disabled',
  {
    allow: list(domain, { default: [], maxItems: 1024, doc: 'Zones that may have private addresses.' }),
  },
)
