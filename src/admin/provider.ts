import type { BuildInfo, LoopState, MetricsSource } from '../metrics/exposition.ts'

/** What main tells its admin side; each function gives the state of that moment. */
export interface AdminProvider extends MetricsSource {
  info(): ServiceInfo
  ready(): Readiness
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
