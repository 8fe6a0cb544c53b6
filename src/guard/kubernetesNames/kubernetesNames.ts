import { RULE_OBSERVED, rule as ruleCounters, zone as zoneCounters } from '../../metrics/catalog.ts'
import { NameSet } from '../../query/name-set.ts'
import type { Query } from '../../query/query.ts'
import { PASS, REPLY } from '../../query/verdict.ts'
import { Ede, Rcode } from '../../wire/codes.ts'
import { nameToText, wireName } from '../../wire/text.ts'
import { clusterNegativeTtlMax, draftNegative } from '../negative.ts'
import type { Host, Rule, RuleKind } from '../rule.ts'
import { explainNames } from './explain.ts'
import { judge, POSSIBLE, type SchemaOptions } from './schema.ts'
import { Served } from './served.ts'
import { type KubernetesNamesSettings, kubernetesNamesSettings } from './settings.ts'

/** Answers NXDOMAIN for names in a cluster domain that Kubernetes can't have published, whatever runs in the cluster. */
export const kubernetesNames: RuleKind<KubernetesNamesSettings> = {
  name: 'kubernetesNames',
  saves: true,
  settings: kubernetesNamesSettings,
  create,
}

function create(settings: KubernetesNamesSettings, host: Host): Rule {
  const { names, draft, counters, savings } = host
  const listed = settings.strict === 'all' ? [] : settings.strict.map(wireName)
  const zones = new NameSet([...names.clusterDomains.names, ...listed])
  const strict = new NameSet(settings.strict === 'all' ? zones.names : [wireName('cluster.local'), ...listed])
  const multiCluster = new NameSet(settings.multiCluster.map(wireName))
  const rulings = zones.names.map((zone, i) => ({
    isStrict: has(strict, zone),
    text: nameToText(zone),
    isSaid: false,
    // Only cluster domains are passed on in, and those come first; a zone that is listed as strict has none.
    passedAt: zoneCounters.at(savings.domainRows[i] ?? 0, 0),
    options: { ...settings, isMultiCluster: has(multiCluster, zone) } satisfies SchemaOptions,
  }))
  const served = new Served(settings.extra.map(wireName), zones, names)
  const observing = ruleCounters.at(host.index, RULE_OBSERVED)

  return {
    check(query) {
      // Of nested cluster domains the innermost decides: k8s.cluster.local is no name of cluster.local.
      const zone = zones.longestSuffix(query)
      if (zone === -1) return PASS
      const left = zones.matchedLabel
      const ruling = rulings[zone] as (typeof rulings)[number]
      const reason = judge(query, left, ruling.options)
      if (reason === POSSIBLE || served.has(query, left)) return PASS
      if (!ruling.isStrict) {
        if (query.dry === 0) passOn(query, ruling)
        return PASS
      }
      // With DO and CD too: that the name can't exist is known from the schema, not from a zone that could be signed
      // (FIELD 3.6). Z owns the SOA and is never asked here, so it is a strict ancestor.
      draftNegative(draft, Rcode.NXDOMAIN, query.labels[left] as number, clusterNegativeTtlMax)
      draft.ede = Ede.BLOCKED
      draft.edeText = edeTexts[reason] as Uint8Array
      return REPLY
    },

    explain: (query) => explainNames(query, zones, rulings, served),
  }

  /** Counts, and says once in the life of a plan what listing the zone would do. */
  function passOn(query: Query, ruling: (typeof rulings)[number]): void {
    counters.add(observing)
    counters.add(ruling.passedAt)
    if (ruling.isSaid) return
    ruling.isSaid = true
    host.event({
      state: 'note',
      subject: ruling.text,
      level: 'info',
      sentence:
        `${nameToText(query.name)} is no name that Kubernetes publishes in ${ruling.text} and is passed on all the ` +
        'same; list the zone in guard.kubernetesNames.strict to have such names answered here',
      figures: {},
    })
  }
}

function has(set: NameSet, name: Uint8Array): boolean {
  return set.find(name, 0, name.length) !== -1
}

/** By what the schema says. */
const edeTexts = ['', 'neither svc nor pod', 'no port and protocol', 'too many labels'].map((words) =>
  new TextEncoder().encode(`kubernetesNames: ${words}`),
)
