import { boolean, either, list, listShape } from '../../config/field.ts'
import { ruleSection } from '../../config/rule-section.ts'
import type { SettingsOf } from '../../config/section.ts'
import { domain } from '../../config/values.ts'

export type KubernetesNamesSettings = SettingsOf<typeof kubernetesNamesSettings>

export const kubernetesNamesSettings = ruleSection(
  'Names below a cluster domain that the Kubernetes DNS schema does not allow: answered NXDOMAIN here.',
  'enforce',
  {
    strict: either('all', listShape(domain, 0, 32), {
      default: [],
      doc:
        'Zones other than `cluster.local` that hold nothing but what Kubernetes publishes: a list, or `all` for all of ' +
        '`clusterDomains`. In those not listed the rule only counts, since such a zone may be a real one too.',
    }),
    extra: list(domain, {
      default: [],
      maxItems: 1024,
      doc:
        'Names that always pass, with all below them: what `hosts`, `template` or `rewrite` of CoreDNS add. A name stands ' +
        'for its wildcard, so write `apps.cluster.local` for `*.apps.cluster.local`.',
    }),
    multiCluster: list(domain, {
      default: ['clusterset.local'],
      maxItems: 32,
      doc:
        'Which of these zones span several clusters (the Multi-Cluster Services API): there ' +
        '`<endpoint>.<cluster>.<service>.<namespace>.svc` passes too.',
    }),
    pinNames: boolean({
      default: false,
      doc:
        'Whether names that pin or prefer a topology zone pass: `<zone>.pin._zone.<service>.<namespace>.svc`, and ' +
        '`prefer` in place of `pin`. The zone may be of several labels.',
    }),
    denyBarePorts: boolean({
      default: true,
      doc:
        'Whether five labels up to `svc` need `_` before the first two, as in `_http._tcp.web.default.svc`. Search lists ' +
        'make `www.google.com.default.svc`, which CoreDNS reads as port `www` of protocol `google`. Turn it off where ' +
        'clients leave the `_` out.',
    }),
  },
)
