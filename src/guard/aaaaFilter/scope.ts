import { PrefixTable } from '../../base/address.ts'
import type { PrefixData } from '../../link/plan-data.ts'
import { clientPrefixes } from '../../query/client-prefixes.ts'
import { NameSet } from '../../query/name-set.ts'
import type { Query } from '../../query/query.ts'
import { lowerName } from '../../wire/name.ts'
import { nameFromText } from '../../wire/text.ts'
import type { PlanNames } from '../rule.ts'
import type { AaaaFilterSettings } from './settings.ts'

/** Which setting keeps a query out of the rule's reach. */
export type Place = typeof WITHIN | typeof CLIENTS | typeof EXCEPT_CLIENTS | typeof ZONES | typeof EXCEPT
export const WITHIN = 0
export const CLIENTS = 1
export const EXCEPT_CLIENTS = 2
export const ZONES = 3
export const EXCEPT = 4

/**
 * Whose questions are filtered, and about which names. The exceptions win over the lists that they are made from.
 *
 * A filtered client and another never share an answer, by design: one asks A and the other AAAA, which are two flights
 * and two entries of the cache, and the mark that makes one of the other stands on the query alone.
 */
export class Scope {
  readonly except: NameSet
  /** Undefined: all clients, no clients, all names. What is not set costs a comparison. */
  private readonly clients: PrefixTable | undefined
  private readonly exceptClients: PrefixTable | undefined
  private readonly zones: NameSet | undefined

  /** Throws a sentence on settings that the parser lets nobody write. */
  constructor(settings: AaaaFilterSettings, names: PlanNames, onLink: readonly PrefixData[]) {
    const { clients, exceptClients, zones } = settings
    this.clients = clients === 'all' ? undefined : new PrefixTable(clientPrefixes(clients, onLink))
    this.exceptClients = exceptClients.length === 0 ? undefined : new PrefixTable(clientPrefixes(exceptClients, onLink))
    this.zones = zones === 'all' ? undefined : new NameSet(zones.map(wireOf))
    this.except = exceptions(settings, names)
  }

  placeOf(query: Query): Place {
    const { clients, exceptClients, zones } = this
    if (clients?.has(query.client, 0) === false) return CLIENTS
    if (exceptClients?.has(query.client, 0) === true) return EXCEPT_CLIENTS
    if (zones?.longestSuffix(query) === -1) return ZONES
    return this.except.longestSuffix(query) === -1 ? WITHIN : EXCEPT
  }
}

/**
 * `ipv4only.arpa` tells a host behind NAT64 its prefix by the very AAAA records that we would take away (RFC 7050, RFC
 * 8880).
 */
function exceptions(settings: AaaaFilterSettings, names: PlanNames): NameSet {
  const listed = settings.except === 'clusterDomains' ? names.clusterDomains.names : settings.except.map(wireOf)
  return new NameSet([...listed, wireOf('ipv4only.arpa')])
}

function wireOf(text: string): Uint8Array {
  const name = nameFromText(text)
  if (name === undefined) throw new Error(`guard.aaaaFilter: ${text} is no domain name`)
  lowerName(name, 0, name.length, name, 0)
  return name
}
