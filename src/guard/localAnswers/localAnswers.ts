import { NameSet } from '../../query/name-set.ts'
import type { Query } from '../../query/query.ts'
import { PASS, REPLY } from '../../query/verdict.ts'
import { Ede, Rcode, Type } from '../../wire/codes.ts'
import { AA } from '../../wire/header.ts'
import { addressFromText } from '../../wire/text.ts'
import { clusterNegativeTtlMax, draftNegative, negativeTtlDefault } from '../negative.ts'
import type { Host, PlanNames, Rule, RuleKind } from '../rule.ts'
import { draftAnswer, draftBytesFor } from './answer.ts'
import { explainLocal } from './explain.ts'
import { localRecords, wireName } from './records.ts'
import { type EverythingSettings, type LocalAnswersSettings, localAnswersSettings } from './settings.ts'
import { type LocalName, LocalTree, type RRset } from './tree.ts'

/** Answers from configuration alone: the operator's records and hosts files, special-use names, or everything. */
export const localAnswers: RuleKind<LocalAnswersSettings> = {
  name: 'localAnswers',
  settings: localAnswersSettings,
  create,
}

function create(settings: LocalAnswersSettings, host: Host): Rule {
  const { draft, names } = host
  const tree = new LocalTree(localRecords(settings, (path) => host.files(path)))
  const anyName = settings.everything === 'off' ? undefined : everything(settings.everything)
  const anyNameTtl = settings.everything === 'off' ? 0 : secondsOf(settings.everything.ttl)
  const denied = new NameSet(deniedNames.map(wireName))
  draft.bytes = new Uint8Array(draftBytesFor([...tree.sets(), ...(anyName?.sets ?? [])]))

  return {
    check(query) {
      const local = tree.find(query.name, query.nameLength, query.labels, query.labelCount)
      if (local !== undefined && !(local.builtIn && isServedElsewhere(query, names))) {
        draftAnswer(draft, query, local, negativeTtlOf(query, names))
        return REPLY
      }
      if (anyName !== undefined) {
        draftAnswer(draft, query, anyName, anyNameTtl)
        return REPLY
      }
      if (query.labelCount === 0) return PASS
      const top = query.labels[query.labelCount - 1] as number
      if (denied.find(query.name, top, query.nameLength) === -1 || isServedElsewhere(query, names)) return PASS
      draftNegative(draft, Rcode.NXDOMAIN, query.labelCount > 1 ? top : query.nameLength - 1, negativeTtlDefault)
      draft.flags = AA
      draft.ede = Ede.BLOCKED
      draft.edeText = edeText
      return REPLY
    },

    explain(query, verdict) {
      const local = tree.find(query.name, query.nameLength, query.labels, query.labelCount)
      return explainLocal(query, verdict, local, anyName !== undefined)
    },
  }
}

const edeText = new TextEncoder().encode('localAnswers: this top-level name exists for nobody')

/**
 * Top-level names that exist for nobody, or not in the DNS: RFC 6761 section 6.4, RFC 7686 section 2, RFC 9476 section
 * 2.
 */
const deniedNames = ['invalid', 'onion', 'alt']

/**
 * Has the operator said by a route, a cluster domain or a suffix that somebody else knows the name (a Tor proxy for
 * onion)?
 */
function isServedElsewhere(query: Query, { routeZones, clusterDomains, searchSuffixes }: PlanNames): boolean {
  return (
    routeZones.longestSuffix(query) !== -1 ||
    clusterDomains.longestSuffix(query) !== -1 ||
    searchSuffixes.longestSuffix(query) !== -1
  )
}

function negativeTtlOf(query: Query, { clusterDomains }: PlanNames): number {
  return clusterDomains.longestSuffix(query) === -1 ? negativeTtlDefault : clusterNegativeTtlMax
}

/** One name that stands for all. */
function everything({ a, aaaa, ttl }: EverythingSettings): LocalName {
  const set = (type: number, address: string): RRset => ({
    type,
    ttl: secondsOf(ttl),
    rdatas: [addressFromText(address) as Uint8Array],
    turn: 0,
  })
  return { sets: [set(Type.A, a), set(Type.AAAA, aaaa)], alias: undefined, builtIn: false }
}

/** A TTL may promise too little, never too much. */
const secondsOf = (ms: number): number => Math.floor(ms / 1000)
