import type { Probed } from '../../query/probed.ts'
import { HEADER } from '../../wire/header.ts'
import { KIND_FAILURE, KIND_NXDOMAIN, KIND_REFERRAL } from '../../wire/kind.ts'
import { clusterNegativeTtlMax } from '../negative.ts'
import type { Savings } from '../rule.ts'
import type { Cuts } from './cuts.ts'
import { EXISTS, MISSING } from './cuts.ts'
import type { Scopes } from './scopes.ts'
import { SoaReader } from './soa.ts'

/** What could not be asked for, or may not be kept, is asked for again after this, in seconds. */
const pauseSeconds = 5

/** What the answer to a probe says of a parent. */
export class Judge {
  private readonly scopes: Scopes
  private readonly maxSeconds: number
  private readonly savings: Savings
  private readonly soa = new SoaReader()

  constructor(scopes: Scopes, maxTtlMs: number, savings: Savings) {
    this.scopes = scopes
    this.savings = savings
    this.maxSeconds = Math.ceil(maxTtlMs / 1000)
  }

  /** True when the parent is missing. */
  learn(cuts: Cuts, slot: number, probed: Probed, now: number): boolean {
    const { seconds } = probed
    this.savings.spent(probed)
    if (!this.isMissing(probed) || seconds === 0) {
      cuts.learn(slot, EXISTS, this.exists(probed) ? Math.max(seconds, pauseSeconds) : pauseSeconds, now)
      return false
    }
    const most = this.scopes.isCluster(cuts.scope[slot] as number) ? clusterNegativeTtlMax : this.maxSeconds
    cuts.learn(slot, MISSING, Math.min(seconds, most), now)
    cuts.answerBytes[slot] = probed.length - probed.nameLength - HEADER - 4
    if (this.soa.read(probed)) cuts.keepSoa(slot, this.soa)
    return true
  }

  /** Also a CNAME whose target is missing, and a name without addresses. */
  exists(probed: Probed): boolean {
    return probed.kind !== KIND_FAILURE && probed.kind !== KIND_REFERRAL && !this.isMissing(probed)
  }

  /** Only an NXDOMAIN with an empty answer section: behind a CNAME it speaks of the target (RFC 6604 section 2). */
  private isMissing({ kind, answers }: Probed): boolean {
    return kind === KIND_NXDOMAIN && answers === 0
  }
}
