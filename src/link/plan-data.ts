/**
 * What main hands to every worker at start and reload: plain data, built once by app/build from the settings and from files that were
 * read once. Names are lower-case wire form; addresses 4 or 16 bytes; durations ms; TTLs s; sizes bytes.
 */
export interface PlanData {
  /** Counts reloads. */
  readonly generation: number
  readonly upstreams: readonly UpstreamData[]
  /** `routes[0]` is the default route, zone `.`; every other zone is in exactly one route. */
  readonly routes: readonly RouteData[]
  readonly clusterDomains: readonly Uint8Array[]
  readonly searchSuffixes: readonly Uint8Array[]
  /** Names and records of localAnswers (query/local-table), undefined while that rule is off. */
  readonly local: SharedArrayBuffer | undefined
  /** Zones of routes that lie at or below a search suffix or cluster domain, and what lies between. */
  readonly servedBelow: readonly Uint8Array[]
  /** Search suffixes and cluster domains by their rows in the junk bill, from row 1 on; those of plans before among them. */
  readonly billNames: readonly Uint8Array[]
  /** Cluster domains, and reverse zones of private addresses: what stands there changes hands within seconds. */
  readonly volatileNames: readonly Uint8Array[]
  /** Prefixes of the machine's own interfaces. */
  readonly onLink: readonly PrefixData[]
  readonly forward: ForwardData
  readonly cache: CacheData
  /** Rules that are on, in the order of guard/rules.ts is not implied: the guard orders them. */
  readonly rules: readonly RuleData[]
  readonly loopIntervalMs: number
  /** Zones that are probed for loops though they have no route of their own: somebody may forward them to us alone. */
  readonly loopZones: readonly Uint8Array[]
  readonly streams: StreamsData
}

export interface PrefixData {
  readonly bytes: Uint8Array
  readonly length: number
}

export interface UpstreamData {
  /** `192.168.1.1:53`, `[::1]:53`, `tcp://10.233.0.3:53`, `tls://9.9.9.9:853#dns.quad9.net`: metric label and log name. */
  readonly name: string
  readonly transport: 'udp' | 'tcp' | 'tls'
  /** That its certificate must have; undefined: the address (tls alone). */
  readonly serverName?: string | undefined
  readonly address: Uint8Array
  readonly port: number
  readonly scope: number
  /** Loopback, RFC 1918, ULA, link-local: its socket pool starts small (SAFETY). */
  readonly isPrivate: boolean
}

export interface RouteData {
  /** Texts for logs, `.` for the root. */
  readonly name: string
  readonly zones: readonly Uint8Array[]
  /** Indexes into `upstreams`; may be empty when none is known. */
  readonly upstreams: readonly number[]
  /** Whether answers that are over may serve; `auto` (if left out): but for `volatileNames`. */
  readonly serveStale?: 'auto' | 'always' | 'never'
}

export interface ForwardData {
  readonly policy: 'fastest' | 'roundRobin' | 'random' | 'sequential'
  readonly replyWithinMs: number
  readonly attempts: number
  readonly giveUpAfterMs: number
  /** Packets a second to each upstream; 0: no limit. */
  readonly budget: number
  /** PEM of those who vouch for tls:// upstreams; undefined: those that Node ships. */
  readonly ca?: string | undefined
  /** When a second upstream is asked as well. */
  readonly hedge: 'p95' | 'off'
}

export interface CacheData {
  /** For the process; each shard has its share. */
  readonly maxBytes: number
  readonly maxTtl: number
  readonly minTtl: number
  readonly maxNegativeTtl: number
  readonly noSoaTtl: number
  /** Of the first failure in a row, and of the last. */
  readonly failureTtl: number
  readonly maxFailureTtl: number
  /** How long after its TTL an answer may serve; 0: never. */
  readonly serveStaleMs: number
  /** Whether answers in demand are asked for before they are over. */
  readonly prefetch: boolean
}

/** Connections of clients. */
export interface StreamsData {
  readonly connectionsMax: number
  /** 0: no limit. */
  readonly connectionsPerAddressMax: number
  /** PEM of our certificate and its key, for listeners over TLS. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
}

export interface RuleData {
  readonly name: string
  readonly mode: 'enforce' | 'observe'
  readonly settings: unknown
}

/** Fixed sizes that every thread knows. */
export const upstreamsMax = 32
export const routesMax = 64
export const rulesMax = 16

/** What a worker has before its first plan: no upstream, no rule, no memory to speak of. */
export const emptyPlan: PlanData = {
  generation: 0,
  upstreams: [],
  routes: [{ name: '.', zones: [], upstreams: [] }],
  clusterDomains: [],
  searchSuffixes: [],
  local: undefined,
  servedBelow: [],
  billNames: [],
  volatileNames: [],
  onLink: [],
  forward: { policy: 'fastest', replyWithinMs: 1900, attempts: 3, giveUpAfterMs: 6000, budget: 0, hedge: 'p95' },
  cache: {
    maxBytes: 0,
    maxTtl: 3600,
    minTtl: 0,
    maxNegativeTtl: 30,
    noSoaTtl: 30,
    failureTtl: 5,
    maxFailureTtl: 60,
    serveStaleMs: 0,
    prefetch: false,
  },
  rules: [],
  loopIntervalMs: 30_000,
  loopZones: [],
  streams: { connectionsMax: 512, connectionsPerAddressMax: 0 },
}
