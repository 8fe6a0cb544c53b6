/**
 * What dnsweir must answer, said a second time: from what the bare upstream answers, and from the specification of the rules. It shares no
 * code with src/.
 */
import type { Asked } from './flood.ts'
import { type Message, RCODES, type Rr, typeNumber } from './message.ts'

export interface ModelSettings {
  readonly clusterDomains: readonly string[]
  readonly searchSuffixes: readonly string[]
  readonly parents: readonly string[]
  readonly cutElsewhere: boolean
  readonly strip: boolean
  readonly aaaaFilter: boolean
}

export interface Outcome {
  readonly rcode: number
  readonly answers: readonly Rr[]
  /** The upstream's authority section, where the answer is the upstream's; else the denial is ours. */
  readonly authority?: readonly Rr[]
}

export interface Expected {
  readonly outcome: Outcome
  /** What it may be in place of that: the name is below a missing parent of which names are cut. */
  readonly cut?: Outcome
}

type Bare = (asked: Asked) => Message | undefined

/** Thrown where an answer of the bare upstream is not there yet. */
export class Wanted {
  readonly asked: Asked
  constructor(asked: Asked) {
    this.asked = asked
  }
}

const denial: Outcome = { rcode: RCODES.NXDOMAIN, answers: [] }
const ttlMax = 0xffffffff

export class Model {
  private readonly settings: ModelSettings
  private readonly bare: Bare

  constructor(settings: ModelSettings, bare: Bare) {
    this.settings = settings
    this.bare = bare
  }

  expect(asked: Asked): Expected {
    const name = asked.name.toLowerCase()
    const outcome = this.answer({ ...asked, name })
    if (asked.dnssecOk || !this.isBelowMissing(name)) return { outcome }
    return { outcome, cut: this.stripped({ ...asked, name }, denial) }
  }

  private answer(asked: Asked): Outcome {
    const found = this.lookUp(asked)
    const isDenied = found.rcode === RCODES.NXDOMAIN && found.answers.length === 0
    return isDenied ? this.stripped(asked, found) : found
  }

  /** The name itself, nothing stripped. */
  private lookUp({ name, type, dnssecOk = false }: Asked): Outcome {
    const { settings } = this
    const zone = longest(settings.clusterDomains, name)
    if (!dnssecOk && this.junkSuffix(name) !== undefined) return denial
    if (zone === 'cluster.local' && isImpossible(labelsOf(name).slice(0, -2))) return denial
    if (settings.aaaaFilter && type === 'AAAA' && !dnssecOk && zone === undefined) {
      const { rcode, answers } = this.ask({ name, type: 'A' })
      return { rcode, answers: answers.filter((one) => one.type !== typeNumber('A')) }
    }
    return this.ask({ name, type, dnssecOk })
  }

  private stripped({ name, type, dnssecOk }: Asked, denied: Outcome): Outcome {
    const suffix = longest(this.settings.searchSuffixes, name) ?? this.junkSuffix(name)
    if (!this.settings.strip || dnssecOk || suffix === undefined) return denied
    const real = labelsOf(name).slice(0, -labelsOf(suffix).length)
    if (real.length < 2) return denied
    const found = this.lookUp({ name: real.join('.'), type })
    // The name as asked is known not to exist, so a failure of the other one is no reason to fail.
    if (found.rcode !== RCODES.NOERROR && found.rcode !== RCODES.NXDOMAIN) return denial
    const alias: Rr = { name: `${name}.`, type: typeNumber('CNAME'), class: 1, ttl: ttlMax, data: `${real.join('.')}.` }
    return { rcode: found.rcode, answers: [alias, ...found.answers] }
  }

  /** S of L.Z.S (FIELD 2). */
  private junkSuffix(name: string): string | undefined {
    const { clusterDomains, searchSuffixes } = this.settings
    const labels = labelsOf(name)
    // The shortest Z.S, if there are several.
    for (let s = labels.length - 1; s > 1; s--) {
      for (const zone of clusterDomains) {
        const length = labelsOf(zone).length
        const z = s - length
        if (z < 1 || labels.slice(z, s).join('.') !== zone) continue
        const suffix = labels.slice(s).join('.')
        const isPrivate = length > 1 && /\.(local|internal)$/.test(zone) && /^(svc|pod)$/.test(labels[z - 1] ?? '')
        if (!searchSuffixes.includes(suffix) && !isPrivate) continue
        if (clusterDomains.some((other) => other !== zone && isBelow(name, other))) continue
        return suffix
      }
    }
    return undefined
  }

  /** Is it below a parent that the cut asks for, and is that parent missing? */
  private isBelowMissing(name: string): boolean {
    const parent = this.parentOf(name)
    if (parent === undefined) return false
    const { rcode, answers } = this.ask({ name: parent, type: 'A' })
    return rcode === RCODES.NXDOMAIN && answers.length === 0
  }

  private parentOf(name: string): string | undefined {
    const { clusterDomains, searchSuffixes, parents, cutElsewhere } = this.settings
    const labels = labelsOf(name)
    const zone = longest(clusterDomains, name)
    if (zone !== undefined) {
      const svc = labels.length - labelsOf(zone).length - 1
      if (labels[svc] !== 'svc') return undefined
      const at = [svc - 1, svc - 2].find((i) => i > 0 && parents.includes(labels[i] as string))
      return at === undefined ? undefined : labels.slice(at).join('.')
    }
    const suffix = longest(searchSuffixes, name)
    if (suffix === undefined) return undefined
    const at = labels.length - labelsOf(suffix).length - 1
    const label = labels[at]
    if (at < 1 || label === undefined || label.startsWith('_')) return undefined
    return parents.includes(label) || cutElsewhere ? labels.slice(at).join('.') : undefined
  }

  private ask(asked: Asked): Outcome {
    const message = this.bare(asked)
    if (message === undefined) throw new Wanted(asked)
    return message
  }
}

/** Labels left of `cluster.local` that have no place in the schema of Kubernetes names (FIELD 2). */
function isImpossible(labels: readonly string[]): boolean {
  if (labels.length === 0 || ['dns-version', 'ns.dns', 'dns'].includes(labels.join('.'))) return false
  const last = labels.at(-1)
  if (last === 'pod') return false
  if (last !== 'svc' || labels.length > 5) return true
  return labels.length === 5 && !(labels[0]?.startsWith('_') && labels[1]?.startsWith('_'))
}

/** Text to labels; an escaped dot is none. */
export function labelsOf(name: string): string[] {
  return name.match(/(?:\\\d{3}|\\.|[^.\\])+/g) ?? []
}

function longest(zones: readonly string[], name: string): string | undefined {
  return zones.filter((zone) => isBelow(name, zone)).sort((a, b) => b.length - a.length)[0]
}

function isBelow(name: string, zone: string): boolean {
  return name === zone || name.endsWith(`.${zone}`)
}
