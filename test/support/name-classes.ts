/**
 * The names of the differential run, by class: what a LAN and a cluster hold, what search lists make of it, and what is odd but legal. Each
 * class gives its server the records that it needs, and the questions to ask.
 */
import type { Random } from '../../src/base/random.ts'
import type { Asked } from './flood.ts'
import type { Sink } from './zone-sinks.ts'

export interface Classified extends Asked {
  readonly group: string
}

/** Search suffixes, all of them real zones. */
export const suffixes = ['example.org', 'corp.example.net', 'lab.example.net', 'wild.example.net']
/** One that all own, one of a single label, and one that is delegated in public. */
export const clusterDomains = ['cluster.local', 'k8s', 'k8s.example.com']
export const tops = ['com', 'net', 'org', 'io', 'dev', 'de', 'info', 'app']

/** Of eight questions one has DO set, and of six names one is written with capitals. */
const dnssecOneIn = 8
const capitalsOneIn = 6

export class NameClasses {
  readonly questions: Classified[] = []
  private readonly sink: Sink
  private readonly random: Random
  private readonly names = new Set<string>()
  private made = 0

  constructor(sink: Sink, random: Random) {
    this.sink = sink
    this.random = random
  }

  get nameCount(): number {
    return this.names.size
  }

  /** All classes that any server can hold, about `share` × 100 names of them. */
  addAll(share: number): void {
    this.hosts(16 * share)
    this.belowMissing('listed', 'corp.example.net', ['com', 'net', 'org'], 6 * share)
    this.belowMissing('elsewhere', 'lab.example.net', ['rack', 'printers', 'de', 'io', 'a-b'], 10 * share)
    this.aliases(8 * share)
    this.wildcards(7 * share)
    this.services(7 * share)
    this.odd(10 * share)
    this.clusters(22 * share)
    this.junk(10 * share)
    this.searchWalk(12 * share)
  }

  ask(group: string, name: string, ...types: string[]): void {
    this.names.add(name)
    const written = this.random.u32() % capitalsOneIn === 0 ? capitals(name) : name
    for (const type of types) {
      const dnssecOk = this.random.u32() % dnssecOneIn === 0
      this.questions.push({ group, name: written, type, dnssecOk })
    }
  }

  /** Questions with DO set. */
  proof(group: string, name: string, ...types: string[]): void {
    this.names.add(name)
    for (const type of types) this.questions.push({ group, name, type, dnssecOk: true })
  }

  word(length = 7): string {
    this.made++
    let text = ''
    while (text.length < length) text += String.fromCharCode(97 + (this.random.u32() % 26))
    return `${text}${this.made.toString(36)}`
  }

  pick<T>(list: readonly T[]): T {
    return list[this.random.u32() % list.length] as T
  }

  /** Addresses of one family, of the other, or of both. */
  addresses(): string[] {
    const v4 = `192.0.2.${1 + (this.random.u32() % 250)}`
    const v6 = `2001:db8::${(1 + (this.random.u32() % 0xfffe)).toString(16)}`
    return this.pick([[v4], [v6], [v4, v6], [v4]])
  }

  hosts(count: number): void {
    for (let i = 0; i < count; i++) {
      const name = `${this.word()}.${this.pick([...suffixes.slice(0, 3), 'example.com', 'shop.example.net'])}`
      if (i % 4 === 3) {
        this.ask('missing', name, 'A', 'AAAA')
        continue
      }
      this.sink.host(name, this.addresses(), this.pick([undefined, 0, 1, 3600]))
      this.ask('host', name, ...this.pick([['A'], ['AAAA'], ['AAAA', 'A'], ['TXT', 'A'], ['A', 'MX', 'AAAA']]))
    }
  }

  /** Of four names below parents that may be missing one exists, with all below it. */
  private belowMissing(group: string, suffix: string, parents: readonly string[], count: number): void {
    for (let i = 0; i < count; i++) {
      const name = `${this.word()}.${this.pick(parents)}.${suffix}`
      if (i % 4 === 1) this.sink.wild(name, this.addresses())
      this.ask(
        `below-missing-${group}`,
        i % 8 === 5 ? `deep.er.${name}` : name,
        ...this.pick([['A'], ['AAAA', 'A'], ['A', 'TXT']]),
      )
    }
  }

  private aliases(count: number): void {
    for (let i = 0; i < count; i++) {
      const zone = this.pick(suffixes.slice(0, 3))
      const name = `alias-${this.word()}.${zone}`
      const target = `${this.word()}.${this.pick([zone, zone, 'example.com', 'nowhere.example'])}`
      if (i % 3 === 0) this.sink.host(target, this.addresses(), 30)
      if (i % 4 === 0) {
        this.sink.alias(name, `mid-${target}`)
        this.sink.alias(`mid-${target}`, target)
      } else this.sink.alias(name, target)
      this.ask(
        i % 3 === 0 ? 'alias' : 'alias-dangling',
        name,
        ...this.pick([['A'], ['AAAA', 'A'], ['A', 'CNAME', 'TXT']]),
      )
    }
  }

  private wildcards(count: number): void {
    const zones = ['pool.example.org', 'six.lab.example.net', 'any.shop.example.net', 'wild.example.net']
    zones.forEach((zone, i) => {
      this.sink.wild(zone, [['192.0.2.66'], ['2001:db8::66'], ['192.0.2.67', '2001:db8::67'], ['192.0.2.68']][i] ?? [])
    })
    for (let i = 0; i < count; i++) {
      const left = this.pick([this.word(), `a.${this.word()}`, `_x._tcp.${this.word()}`, `${this.word()}.com`])
      this.ask('wildcard', `${left}.${this.pick(zones)}`, ...this.pick([['A'], ['AAAA', 'A'], ['TXT', 'AAAA']]))
    }
  }

  private services(count: number): void {
    for (let i = 0; i < count; i++) {
      const zone = this.pick(suffixes.slice(0, 3))
      const host = `${this.word()}.${zone}`
      const service = `${this.pick(['_ldap', '_sip', '_xmpp-server'])}._tcp.${this.word()}.${zone}`
      if (i % 5 !== 4) {
        this.sink.service(service, host, 1 + (i % 60_000))
        if (i % 2 === 0) this.sink.host(host, this.addresses())
      }
      this.ask('service', service, ...this.pick([['SRV'], ['A', 'SRV'], ['SRV', 'AAAA', 'A']]))
      // An SRV name's parent is often denied, although names stand below it.
      if (i % 3 === 0) this.ask('service-parent', service.slice(service.indexOf('.') + 1), 'SRV', 'A')
      const text = `${this.pick(['_dmarc', '_acme-challenge', '_x'])}.${this.word()}.${this.pick(['com', 'srv'])}.${zone}`
      if (i % 2 === 0) this.sink.text(text, `word ${i}`)
      this.ask('underscore', text, ...this.pick([['TXT'], ['A', 'TXT'], ['TXT', 'AAAA']]))
    }
  }

  private odd(count: number): void {
    this.sink.wild('odd.example.org', ['192.0.2.70', '2001:db8::70'])
    for (let i = 0; i < count; i++) {
      const below = this.pick(['odd.example.org', 'odd.example.org', 'no.example.org', 'pool.example.org'])
      const forms: [string, string][] = [
        ['idn', `xn--${this.word(5)}-kva.${below}`],
        ['utf-8', `\\195\\188${this.word(4)}.${below}`],
        ['253-bytes', longest(this.word(), below)],
        ['digits', `${i}.${this.random.u16()}.${below}`],
        ['hyphens', `-${this.word()}-.--.${below}`],
      ]
      const [group, name] = this.pick(forms)
      this.ask(group, name, ...this.pick([['A'], ['AAAA', 'A'], ['A', 'TXT']]))
    }
  }

  /** What a cluster's zone may hold, zones that are real as well, and public names with a cluster domain in the middle. */
  private clusters(count: number): void {
    for (const zone of clusterDomains) this.sink.wild(`apps.prod.svc.${zone}`, ['10.0.0.1'])
    for (let i = 0; i < count; i++) {
      const zone = this.pick(clusterDomains)
      const exists = i % 3 !== 0
      const service = `${this.word(4)}.${this.pick(['default', 'prod', 'com', '9'])}.svc.${zone}`
      const free = `${this.pick(['api', 'registry', 'www.shop', 'a.b.c.d', 'google.com', 'x.svc.y'])}${this.made++}.${zone}`
      const public_ = `${this.word(3)}.${zone}${this.pick(['.io', '.dev', '.edgekey.net', '.example.com', '.de.example.net'])}`
      const forms: [string, string][] = [
        [`service-${zone}`, service],
        [`endpoint-${zone}`, `10-0-0-${i % 250}.${service}`],
        [`external-${zone}`, `google${i}.${this.pick(['com', 'net', 'io'])}.${this.pick(['', 'default.'])}svc.${zone}`],
        [`schema-only-${zone}`, `${this.word(3)}.apps.prod.svc.${zone}`],
        ...(zone === 'cluster.local'
          ? []
          : ([
              [`free-${zone}`, free],
              [`public-${zone}`, public_],
              [`public-${zone}`, public_],
            ] as [string, string][])),
      ]
      const [group, name] = this.pick(forms)
      if (exists && !group.startsWith('external')) this.sink.host(name, this.addresses(), this.pick([undefined, 5]))
      this.ask(group, name, ...this.pick([['A'], ['AAAA', 'A'], ['A', 'SRV']]))
      if (i % 9 === 0) {
        const port = `_http._tcp.${service}`
        this.sink.service(port, service, 80)
        this.ask(`port-${zone}`, port, 'SRV', 'A')
      }
      if (i % 9 === 1)
        this.ask(
          `impossible-${zone}`,
          `${this.pick(['www.google.com', 'x.y.z.w'])}.${this.pick(['', 'default.svc.'])}${zone}`,
          'A',
          'AAAA',
        )
    }
  }

  private junk(count: number): void {
    for (let i = 0; i < count; i++) {
      const zone = this.pick(clusterDomains)
      const name = `${this.word(4)}.default.svc.${zone}.${this.pick([...suffixes, 'unknown.example'])}`
      this.ask('junk', name, ...this.pick([['A'], ['A', 'AAAA'], ['AAAA', 'A', 'SRV']]))
    }
  }

  /** External names, each below all that a pod's search list may hold, and as it is. */
  private searchWalk(count: number): void {
    const lists = [...suffixes.slice(0, 3), 'svc.cluster.local', 'default.svc.cluster.local', '']
    for (let i = 0; i < count / lists.length; i++) {
      const name = `${this.pick(['www', 'api', 'a.b'])}.${this.word()}.${this.pick(tops)}`
      if (i % 4 !== 0) this.sink.host(name, this.addresses(), this.pick([undefined, 60]))
      for (const one of lists) this.ask('search-walk', one === '' ? name : `${name}.${one}`, 'A', 'AAAA')
    }
  }
}

/** Every other letter, as resolvers do that mix letter case against forged answers; escapes have none. */
function capitals(name: string): string {
  return name.replace(/[a-z](?=[^.]*\.)/g, (letter, at: number) => (at % 2 === 0 ? letter.toUpperCase() : letter))
}

/** A name of 253 characters, 255 bytes on the wire: no name is longer. */
function longest(word: string, below: string): string {
  let name = below
  for (let left = 253 - below.length; left > 0; left = 253 - name.length) {
    // Never so that a label of no letters would be left.
    const length = left <= 64 ? left - 1 : Math.min(63, left - 3)
    name = `${word.repeat(10).slice(0, length)}.${name}`
  }
  return name
}
