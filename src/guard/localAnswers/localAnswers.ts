import type { Query } from '../../query/query.ts'
import { ALIAS_NONE, followAlias } from '../../query/rename.ts'
import { DROP, HOLD, PASS, REPLY, REWRITE, type Verdict } from '../../query/verdict.ts'
import { Type } from '../../wire/codes.ts'
import { AA } from '../../wire/header.ts'
import { clusterNegativeTtlMax, denialTtlMaxOf, draftNegative, negativeTtlDefault } from '../negative.ts'
import type { Host, PlanNames, Rule, RuleKind } from '../rule.ts'
import { draftAnswer, draftBytesFor } from './answer.ts'
import { explainLocal } from './explain.ts'
import { type LocalAnswersSettings, localAnswersSettings } from './settings.ts'
import { isServedElsewhere, SpecialUse } from './special-use.ts'

/** Answers from configuration alone: the operator's records and hosts files, special-use names, or everything. */
export const localAnswers: RuleKind<LocalAnswersSettings> = {
  name: 'localAnswers',
  settings: localAnswersSettings,
  create,
}

function create(settings: LocalAnswersSettings, host: Host): Rule {
  const { draft, names } = host
  const table = names.localNames
  const special = new SpecialUse(settings.specialUse, host)
  const { ttl, delay, loss } = settings.everything === 'off' ? nothing : settings.everything
  const anyTtl = Math.floor(ttl / 1000)
  const lostBelow = loss * 2 ** 32
  draft.bytes = new Uint8Array(draftBytesFor(table))

  return {
    check(query) {
      const entry = entryOf(query)
      // A name that lost its suffix has a CNAME of ours already: it gets the operator's alone.
      if (entry !== 0 && table.leadsAway(entry) && query.type !== Type.CNAME && query.alias === ALIAS_NONE) {
        if (!host.observed) {
          query.denialTtlMax = denialTtlMaxOf(query, names)
          followAlias(query, table, entry, host.hashSeed)
        }
        return REWRITE
      }
      if (entry !== 0) {
        draftAnswer(draft, query, table, entry, negativeTtlOf(query, names))
        return REPLY
      }
      if (table.any !== 0) {
        const verdict = disturbance(query)
        if (verdict !== PASS) return verdict
        draftAnswer(draft, query, table, table.any, anyTtl)
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

    explain: (query, verdict) => explainLocal(query, verdict, table),
  }

  /** Loss and delay, once per query. */
  function disturbance(query: Query): Verdict {
    if (query.held === 1 || query.dry === 1) return PASS
    if (lostBelow > 0 && host.random.u32() < lostBelow) return DROP
    query.holdMs = delay
    return delay > 0 ? HOLD : PASS
  }

  /** What is built in yields to whoever serves the name. */
  function entryOf(query: Query): number {
    const entry = table.find(query)
    return entry !== 0 && table.isBuiltIn(entry) && isServedElsewhere(query, names) ? 0 : entry
  }
}

const nothing = { ttl: 0, delay: 0, loss: 0 }

function negativeTtlOf(query: Query, { clusterDomains }: PlanNames): number {
  return clusterDomains.longestSuffix(query) === -1 ? negativeTtlDefault : clusterNegativeTtlMax
}
