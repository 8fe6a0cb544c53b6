import type { Query } from '../../query/query.ts'
import { PASS, REPLY } from '../../query/verdict.ts'
import { Type } from '../../wire/codes.ts'
import { AA } from '../../wire/header.ts'
import { addressFromText } from '../../wire/text.ts'
import { clusterNegativeTtlMax, draftNegative, negativeTtlDefault } from '../negative.ts'
import type { Host, PlanNames, Rule, RuleKind } from '../rule.ts'
import { draftAnswer, draftBytesFor } from './answer.ts'
import { explainLocal } from './explain.ts'
import { localRecords } from './records.ts'
import { type EverythingSettings, type LocalAnswersSettings, localAnswersSettings } from './settings.ts'
import { isServedElsewhere, SpecialUse } from './special-use.ts'
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
  const special = new SpecialUse(settings.specialUse, host)
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
      const answer = special.find(query)
      if (answer === undefined) return PASS
      draftNegative(draft, answer.rcode, special.ownerOf(query), negativeTtlDefault)
      draft.flags = AA
      draft.ede = answer.ede
      draft.edeText = answer.edeText
      return REPLY
    },

    explain(query, verdict) {
      const local = tree.find(query.name, query.nameLength, query.labels, query.labelCount)
      return explainLocal(query, verdict, local, anyName !== undefined)
    },
  }
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
