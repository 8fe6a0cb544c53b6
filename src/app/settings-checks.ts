import {
  isWildcard,
  type ListenAddress,
  listenAddressText,
  type SocketAddress,
  socketAddressText,
  type Upstream,
} from '../config/address.ts'
import type { CrossCheck, Report } from '../config/parse.ts'
import type { Path } from '../config/path.ts'
import type { Settings } from './settings.ts'

/** What the settings need to know from levels that they do not import. */
export interface SettingsChecks {
  /** What is wrong with a record in zone-file syntax, or undefined. */
  readonly record?: (text: string) => string | undefined
  /** What the machine has to say (machine-checks.ts). */
  readonly machine?: readonly CrossCheck<Settings>[]
}

/** The checks that look at more than one setting. */
export function settingsChecks({ record, machine = [] }: SettingsChecks): CrossCheck<Settings>[] {
  return [
    { about: ['listen', 'admin'], check: listensOnce },
    { about: ['listen', 'tls'], check: knowsWhoWeAre },
    { about: ['routes'], check: zonesOnce },
    { about: ['forward'], check: deadlinesInOrder },
    { about: ['cache'], check: ttlsInOrder },
    { about: ['listen', 'upstreams', 'routes'], check: asksOthers },
    { about: ['routes', 'clusterDomains'], check: reverseInParts },
    { about: ['upstreams', 'routes', 'guard'], check: hasUpstream },
    {
      about: ['guard'],
      check(settings, report) {
        for (const [i, text] of settings.guard.localAnswers.records.entries()) {
          const error = record?.(text)
          if (error === undefined) continue
          const path = ['guard', 'localAnswers', 'records', i]
          report(path, 'invalid-text', `guard.localAnswers.records[${i}] is ${JSON.stringify(text)}: ${error}`)
        }
      },
    },
    { about: ['clusterDomains', 'guard'], check: filtersSomething },
    ...machine,
  ]
}

function listensOnce({ listen, admin }: Settings, report: Report): void {
  const seen = new Set<string>()
  for (const [i, address] of listen.entries()) {
    const text = socketAddressText(address)
    if (seen.has(text)) report(['listen', i], 'listed-twice', `listen[${i}]: ${text} is listed twice`)
    seen.add(text)
  }
  const taken = listen.find((address) => overlaps(address, admin.listen))
  if (taken === undefined) return
  const message = `admin.listen is ${socketAddressText(admin.listen)}, which \`listen\` takes (${socketAddressText(taken)})`
  report(['admin', 'listen'], 'conflict', message)
}

function knowsWhoWeAre({ listen, tls }: Settings, report: Report): void {
  const at = listen.findIndex(({ transport }) => transport === 'tls')
  const missing = (['certificate', 'key'] as const).filter((key) => tls[key] === 'none')
  if (missing.length === 1) {
    const [one] = missing as ['certificate' | 'key']
    return report(['tls'], 'conflict', `tls.${one} is missing: a certificate and its key go together`, { what: 'key' })
  }
  if (at === -1 || missing.length === 0) return
  const text = listenAddressText(listen[at] as ListenAddress)
  report(['listen', at], 'conflict', `listen[${at}] is ${text}, which needs tls.certificate and tls.key`)
}

function overlaps(a: SocketAddress, b: SocketAddress): boolean {
  if (a.port !== b.port) return false
  if (a.address.includes(':') !== b.address.includes(':')) return false
  return a.address === b.address || isWildcard(a.address) || isWildcard(b.address)
}

function zonesOnce({ routes }: Settings, report: Report): void {
  const seen = new Map<string, string>()
  for (const [i, route] of routes.entries()) {
    for (const [j, zone] of route.zones.entries()) {
      const name = `routes[${i}].zones[${j}]`
      const before = seen.get(zone)
      if (before !== undefined) {
        report(['routes', i, 'zones', j], 'listed-twice', `${name}: ${zone} is listed before, in ${before}`)
      } else seen.set(zone, name)
    }
  }
}

function deadlinesInOrder({ forward }: Settings, report: Report): void {
  const { replyWithin, giveUpAfter } = forward
  if (replyWithin <= giveUpAfter) return
  const message = `forward.replyWithin (${replyWithin} ms) is longer than forward.giveUpAfter (${giveUpAfter} ms)`
  report(['forward', 'replyWithin'], 'conflict', message)
}

function ttlsInOrder({ cache }: Settings, report: Report): void {
  const { minTtl, maxTtl } = cache
  if (minTtl <= maxTtl) return
  report(['cache', 'minTtl'], 'conflict', `cache.minTtl (${minTtl} ms) is longer than cache.maxTtl (${maxTtl} ms)`)
}

/** Only a warning: a loop is found and cut at run time, and whoever tests that wants one. */
function asksOthers({ listen, upstreams, routes }: Settings, report: Report): void {
  const own = new Set(listen.map(socketAddressText))
  const look = (list: readonly Upstream[], at: Path, name: string) => {
    for (const [i, upstream] of list.entries()) {
      if (upstream.kind !== 'server' || !own.has(socketAddressText(upstream))) continue
      const message = `${name}[${i}] is our own address, ${socketAddressText(upstream)}: a loop`
      report([...at, i], 'own-address', message, { severity: 'warning' })
    }
  }
  look(upstreams, ['upstreams'], 'upstreams')
  for (const [i, route] of routes.entries()) look(route.upstreams, ['routes', i, 'upstreams'], `routes[${i}].upstreams`)
}

/** Only a warning: where the cluster's CoreDNS does not fall through, it is right. A loop is found and cut at run time (FIELD 3.11). */
function reverseInParts({ routes, clusterDomains }: Settings, report: Report): void {
  for (const [i, { zones }] of routes.entries()) {
    if (!zones.some((zone) => clusterDomains.includes(zone))) continue
    for (const [j, zone] of zones.entries()) {
      if (zone !== 'in-addr.arpa' && zone !== 'ip6.arpa') continue
      const message =
        `routes[${i}].zones[${j}] is all of ${zone}: a cluster's CoreDNS sends what is not its own on, and it may come ` +
        'back to us; name the ranges of services and pods only (233.10.in-addr.arpa)'
      report(['routes', i, 'zones', j], 'conflict', message, { severity: 'warning' })
    }
  }
}

function hasUpstream({ upstreams, guard }: Settings, report: Report): void {
  const { everything, mode } = guard.localAnswers
  if (upstreams.length > 0 || (everything !== 'off' && mode === 'enforce')) return
  const message = 'upstreams is empty: what neither a rule nor a route answers gets SERVFAIL'
  report(['upstreams'], 'no-upstream', message, { severity: 'warning' })
}

/** Only a warning: the rest is served as it says. */
function filtersSomething({ clusterDomains, guard }: Settings, report: Report): void {
  const { zones, except } = guard.aaaaFilter
  if (zones === 'all') return
  const excepted = except === 'clusterDomains' ? clusterDomains : except
  for (const [i, zone] of zones.entries()) {
    const above = excepted.find((name) => zone === name || zone.endsWith(`.${name}`))
    if (above === undefined) continue
    const by = except === 'clusterDomains' ? 'by default, being one of clusterDomains' : 'by guard.aaaaFilter.except'
    const message = `guard.aaaaFilter.zones[${i}] is ${zone}, and ${above} is excepted ${by}: nothing is filtered there`
    report(['guard', 'aaaaFilter', 'zones', i], 'conflict', message, { severity: 'warning' })
  }
}
