/** A question that nobody asked: the road is walked with it, and nothing is charged, counted, sent or kept. */
export interface ExplainQuestion {
  /** The query as a client would send it. */
  readonly message: Uint8Array
  /** 16 bytes, IPv4 mapped. */
  readonly client: Uint8Array
  /** As if it had come over TCP. */
  readonly streamed: boolean
}

/** One step of the road, in the order in which a query meets them. */
export interface ExplainStep {
  /** A rule's name, or one of: question, probe, route, cache, upstream, reply. */
  readonly step: string
  /** Rules only. What an observer says has no effect. */
  readonly mode?: 'enforce' | 'observe'
  /** One word: pass, reply, drop, cacheOnly, rewrite, ask, probe for rules; hit, negative, failure, expired, miss for the cache; … */
  readonly verdict: string
  /** One sentence. */
  readonly why: string
  /** Seconds left: of an entry in the cache. */
  readonly ttl?: number
}

/** Who has the last word: `none` for no reply at all. */
export type ExplainSource = 'rule' | 'cache' | 'upstream' | 'error' | 'none'

/** The road of one question, as plain data. */
export interface Explanation {
  readonly steps: readonly ExplainStep[]
  readonly source: ExplainSource
  /** The step that decided. */
  readonly decidedBy: string
  /** The reply as this client would get it; undefined when there is none, or when an upstream has to be asked first. */
  readonly reply: Uint8Array | undefined
  /** The name whose answer decides first whether all this is so: NXDOMAIN for it is NXDOMAIN here. Absolute text; empty for none. */
  readonly asksFirst: string
}
