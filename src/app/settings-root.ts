import {
  boolean,
  duration,
  either,
  integer,
  list,
  listShape,
  oneOf,
  quantityShape,
  size,
  text,
} from '../config/field.ts'
import { group, section } from '../config/section.ts'
import { domain, filePath, listenAddress, socketAddress, upstream } from '../config/values.ts'
import { aaaaFilterSettings } from '../guard/aaaaFilter/settings.ts'
import { aclSettings } from '../guard/acl/settings.ts'
import { cutSettings } from '../guard/cut/settings.ts'
import { kubernetesNamesSettings } from '../guard/kubernetesNames/settings.ts'
import { localAnswersSettings } from '../guard/localAnswers/settings.ts'
import { rateLimitSettings } from '../guard/rateLimit/settings.ts'
import { rebindingSettings } from '../guard/rebinding/settings.ts'
import { searchSuffixSettings } from '../guard/searchSuffix/settings.ts'
import { routesMax, upstreamsMax } from '../link/plan-data.ts'
import { tcpSettings, tlsSettings } from './settings-streams.ts'

export const routeSettings = section('A route: where questions for some zones go. The longest matching zone wins.', {
  zones: list(domain, { minItems: 1, maxItems: 1024, doc: 'The zones, with all names below them.' }),
  upstreams: list(upstream, {
    minItems: 1,
    maxItems: upstreamsMax,
    doc: 'As the top-level `upstreams`, for these zones.',
  }),
  serveStale: oneOf(['auto', 'always', 'never'], {
    default: 'auto',
    doc: 'Whether answers that are over may serve when no upstream answers; `auto` as `cache.serveStale` says.',
  }),
})

export const forwardSettings = section('How questions go upstream.', {
  policy: oneOf(['fastest', 'roundRobin', 'random', 'sequential'], {
    default: 'fastest',
    doc: 'Which upstream of a route is asked first; `sequential` asks the first one that works, in the order written.',
  }),
  replyWithin: duration({
    default: '1900ms',
    min: '100ms',
    max: '30s',
    doc:
      "The client's deadline over all attempts: SERVFAIL or a stale answer by then. The default is below the 2 s that " +
      'CoreDNS waits; 4500ms suits a gateway.',
  }),
  attempts: integer({ default: 3, min: 1, max: 10, doc: 'How often a question is sent at most, over all upstreams.' }),
  giveUpAfter: duration({
    default: '6s',
    min: '100ms',
    max: '60s',
    doc: 'How long an open question outlives the reply: an answer that comes late is still cached.',
  }),
  ca: either('system', filePath, {
    default: 'system',
    doc:
      'Who vouches for the certificates of tls:// upstreams: `system` (the authorities that Node ships), or a PEM file, ' +
      'which is read again when it changes.',
  }),
  hedge: oneOf(['p95', 'off'], {
    default: 'p95',
    doc:
      'Whether a question is sent to a second upstream as well when the first has not answered within the time of 95 of ' +
      '100 answers. One question in 16 at most.',
  }),
  budget: either('off', quantityShape('rate', '1/s', '1000000/s'), {
    default: 'off',
    doc:
      'How many packets may go to each upstream: `900/s` stays below the 1,024 of the VPC resolver. A and SRV before AAAA ' +
      'before what nobody waits for before junk that a rule only observes, fair among clients; over it stale answers, a short wait, SERVFAIL.',
  }),
})

export const cacheSettings = section('The answers that are kept.', {
  maxSize: size({
    default: '16MiB',
    min: '1MiB',
    max: '4GiB',
    doc: 'Memory for the whole process; each thread has its share.',
  }),
  maxTtl: duration({ default: '1h', min: '1s', max: '7d', doc: 'No answer is kept longer.' }),
  minTtl: duration({
    default: '0s',
    min: '0s',
    max: '1h',
    doc: 'No answer is kept shorter. 5s helps in front of dnsmasq, whose own names have TTL 0.',
  }),
  maxNegativeTtl: duration({
    default: '30s',
    min: '1s',
    max: '3h',
    doc: 'No "does not exist" is kept longer (RFC 2308). Below `clusterDomains` the limit is 5 s.',
  }),
  noSoaTtl: duration({
    default: '30s',
    min: '0s',
    max: '1h',
    doc:
      'How long a "does not exist" without SOA is kept, as dnsmasq and the VPC resolver send; it is passed on with an ' +
      'SOA of this TTL. Below `clusterDomains` the limit is 5 s.',
  }),
  failureTtl: duration({
    default: '5s',
    min: '1s',
    max: '5m',
    doc: 'How long a failure is kept (RFC 9520), and twice as long each time it is met again, up to `maxFailureTtl`.',
  }),
  maxFailureTtl: duration({
    default: '1m',
    min: '1s',
    max: '5m',
    doc: 'No failure is kept longer. All are forgotten when an upstream that was down is back.',
  }),
  serveStale: duration({
    default: '1h',
    min: '0s',
    max: '7d',
    doc:
      'How long after its TTL an answer may still serve, with a TTL of 30 s, when no upstream answers (RFC 8767). ' +
      '0s: never. Never in cluster domains and in reverse zones of private addresses, but where a route says so.',
  }),
  prefetch: boolean({
    default: true,
    doc: 'Whether answers in demand are asked for anew in the last tenth of their life.',
  }),
})

/** The guard's own key and each rule's section, in the order in which the rules act. */
export const guardSettings = section('The rules. A rule that is left out is on, except `aaaaFilter` and `rebinding`.', {
  mode: oneOf(['enforce', 'observe'], {
    default: 'enforce',
    doc: '`observe` turns all rules but `acl` into observers, which count and let pass.',
  }),
  acl: group(aclSettings),
  rateLimit: group(rateLimitSettings),
  localAnswers: group(localAnswersSettings),
  searchSuffix: group(searchSuffixSettings),
  kubernetesNames: group(kubernetesNamesSettings),
  cut: group(cutSettings),
  aaaaFilter: group(aaaaFilterSettings),
  rebinding: group(rebindingSettings),
})

const loopSettings = section('Loop detection: probes that come back to us.', {
  interval: duration({
    default: '30s',
    min: '1s',
    max: '1h',
    doc: 'How often each upstream is probed; once a second while it is marked as looping. Zones without a route are probed ten times more rarely.',
  }),
})

export const adminSettings = section('The HTTP side: /metrics, /health, /ready, /api/stats.', {
  listen: text(socketAddress, { default: '127.0.0.1:9453', doc: 'IP:port. It has no password: keep it on loopback.' }),
})

export const logSettings = section('What is written to standard output.', {
  level: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    default: 'info',
    doc: 'The least severe line that is written.',
  }),
  format: oneOf(['json', 'coredns'], {
    default: 'json',
    doc: '`json`: one object a line; `coredns`: queries as the `log` plugin of CoreDNS writes them.',
    unbuilt: (value) => value === 'coredns',
  }),
  queries: oneOf(['off', 'errors', 'all'], {
    default: 'errors',
    doc: 'Which queries are logged, sampled and with a limit on the rate.',
    unbuilt: (value) => value !== 'off',
  }),
})

const metricsSettings = section('What /metrics shows.', {
  coredns: boolean({
    default: false,
    doc: 'Whether the metrics that CoreDNS dashboards read are shown too.',
    unbuilt: (value) => value,
  }),
})

export const rootSettings = section('The settings of dnsweir.', {
  listen: list(listenAddress, {
    default: ['127.0.0.1:1053'],
    minItems: 1,
    maxItems: 64,
    doc:
      'Where clients are served: over UDP and TCP (`IP:port`), or over TLS (`tls://IP:853`, see `tls`). A wildcard ' +
      '(`0.0.0.0:53`, `"[::]:53"`) means one socket for each local address.',
  }),
  threads: integer({
    default: 1,
    min: 1,
    max: 64,
    doc: 'Threads that serve UDP, each with its own sockets and its share of the cache.',
  }),
  upstreams: list(upstream, {
    default: ['/etc/resolv.conf'],
    maxItems: upstreamsMax,
    doc:
      'The resolvers that are asked when no route matches: `192.168.1.1`, `1.1.1.1:5353`, `tcp://10.0.0.1`, or a file ' +
      'whose nameservers are taken, without our own address. It is watched; when it is gone or names nobody, those that it named stay.',
  }),
  routes: list(routeSettings, {
    default: [],
    // The default route is one, too.
    maxItems: routesMax - 1,
    doc: 'Other resolvers for some zones. See [routes](#routes).',
  }),
  clusterDomains: list(domain, {
    default: ['cluster.local'],
    maxItems: 32,
    doc: 'The DNS domains of Kubernetes clusters. Negative answers below them live 5 s at most; rules know them.',
  }),
  searchSuffixes: either('auto', listShape(domain, 0, 64), {
    default: 'auto',
    doc: 'The search domains that clients append: a list, or `auto` for those of the resolv.conf files in `upstreams`.',
  }),
  tcp: group(tcpSettings),
  tls: group(tlsSettings),
  forward: group(forwardSettings),
  cache: group(cacheSettings),
  guard: group(guardSettings),
  loop: group(loopSettings),
  admin: group(adminSettings),
  log: group(logSettings),
  metrics: group(metricsSettings),
})
