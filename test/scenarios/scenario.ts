/** What a scenario file says, as plain data; README.md is the format's description. */
import type { EdnsOption } from '../support/message.ts'
import type { Settings } from '../support/program.ts'

export interface Scenario {
  readonly file: string
  readonly title: string
  readonly config: Settings
  /** Those that stand before the first step, in place when the program starts. */
  readonly upstreams: readonly UpstreamBlock[]
  readonly steps: readonly Step[]
}

export type Step =
  | UpstreamBlock
  | QueryStep
  | AnswerStep
  | NoAnswerStep
  | TimeStep
  | CountStep
  | AskedStep
  | MetricStep
  | LogStep
  | ReloadStep

interface At {
  /** In the file, from 1. */
  readonly line: number
}

export interface UpstreamBlock extends At {
  readonly kind: 'upstream'
  readonly name: string
  readonly address: string | undefined
  /** Nothing listens: what is sent there is refused by the kernel. */
  readonly gone: boolean
  readonly rules: readonly Rule[]
}

/** Questions that it is for, and what comes back, in order. */
export interface Rule extends At {
  /** `*`, `*.below`, or the name itself, lower-cased, with its last dot. */
  readonly name: string
  readonly type: number | undefined
  readonly transport: 'udp' | 'tcp' | undefined
  /** dnsweir's own probes, which other rules never see. */
  readonly probe: boolean
  /** By flag: whether it must be set or clear. */
  readonly flags: Readonly<Partial<Record<Flag, boolean>>>
  readonly times: number
  readonly actions: readonly Action[]
}

export type Flag = 'rd' | 'cd' | 'ad' | 'do' | 'edns'

export interface Action extends At {
  readonly kind: 'reply' | 'raw' | 'back' | 'close'
  /** By name of the upstream whose socket it leaves by; `stranger`: a socket that nobody asked. */
  readonly from: string | undefined
  readonly afterMs: number
  readonly rcode: number
  readonly flags: ReadonlySet<string>
  readonly id: 'wrong' | undefined
  readonly opcode: number | undefined
  /** `none`, `twice`, `name/type/class`: in place of the question that was asked. */
  readonly question: string | undefined
  readonly edns: boolean
  readonly options: readonly EdnsOption[]
  /** So many octets of it are sent. */
  readonly cut: number | undefined
  /** So many octets of no meaning follow it. */
  readonly trailing: number
  readonly sections: Sections
  /** Hexadecimal, with `$id` and `$question` for what was asked. */
  readonly raw: string
}

export interface Sections {
  readonly answer: readonly string[]
  readonly authority: readonly string[]
  readonly additional: readonly string[]
}

export interface QueryStep extends At {
  readonly kind: 'query'
  /** What later steps call it; the last one, when they name none. */
  readonly as: string
  readonly name: string
  readonly type: number
  readonly class: number
  readonly transport: 'udp' | 'tcp'
  readonly flags: Readonly<Partial<Record<Flag, boolean>>>
  readonly size: number
  readonly options: readonly EdnsOption[]
  readonly from: string | undefined
  /** So many clients ask at once; `#` in the name is the number of each, from 1. */
  readonly count: number
}

export interface AnswerStep extends At {
  readonly kind: 'answer'
  readonly as: string | undefined
  readonly rcode: number
  /** Of tc, aa, ad, cd: those that are set; the others are clear. */
  readonly flags: ReadonlySet<string>
  readonly ede: readonly number[]
  readonly sections: Sections
  /** Of `sections`, those in which anything may stand. */
  readonly open: ReadonlySet<string>
}

export interface NoAnswerStep extends At {
  readonly kind: 'noAnswer'
  readonly as: string | undefined
}

export interface TimeStep extends At {
  readonly kind: 'time'
  readonly ms: number
}

/** Least and most, both allowed. */
export interface Range {
  readonly least: number
  readonly most: number
}

export interface CountStep extends At {
  readonly kind: 'count'
  readonly upstream: string
  readonly wanted: Range
  readonly name: string | undefined
  readonly type: number | undefined
  readonly transport: 'udp' | 'tcp' | undefined
  readonly probe: boolean
}

export interface AskedStep extends At {
  readonly kind: 'asked'
  readonly upstream: string
  readonly name: string
  readonly type: number
  readonly transport: 'udp' | 'tcp' | undefined
  readonly flags: Readonly<Partial<Record<Flag, boolean>>>
  readonly size: number | undefined
  /** Codes of EDNS options that it has, and that it must not have. */
  readonly options: readonly number[]
  readonly without: readonly number[]
}

export interface MetricStep extends At {
  readonly kind: 'metric'
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly wanted: Range
}

export interface LogStep extends At {
  readonly kind: 'log'
  readonly pattern: string
  readonly wanted: boolean
}

export interface ReloadStep extends At {
  readonly kind: 'reload'
  readonly config: Settings
}

/** A file that is wrong, or a step that was not met; its message begins with `file:line`. */
export class ScenarioError extends Error {
  constructor(file: string, line: number, sentence: string) {
    super(`${file}:${line}: ${sentence}`)
    this.name = 'ScenarioError'
  }
}
