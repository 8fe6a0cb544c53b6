/**
 * A guard as the program builds it, from settings as an operator writes them, with its counters and replies at hand.
 */
import { strict as assert } from 'node:assert'
import { billNames, servedBelow } from '../../src/app/build-names.ts'
import { parseSettings } from '../../src/app/settings.ts'
import { seededRandom } from '../../src/base/random.ts'
import { createGuard, type Guard, type GuardDeps } from '../../src/guard/guard.ts'
import { compileLocal } from '../../src/guard/localAnswers/compile.ts'
import { planRules } from '../../src/guard/plan.ts'
import { ruleNames } from '../../src/guard/rules.ts'
import type { RuleEvent } from '../../src/link/messages.ts'
import { emptyPlan, type PlanData, type PrefixData, type UpstreamData } from '../../src/link/plan-data.ts'
import { rule as ruleCounters } from '../../src/metrics/catalog.ts'
import { type Counters, looseCounters } from '../../src/metrics/counters.ts'
import type { Draft } from '../../src/query/draft.ts'
import { LocalTable } from '../../src/query/local-table.ts'
import type { Query } from '../../src/query/query.ts'
import { Reply } from '../../src/query/reply.ts'
import { sealReply, writeReply } from '../../src/query/write-reply.ts'
import { nameToText, wireName } from '../../src/wire/text.ts'
import { type Message, parse } from './message.ts'

export interface GuardParts {
  /** The key `guard` of the configuration, rules that are left out being disabled. */
  readonly rules?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly mode?: 'enforce' | 'observe'
  readonly clusterDomains?: readonly string[]
  readonly searchSuffixes?: readonly string[]
  readonly routeZones?: readonly string[]
  /** The default route leads to a server of the LAN. */
  readonly hasPrivateUpstream?: boolean
  readonly files?: Readonly<Record<string, string>>
  readonly onLink?: readonly PrefixData[]
  /** The time, ms; it stands at 0, if not said. */
  readonly now?: () => number
}

export interface GuardBench {
  readonly guard: Guard
  readonly plan: PlanData
  readonly counters: Counters
  /** What rules said to the operator. */
  readonly events: RuleEvent[]
  /** Names that rules asked for on their own. */
  readonly asked: string[]
  /** What the rule counted in a field of its row (RULE_REPLIED …). */
  counted(rule: string, field: number): number
}

/**
 * @param memory shared memory by key; two guards that are given the same one are two shards
 * @param before the guard of the plan before
 */
export function guardOf(parts: GuardParts, memory = new Map<string, SharedArrayBuffer>(), before?: Guard): GuardBench {
  const plan = guardPlan(parts)
  const counters = looseCounters()
  const events: RuleEvent[] = []
  const asked: string[] = []
  const deps: GuardDeps = {
    clock: { now: parts.now ?? (() => 0) },
    random: seededRandom(7),
    counters,
    shared(key, bytes) {
      const block = memory.get(key) ?? new SharedArrayBuffer(bytes)
      memory.set(key, block)
      return block
    },
    isFirstShard: true,
    hashSeed: 7,
    ask(name, from, to) {
      asked.push(nameToText(name.slice(from, to)))
      return true
    },
    events: (event) => event.kind === 'rule' && events.push(event),
  }
  const guard = createGuard(plan, deps, before)
  const counted = (rule: string, field: number): number =>
    counters.lane[ruleCounters.at(ruleNames.indexOf(rule), field)] as number
  return { guard, plan, counters, events, asked, counted }
}

/** A table in which each of these names, absolute text, has a record. */
export function localTableOf(names: readonly string[]): LocalTable {
  const records = names.map((name) => `${name} A 10.0.0.1`)
  const none = { mode: 'enforce', hosts: [], specialUse: 'off', everything: 'off' } as const
  return new LocalTable(compileLocal({ ...none, records }, () => undefined))
}

export function guardPlan(parts: GuardParts): PlanData {
  const rules = Object.fromEntries(ruleNames.map((name) => [name, parts.rules?.[name] ?? { mode: 'disabled' }]))
  const written = { guard: { mode: parts.mode ?? 'enforce', ...rules }, clusterDomains: parts.clusterDomains ?? [] }
  const { settings, problems } = parseSettings(JSON.stringify(written), 'test.yaml')
  assert.ok(settings, problems.map(({ message }) => message).join('\n'))
  const files = parts.files ?? {}
  const zones = (parts.routeZones ?? []).map(wireName)
  const clusterDomains = settings.clusterDomains.map(wireName)
  const searchSuffixes = (parts.searchSuffixes ?? []).map(wireName)
  const { localAnswers } = settings.guard
  const local = localAnswers.mode === 'disabled' ? undefined : compileLocal(localAnswers, (path) => files[path])
  return {
    ...emptyPlan,
    upstreams: parts.hasPrivateUpstream ? [lanServer] : [],
    routes: [
      { name: '.', zones: [], upstreams: parts.hasPrivateUpstream ? [0] : [] },
      { name: 'test', zones, upstreams: [] },
    ],
    clusterDomains,
    searchSuffixes,
    local,
    servedBelow: servedBelow(zones, [...searchSuffixes, ...clusterDomains]),
    billNames: billNames([...searchSuffixes, ...clusterDomains], []),
    onLink: parts.onLink ?? [],
    rules: planRules({ ...settings.guard }),
  }
}

const lanServer: UpstreamData = {
  name: '192.168.1.1:53',
  transport: 'udp',
  address: Uint8Array.of(192, 168, 1, 1),
  port: 53,
  scope: 0,
  isPrivate: true,
}

/** The draft as the client of `query` gets it, read back by the tests' own parser. */
export function replyTo(query: Query, draft: Draft, limit = 65_535): Message {
  const reply = new Reply()
  reply.bytes = new Uint8Array(65_600).fill(0xee)
  reply.at = 7
  reply.limit = limit
  writeReply(query, draft, 0, reply)
  sealReply(query, draft, reply)
  return parse(Buffer.from(reply.bytes.subarray(reply.at, reply.at + reply.length)))
}
