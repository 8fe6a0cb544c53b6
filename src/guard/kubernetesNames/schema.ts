import type { Query } from '../../query/query.ts'

/** What the schema says of a name. */
export const POSSIBLE = 0
/** Its rightmost label leads nowhere: `google.com.Z`. */
export const OUTSIDE = 1
/** Five labels that are no SRV name: `www.google.com.default.svc.Z`. */
export const NO_PORT = 2
/** More labels than any name has. */
export const TOO_LONG = 3

export interface SchemaOptions {
  readonly isMultiCluster: boolean
  readonly pinNames: boolean
  readonly denyBarePorts: boolean
}

/**
 * Could Kubernetes publish the name in the zone that begins at label `left`, that is with `left` labels before it? Read
 * from the zone to the left, as CoreDNS does (Kubernetes DNS-Based Service Discovery 1.1.0, and what CoreDNS adds):
 *
 *                                         (apex) │ svc │ pod │ dns-version │ ns.dns
 *                                                    <namespace> . svc │ pod
 *                                        <service> . <namespace> . svc             <a-b-c-d> . <namespace> . pod
 *                           <endpoint> . <service> . <namespace> . svc    <any …> . <a-b-c-d> . <namespace> . pod
 *                  _<port> . _<proto> . <service> . <namespace> . svc
 *             <endpoint> . <cluster> . <service> . <namespace> . svc              zones of several clusters
 *   <zone …> . pin │ prefer . _zone . <service> . <namespace> . svc              where the operator uses them
 *
 * An ancestor of a name that exists is possible too, or our NXDOMAIN would deny what is below it (RFC 8020 section 2):
 * `dns`, `_tcp.web.default.svc`, `pin._zone.web.default.svc`. What a label holds is not judged: namespaces and services
 * come and go, and a service may begin with a digit (KEP-5311).
 */
export function judge(query: Query, left: number, options: SchemaOptions): number {
  if (left === 0) return POSSIBLE
  const last = left - 1
  if (isLabel(query, last, pod)) return POSSIBLE
  if (!isLabel(query, last, svc)) return isWellKnown(query, left) ? POSSIBLE : OUTSIDE
  if (left < portLabels) return POSSIBLE
  if (options.pinNames && isPinned(query, left)) return POSSIBLE
  if (left > portLabels) return TOO_LONG
  if (options.isMultiCluster || !options.denyBarePorts) return POSSIBLE
  return hasUnderscore(query, 0) && hasUnderscore(query, 1) ? POSSIBLE : NO_PORT
}

/** `_<port>._<proto>.<service>.<namespace>.svc` */
const portLabels = 5

function isWellKnown(query: Query, left: number): boolean {
  if (left === 1) return isLabel(query, 0, dnsVersion) || isLabel(query, 0, dns)
  return left === 2 && isLabel(query, 0, ns) && isLabel(query, 1, dns)
}

/** Ends in `pin` or `prefer`, then `_zone.<service>.<namespace>.svc`. */
function isPinned(query: Query, left: number): boolean {
  if (left < portLabels || !isLabel(query, left - 4, zone)) return false
  return isLabel(query, left - 5, pin) || isLabel(query, left - 5, prefer)
}

function hasUnderscore(query: Query, label: number): boolean {
  return query.name[(query.labels[label] as number) + 1] === 0x5f
}

/** The label as a whole, its length first: one with a dot byte in it, such as `a\.svc`, is none of these words. */
function isLabel(query: Query, label: number, word: Uint8Array): boolean {
  const at = query.labels[label] as number
  for (let i = 0; i < word.length; i++) if (query.name[at + i] !== word[i]) return false
  return true
}

const [svc, pod, dnsVersion, dns, ns] = [
  labelOf('svc'),
  labelOf('pod'),
  labelOf('dns-version'),
  labelOf('dns'),
  labelOf('ns'),
]
const [zone, pin, prefer] = [labelOf('_zone'), labelOf('pin'), labelOf('prefer')]

function labelOf(word: string): Uint8Array {
  return Uint8Array.of(word.length, ...new TextEncoder().encode(word))
}
