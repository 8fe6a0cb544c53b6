import type { BuildInfo, LoopState, MetricsSource } from '../metrics/exposition.ts'

/** What main tells its admin side; each function gives the state of that moment. */
export interface AdminProvider extends MetricsSource {
  info(): ServiceInfo
  ready(): Readiness
  /** What rules said of late, newest first; bounded. */
  events(): readonly RuleEventState[]
  /** What rules said has begun and not yet ended, oldest first; bounded. */
  episodes(): readonly EpisodeState[]
  /** The road of one question. Never rejects: the status says what became of it, and `body.error` why. */
  explain(asked: ExplainAsked): Promise<{ readonly status: number; readonly body: object }>
}

export interface RuleEventState {
  /** In ms since 1970. */
  readonly at: number
  readonly rule: string
  readonly state: 'begin' | 'end' | 'note'
  readonly subject: string
  readonly sentence: string
  readonly figures: Readonly<Record<string, number>>
}

export interface EpisodeState {
  readonly rule: string
  readonly subject: string
  readonly sentence: string
  /** In ms since 1970. */
  readonly since: number
  readonly figures: Readonly<Record<string, number>>
}

/** A question as text, not yet looked at. */
export interface ExplainAsked {
  readonly name: string
  /** A, if not said. */
  readonly type?: string | undefined
  /** An IP address; 127.0.0.1, if not said. */
  readonly client?: string | undefined
  readonly dnssecOk: boolean
  readonly checkingDisabled: boolean
  readonly tcp: boolean
}

export interface ServiceInfo extends BuildInfo {
  /** In ms since 1970. */
  readonly startedAt: number
}

export interface Readiness {
  readonly ready: boolean
  /** Sentences: why not. Empty when ready. */
  readonly reasons: readonly string[]
}

export type { LoopState }
