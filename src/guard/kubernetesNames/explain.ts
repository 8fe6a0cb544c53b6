import type { NameSet } from '../../query/name-set.ts'
import type { Query } from '../../query/query.ts'
import { nameToText } from '../../wire/text.ts'
import { judge, NO_PORT, OUTSIDE, POSSIBLE, type SchemaOptions } from './schema.ts'
import type { Served } from './served.ts'

/** A zone as the rule keeps it. */
interface Ruling {
  readonly isStrict: boolean
  readonly text: string
  readonly options: SchemaOptions
}

/** Which zone, what place of the schema the name has or which one it misses, and whether that is enough to deny it. */
export function explainNames(query: Query, zones: NameSet, rulings: readonly Ruling[], served: Served): string {
  const index = zones.longestSuffix(query)
  if (index === -1) {
    const all = [...new Set(rulings.map(({ text }) => text))].join(', ')
    return all === '' ? 'there is no cluster domain' : `the name is in no cluster domain (${all})`
  }
  const left = zones.matchedLabel
  const { isStrict, text, options } = rulings[index] as Ruling
  const reason = judge(query, left, options)
  const labels = Array.from({ length: left }, (_, i) => labelText(query, i))
  if (reason === POSSIBLE) return `${place(labels, options)} of ${text}, so it fits the schema`
  const misses = miss(labels, reason, text)
  if (served.has(query, left)) return `${misses}, but ${served.why(query, left)}`
  return isStrict
    ? `${misses}, so nobody can have published it in ${text}: NXDOMAIN`
    : `${misses}, but ${text} is not in strict and may be a real zone too, so it is counted and passes`
}

/** What a name that fits the schema may be, by its labels left of the zone. */
function place(labels: readonly string[], { isMultiCluster }: SchemaOptions): string {
  const [first = '', second = ''] = labels
  const word = labels.at(-1) ?? ''
  const namespace = labels.at(-2) ?? ''
  const third = labels.at(-3) ?? ''
  const service = `the service ${third} in the namespace ${namespace}`
  if (labels.length === 0) return 'it is the apex'
  if (labels.length === 1 || (word !== 'svc' && word !== 'pod')) return `${labels.join('.')} is one of the own names`
  if (labels.length === 2) return `it may be the namespace ${namespace}`
  if (word === 'pod') return `it may be the pod ${third} in the namespace ${namespace}, or stand below it,`
  if (labels.length === 3) return `it may be ${service}`
  if (labels.length === 4 && first.startsWith('_'))
    return `SRV names of ${service} may stand below it: ${first} is a protocol`
  if (labels.length === 4) return `it may be the endpoint ${first} of ${service}`
  if (labels.length > 5 || labels[1] === '_zone') return `it may pin or prefer a zone for ${service}`
  if (first.startsWith('_') && second.startsWith('_')) return `it may be the port ${first} over ${second} of ${service}`
  return isMultiCluster
    ? `it may be the endpoint ${first} in the cluster ${second} of ${service}`
    : `it may be the port ${first} over ${second} of ${service} (denyBarePorts is off)`
}

/** Why a name has no place in the schema. */
function miss(labels: readonly string[], reason: number, zone: string): string {
  if (reason === OUTSIDE) return `${labels.at(-1)} stands before ${zone}, where only svc and pod do`
  if (reason === NO_PORT)
    return `${labels[0]} and ${labels[1]} stand where the port and the protocol of a service do, and these begin with _`
  return `${labels.length} labels stand before ${zone}, more than any name there has`
}

/** One label as text, in lower case. */
function labelText(query: Query, label: number): string {
  const at = query.labels[label] as number
  const length = query.name[at] as number
  return nameToText(new Uint8Array([...query.name.subarray(at, at + length + 1), 0])).slice(0, -1)
}
