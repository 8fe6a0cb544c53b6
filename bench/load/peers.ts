import type { Peer } from './peer.ts'
import { coredns } from './peers/coredns.ts'
import { dnsdist } from './peers/dnsdist.ts'
import { dnsmasq } from './peers/dnsmasq.ts'
import { dnsweir } from './peers/dnsweir.ts'
import { knot } from './peers/knot.ts'
import { unbound } from './peers/unbound.ts'

/** THE list, in the order of the table: ours, those that issue and design compare with, the rest. */
export const peers: readonly Peer[] = [dnsweir, unbound, dnsdist, dnsmasq, coredns, knot]
