import { monotonicClock } from '../base/clock.ts'
import { secureRandom } from '../base/random.ts'
import { explain } from '../engine/explain.ts'
import { buildPlan } from '../engine/plan.ts'
import { looseCounters } from '../metrics/counters.ts'
import { build } from './build.ts'
import { type ExplainAsked, type ExplainReport, explainQuestion, explainReport } from './explain.ts'
import type { Settings } from './settings.ts'
import { version } from './version.ts'
import type { World } from './world.ts'

/**
 * As a program with these settings would do it that has just started: its cache is empty, and its upstreams have not been asked. Opens no
 * socket. A sentence when the question is none; throws SetupError as `build` does.
 */
export function explainOffline(settings: Settings, asked: ExplainAsked, world: World): ExplainReport | string {
  const question = explainQuestion(asked)
  if (typeof question === 'string') return question
  const clock = monotonicClock()
  const random = secureRandom()
  const hashSeed = random.u32()
  const { plan: data } = build(settings, 0, world)
  const plan = buildPlan(
    data,
    {
      clock,
      random,
      counters: looseCounters(),
      isFirstShard: false,
      hashSeed,
      ask: () => false,
      shared: () => undefined,
      events: () => undefined,
    },
    undefined,
  )
  const explanation = explain(plan, question, hashSeed, clock.now(), undefined)
  return explainReport(asked, question, explanation, {
    program: 'offline',
    version,
    generation: 0,
    shard: 0,
    shards: settings.threads,
  })
}
