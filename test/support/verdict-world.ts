/** What the resolvers behind the verdict table's program know: test/contract/verdicts/world.txt. */
import type { ReplyParts } from './message.ts'
import { readText } from './verdicts.ts'

interface Owned {
  readonly type: string
  readonly text: string
  readonly data: string
}

/** Records, zones, and what a server says against RFC 8020. All names lower case, without final dot. */
export class VerdictWorld {
  private readonly records = new Map<string, Owned[]>()
  /** Zones whose denials carry an SOA; others carry none. */
  private readonly zones = new Set<string>()
  /** Denied, whatever is below. */
  private readonly missing = new Set<string>()
  private readonly failing = new Set<string>()

  constructor() {
    for (const line of readText('world.txt').split('\n')) {
      const [first = '', second = '', type = '', ...data] = line.split(/ +/)
      if (first === 'zone') this.zones.add(second)
      else if (first === 'missing') this.missing.add(second)
      else if (first === 'fails') this.failing.add(second)
      else if (type !== '') {
        const list = this.records.get(first) ?? []
        this.records.set(first, [...list, { type, text: `${second} ${type} ${data.join(' ')}`, data: data[0] ?? '' }])
      }
    }
  }

  /** The answer, with AD, so that it is seen where a reply of our own would keep it. */
  answer(name: string, type: string): ReplyParts {
    if (this.failing.has(name)) return { rcode: 2 }
    const answers: string[] = []
    let here = name
    for (;;) {
      const own = this.at(here)
      const alias = type === 'CNAME' ? undefined : own?.find((one) => one.type === 'CNAME')
      const found = alias === undefined ? (own ?? []).filter((one) => one.type === type) : [alias]
      answers.push(...found.map(({ text }) => `${here} ${text}`))
      if (alias === undefined) {
        const authority = found.length === 0 ? this.soaOf(here) : []
        return { rcode: own === undefined ? 3 : 0, answers, authority, ad: true }
      }
      here = alias.data
    }
  }

  /** Undefined for a name that does not exist; a wildcard covers all that is below its parent (RFC 4592). */
  private at(name: string): readonly Owned[] | undefined {
    const own = this.records.get(name)
    if (own !== undefined) return own
    if (this.missing.has(name)) return undefined
    if ([...this.records.keys()].some((known) => known.endsWith(`.${name}`))) return []
    if (this.zones.has(name)) return []
    return ancestors(name)
      .map((above) => this.records.get(`*.${above}`))
      .find((found) => found !== undefined)
  }

  private soaOf(name: string): string[] {
    const zone = [name, ...ancestors(name)].find((above) => this.zones.has(above))
    return zone === undefined ? [] : [`${zone} 60 SOA ns.${zone} root.${zone} 1 7200 3600 86400 60`]
  }
}

function ancestors(name: string): string[] {
  const labels = name.split('.')
  return labels.slice(1).map((_, i) => labels.slice(i + 1).join('.'))
}
