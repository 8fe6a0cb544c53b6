import { boolean, list } from '../../config/field.ts'
import { ruleSection } from '../../config/rule-section.ts'
import type { SettingsOf } from '../../config/section.ts'
import { domain } from '../../config/values.ts'

export type KubernetesNamesSettings = SettingsOf<typeof kubernetesNamesSettings>

export const kubernetesNamesSettings = ruleSection(
  'Names below a cluster domain that the Kubernetes DNS schema does not allow: answered NXDOMAIN here.',
  'enforce',
  {
    strict: boolean({ default: false, doc: 'Also for cluster domains other than `cluster.local`.' }),
    extra: list(domain, { default: [], maxItems: 1024, doc: 'Names that always pass, with all below them.' }),
  },
)
