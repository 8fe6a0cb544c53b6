import { gauges } from '../../metrics/catalog.ts'
import type { Probed } from '../../query/probed.ts'
import { writeHex } from '../../wire/hex.ts'
import { KIND_FAILURE, KIND_NXDOMAIN, KIND_REFERRAL } from '../../wire/kind.ts'
import { nameToText } from '../../wire/text.ts'
import type { Host } from '../rule.ts'

/** How often a suffix is looked at again, in ms: wildcards come and go with zone files. */
const probeEveryMs = 300_000
/** After a probe that brought nothing. */
const retryMs = 30_000
/** A random label of 64 bits: nobody can have it, and no parent's denial is asked for in its place. */
const labelBytes = 17

/**
 * Does every name below a search suffix exist? A wildcard there (`*.example.org`) answers junk with an address, and whoever believes it talks
 * to the wrong server (FIELD 6). Names that are junk by form get NXDOMAIN all the same; this tells the operator.
 */
export class Wildcards {
  private readonly host: Host
  private readonly suffixes: readonly Uint8Array[]
  private readonly dueAt: Float64Array
  private readonly isWild: Uint8Array
  private readonly names: readonly Uint8Array[]
  private next = 0

  constructor(host: Host) {
    this.host = host
    // A suffix so long that no label fits before it makes no names either.
    this.suffixes = host.isFirstShard
      ? host.names.searchSuffixes.names.filter(({ length }) => length + labelBytes <= 255)
      : []
    this.dueAt = new Float64Array(this.suffixes.length)
    this.isWild = new Uint8Array(this.suffixes.length)
    this.names = this.suffixes.map((suffix) => {
      const name = new Uint8Array(labelBytes + suffix.length)
      name[0] = labelBytes - 1
      name.set(suffix, labelBytes)
      return name
    })
  }

  /** After a reload: what was found is not said again. */
  adopt(before: Wildcards): void {
    this.suffixes.forEach((suffix, at) => {
      const was = before.suffixes.findIndex((other) => Buffer.compare(suffix, other) === 0)
      if (was === -1) return
      this.isWild[at] = before.isWild[was] as number
      this.dueAt[at] = before.dueAt[was] as number
    })
    this.gauge()
  }

  /** One probe at a time, one suffix after the other. */
  idle(now: number): void {
    const { suffixes, dueAt, host } = this
    if (suffixes.length === 0) return
    const at = this.next
    this.next = (at + 1) % suffixes.length
    if (now < (dueAt[at] as number)) return
    const name = this.names[at] as Uint8Array
    writeHex(name, 1, host.random.u32())
    writeHex(name, 9, host.random.u32())
    const jitter = 0.9 + (host.random.u16() / 65_535) * 0.2
    dueAt[at] = now + (host.ask(name, 0, name.length, now) ? probeEveryMs * jitter : retryMs)
  }

  probed(probed: Probed, now: number): void {
    const { name, nameLength, kind, answers } = probed
    for (let at = 0; at < this.names.length; at++) {
      if (!isSame(this.names[at] as Uint8Array, name, nameLength)) continue
      this.host.savings.spent(probed)
      if (kind === KIND_FAILURE || kind === KIND_REFERRAL) this.dueAt[at] = now + retryMs
      else this.judge(at, kind !== KIND_NXDOMAIN || answers > 0)
    }
  }

  private judge(at: number, isWild: boolean): void {
    if ((this.isWild[at] === 1) === isWild) return
    this.isWild[at] = isWild ? 1 : 0
    const { host } = this
    this.gauge()
    const suffix = nameToText(this.suffixes[at] as Uint8Array)
    const then = this.isServed(this.suffixes[at] as Uint8Array)
      ? 'they pass, since a route or a local answer says that somebody serves names there'
      : 'what is junk by form gets NXDOMAIN all the same'
    const sentence = isWild
      ? `every name below ${suffix} exists (a wildcard), also those that only search lists make: ${then}`
      : `names below ${suffix} no longer all exist: the wildcard is gone`
    host.event({
      state: isWild ? 'begin' : 'end',
      level: isWild ? 'warn' : 'info',
      subject: suffix,
      sentence,
      figures: {},
    })
  }

  /** Then nothing below it is junk by form. */
  private isServed(suffix: Uint8Array): boolean {
    const labels: number[] = []
    for (let at = 0; suffix[at] !== 0; at += (suffix[at] as number) + 1) labels.push(at)
    const name = { name: suffix, nameLength: suffix.length, labels: Uint8Array.from(labels), labelCount: labels.length }
    const { routeZones, localNames } = this.host.names
    return routeZones.longestSuffix(name) !== -1 || localNames.labelOf(name) !== -1
  }

  private gauge(): void {
    if (!this.host.isFirstShard) return
    this.host.counters.set(
      gauges.wildcards,
      this.isWild.reduce((sum, one) => sum + one, 0),
    )
  }
}

function isSame(own: Uint8Array, name: Uint8Array, length: number): boolean {
  if (own.length !== length) return false
  for (let i = 0; i < length; i++) if (own[i] !== name[i]) return false
  return true
}
