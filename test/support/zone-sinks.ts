/** The same records for two kinds of servers: as lines of dnsmasq's configuration, and as zone files of unbound. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Takes records, writes what a server reads. Names are without the last dot. */
export interface Sink {
  host(name: string, addresses: readonly string[], ttl?: number): void
  /** The name and all below it. */
  wild(name: string, addresses: readonly string[]): void
  alias(name: string, target: string): void
  service(name: string, target: string, port: number): void
  text(name: string, word: string): void
}

/** dnsmasq denies what it was not told of, without an SOA; its own names have TTL 0 unless a line says more. */
export class DnsmasqSink implements Sink {
  readonly lines: string[] = ['local=/example.org/', 'local=/cluster.local/', 'address=/#/', 'cache-size=0']

  host(name: string, addresses: readonly string[], ttl?: number): void {
    this.lines.push(`host-record=${[name, ...addresses, ...(ttl === undefined ? [] : [ttl])].join(',')}`)
  }

  wild(name: string, addresses: readonly string[]): void {
    for (const address of addresses) this.lines.push(`address=/${name}/${address}`)
  }

  alias(name: string, target: string): void {
    this.lines.push(`cname=${name},${target}`)
  }

  service(name: string, target: string, port: number): void {
    this.lines.push(`srv-host=${name},${target},${port}`)
  }

  text(name: string, word: string): void {
    this.lines.push(`txt-record=${name},"${word}"`)
  }
}

/** Zones of unbound, each with its own SOA; a record stands in the longest zone that it is below. */
export class ZoneSink implements Sink {
  readonly #zones: ReadonlyMap<string, string[]>

  /** @param zones without the last dot; the root is '' */
  constructor(zones: readonly string[]) {
    this.#zones = new Map(
      zones.map((zone) => [
        zone,
        [
          `${zone}. 300 SOA ns.${dotted(zone)} root.${dotted(zone)} 1 7200 3600 86400 60`,
          `${zone}. 300 NS ns.${dotted(zone)}`,
        ],
      ]),
    )
  }

  host(name: string, addresses: readonly string[], ttl = 300): void {
    for (const address of addresses) {
      this.record(name, `${name}. ${ttl} ${address.includes(':') ? 'AAAA' : 'A'} ${address}`)
    }
  }

  wild(name: string, addresses: readonly string[]): void {
    this.host(name, addresses, 120)
    for (const address of addresses) {
      this.record(name, `*.${name}. 120 ${address.includes(':') ? 'AAAA' : 'A'} ${address}`)
    }
  }

  alias(name: string, target: string): void {
    this.record(name, `${name}. 60 CNAME ${target}.`)
  }

  service(name: string, target: string, port: number): void {
    this.record(name, `${name}. 60 SRV 0 5 ${port} ${target}.`)
  }

  text(name: string, word: string): void {
    this.record(name, `${name}. 60 TXT "${word}"`)
  }

  record(name: string, line: string): void {
    for (let zone = name; ; zone = zone.slice(zone.indexOf('.') + 1)) {
      const lines = this.#zones.get(zone)
      if (lines !== undefined) {
        lines.push(line)
        return
      }
      if (!zone.includes('.')) break
    }
    ;(this.#zones.get('') as string[]).push(line)
  }

  /** Writes the files and gives the clauses that name them. */
  clauses(folder: string): string {
    return [...this.#zones]
      .map(([zone, lines], i) => {
        const file = join(folder, `zone${i}`)
        writeFileSync(file, `${lines.join('\n')}\n`)
        const answersOnly = 'for-downstream: yes\n  for-upstream: no\n  fallback-enabled: no'
        return `auth-zone:\n  name: "${zone}."\n  zonefile: "${file}"\n  ${answersOnly}\n`
      })
      .join('')
  }
}

function dotted(zone: string): string {
  return zone === '' ? '' : `${zone}.`
}
