import { planRules } from '../guard/plan.ts'
import type { CacheData, PlanData, RouteData } from '../link/plan-data.ts'
import { upstreamsMax } from '../link/plan-data.ts'
import { wireName } from '../wire/text.ts'
import { caText, ownCertificate } from './build-certificates.ts'
import { filesOf, localBuilder } from './build-local.ts'
import { billNames, servedBelow } from './build-names.ts'
import { isBelow, onLinkPrefixes, ownReverseZones } from './build-network.ts'
import { UpstreamList } from './build-upstreams.ts'
import { privateReverseZones } from './private-reverse.ts'
import type { ResolvConf } from './resolv-conf.ts'
import type { CacheSettings, Settings } from './settings.ts'
import type { World } from './world.ts'

/** A plan, and what was met on the way to it. */
export interface Build {
  readonly plan: PlanData
  /** What the files in the form of resolv.conf said when they last named somebody, for the next plan. */
  readonly known: ReadonlyMap<string, ResolvConf>
  /** Those of `watched` that are in the form of resolv.conf. */
  readonly resolvConfs: readonly string[]
  /** The files that were read, or would have been: a change in them asks for a new plan. */
  readonly watched: readonly string[]
  /** One sentence each. */
  readonly warnings: readonly string[]
}

/** What glibc reads of a resolv.conf (MAXNS). */
const serversPerFile = 3
/** Where search suffixes come from when no upstream is a file. */
const systemResolvConf = '/etc/resolv.conf'

/**
 * Settings → the plan that all workers get. Files are read once, so that all workers see the same.
 * `before` is the plan that this one follows, `known` what its files said; `local` what localAnswers knows, where that was made before. Throws SetupError when a file that the operator named can't be read or a limit is passed.
 */
export function build(
  settings: Settings,
  generation: number,
  world: World,
  before?: PlanData,
  local = localBuilder(world)(settings.guard),
  known: ReadonlyMap<string, ResolvConf> = new Map(),
): Build {
  const named = [settings, ...settings.routes].reduce((sum, { upstreams }) => sum + upstreams.length, 0)
  // A list that is nearly full starts anew.
  const kept = (before?.upstreams.length ?? 0) + named * serversPerFile <= upstreamsMax ? before?.upstreams : undefined
  const upstreams = new UpstreamList(settings.listen, world, kept ?? [], known)
  const defaultRoute: RouteData = {
    name: '.',
    zones: [wireName('.')],
    upstreams: upstreams.indexes(settings.upstreams),
  }
  const routes = settings.routes.map((route) => ({
    name: route.zones.join(','),
    zones: route.zones.map(wireName),
    upstreams: upstreams.indexes(route.upstreams),
    serveStale: route.serveStale,
  }))

  const suffixes = settings.searchSuffixes === 'auto' ? automaticSuffixes() : settings.searchSuffixes
  const clusterDomains = settings.clusterDomains.map(wireName)
  const searchSuffixes = suffixes.map(wireName)
  const plan: PlanData = {
    generation,
    upstreams: upstreams.list,
    routes: [defaultRoute, ...routes],
    clusterDomains,
    searchSuffixes,
    local,
    servedBelow: servedBelow(
      routes.flatMap(({ zones }) => zones),
      [...searchSuffixes, ...clusterDomains],
    ),
    billNames: billNames([...searchSuffixes, ...clusterDomains], before?.billNames ?? []),
    volatileNames: [...clusterDomains, ...privateReverseZones],
    onLink: onLinkPrefixes(world.interfaces()),
    forward: {
      policy: settings.forward.policy,
      replyWithinMs: settings.forward.replyWithin,
      attempts: settings.forward.attempts,
      giveUpAfterMs: settings.forward.giveUpAfter,
      hedge: settings.forward.hedge,
      budget: settings.forward.budget === 'off' ? 0 : settings.forward.budget,
      ca: caText(settings.forward.ca, world),
    },
    cache: cacheData(settings.cache),
    rules: planRules({ ...settings.guard }),
    loopIntervalMs: settings.loop.interval,
    loopZones: [...searchSuffixes, ...clusterDomains, ...ownReverseZones(onLinkPrefixes(world.interfaces()))],
    streams: {
      connectionsMax: settings.tcp.maxConnections,
      connectionsPerAddressMax:
        settings.tcp.maxConnectionsPerClient === 'off' ? 0 : settings.tcp.maxConnectionsPerClient,
      tls: ownCertificate(settings.tls, world),
    },
  }
  const { certificate, key } = settings.tls
  const pem = [settings.forward.ca, certificate, key].filter((file) => file !== 'system' && file !== 'none')
  const watched = [...new Set([...upstreams.files, ...filesOf(settings.guard), ...pem])]
  return { plan, known: upstreams.known, resolvConfs: upstreams.files, watched, warnings: upstreams.warnings }

  /** A suffix at or below a cluster domain is what the pods' own search lists hold: it makes no name junk (FIELD 2). */
  function automaticSuffixes(): readonly string[] {
    if (upstreams.files.length === 0) upstreams.readFile(systemResolvConf)
    return [...upstreams.search].filter((suffix) => !settings.clusterDomains.some((domain) => isBelow(suffix, domain)))
  }
}

function cacheData(settings: CacheSettings): CacheData {
  return {
    maxBytes: settings.maxSize,
    maxTtl: seconds(settings.maxTtl),
    minTtl: seconds(settings.minTtl),
    maxNegativeTtl: seconds(settings.maxNegativeTtl),
    noSoaTtl: seconds(settings.noSoaTtl),
    failureTtl: seconds(settings.failureTtl),
    maxFailureTtl: seconds(settings.maxFailureTtl),
    serveStaleMs: settings.serveStale,
    prefetch: settings.prefetch,
  }
}

/** A TTL is in whole seconds; a part of one counts as one, so that a setting above 0 never means 0. */
function seconds(ms: number): number {
  return Math.ceil(ms / 1000)
}
