import { cuts as events } from '../../metrics/catalog.ts'
import type { Probed } from '../../query/probed.ts'
import type { Query } from '../../query/query.ts'
import { nameToText } from '../../wire/text.ts'
import type { Host } from '../rule.ts'
import { Cuts, EXISTS, MISSING, UNKNOWN } from './cuts.ts'
import type { Judge } from './judge.ts'
import type { Scopes } from './scopes.ts'
import { NO_SCOPE } from './scopes.ts'
import type { CutSettings } from './settings.ts'

/** Parents that are watched, in each shard. */
export const watchedMax = 128
/** So many denials below a parent make it worth a question of our own. */
const denialsMin = 20
/** Between two of those, in ms: watching must cost next to nothing. */
const askEveryMs = 1000
/** Between two sentences about them, in ms. */
const sayEveryMs = 60_000
/** Denials looked at between two calls of `refill`, a tenth of a second: a flood of them pays next to nothing. */
const looksMax = 50
/** How long an answer is awaited, in ms. */
const awaitMs = 5000

/** Where cuts are only observed: asks for a parent once many names below it were denied, and counts what a cut would have held back. */
export class Watch {
  private readonly settings: CutSettings
  private readonly host: Host
  private readonly scopes: Scopes
  private readonly judge: Judge
  readonly parents: Cuts
  private looksLeft = looksMax
  private askAt = 0
  private sayAt = 0

  constructor(settings: CutSettings, host: Host, scopes: Scopes, judge: Judge) {
    this.settings = settings
    this.host = host
    this.scopes = scopes
    this.judge = judge
    this.parents = new Cuts(watchedMax, host.hashSeed)
  }

  /** About ten times a second. */
  refill(): void {
    this.looksLeft = looksMax
  }

  /** The query's name does not exist, somebody says. */
  denied(query: Query): void {
    if (this.looksLeft === 0) return
    this.looksLeft--
    const { parents, scopes, host } = this
    if (query.dry === 1 || query.dnssecOk === 1 || query.checkingDisabled === 1) return
    const scope = scopes.find(query)
    if (scope === NO_SCOPE || !this.isObserved(scopes.isElsewhere)) return
    const now = query.receivedAt
    const from = query.labels[scopes.label] as number
    const slot = parents.take(query.name, from, query.nameLength)
    parents.scope[slot] = scope
    parents.seen[slot] = (parents.seen[slot] as number) + 1
    const state = parents.stateAt(slot, now)
    if (state === MISSING) host.counters.add(events.wouldCut)
    if (state !== UNKNOWN || (parents.seen[slot] as number) < denialsMin || now < this.askAt) return
    this.askAt = now + askEveryMs
    if (!host.ask(query.name, from, query.nameLength, now)) return
    host.counters.add(events.probed)
    parents.learn(slot, EXISTS, awaitMs / 1000, now)
  }

  probed(probed: Probed, now: number): void {
    const { parents, host } = this
    const slot = parents.find(probed.name, 0, probed.nameLength)
    if (slot === -1) return
    this.judge.learn(parents, slot, probed, now)
    if (parents.state[slot] !== MISSING || now < this.sayAt) return
    this.sayAt = now + sayEveryMs
    const parent = nameToText(probed.name.slice(0, probed.nameLength))
    const denials = parents.seen[slot] as number
    const sentence = `${parent} does not exist, and ${denials} questions below it were denied upstream: a cut would answer them here`
    host.event({ state: 'note', level: 'info', subject: parent, sentence, figures: { denials } })
  }

  private isObserved(isElsewhere: boolean): boolean {
    return this.host.observed || (isElsewhere && this.settings.elsewhere === 'observe')
  }
}
