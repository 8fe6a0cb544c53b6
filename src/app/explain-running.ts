import type { Explained } from '../link/messages.ts'
import { type ExplainAsked, explainQuestion, explainReport } from './explain.ts'
import type { Facts } from './provider.ts'
import { version } from './version.ts'

/** Whoever asks is told within this, in ms: a shard takes less than one. */
const withinMs = 1000

/** What the admin side answers to /api/explain: its status, and a report or `{ error }`. */
export interface ExplainResult {
  readonly status: number
  readonly body: object
}

/** Has the first shard walk its road. Never rejects. */
export async function explainRunning({ supervisor, plan }: Facts, asked: ExplainAsked): Promise<ExplainResult> {
  const question = explainQuestion(asked)
  if (typeof question === 'string') return { status: 400, body: { error: question } }
  let explained: Explained
  try {
    explained = await supervisor.crew.explain(question, withinMs)
  } catch (error) {
    return { status: 504, body: { error: (error as Error).message } }
  }
  const { explanation, problem } = explained
  if (explanation === undefined) return { status: 500, body: { error: `our own mistake: ${problem}` } }
  const place = { version, generation: plan.generation, shard: 0, shards: supervisor.shardCount }
  return { status: 200, body: explainReport(asked, question, explanation, { program: 'running', ...place }) }
}
