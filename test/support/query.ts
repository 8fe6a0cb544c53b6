/** Fills a Query as the road does, from text, for tests of what stands on the road. */

import { writeMapped } from '../../src/base/address.ts'
import { Query } from '../../src/query/query.ts'
import { typeCode } from '../../src/wire/codes.ts'
import { CD, HEADER, RD } from '../../src/wire/header.ts'
import { lowerName } from '../../src/wire/name.ts'
import { addressFromText, nameFromText } from '../../src/wire/text.ts'

export interface QueryParts {
  readonly client?: string
  readonly receivedAt?: number
  readonly dnssecOk?: boolean
  readonly checkingDisabled?: boolean
  readonly hasOpt?: boolean
  readonly streamed?: boolean
  readonly dry?: boolean
}

/**
 * A query for `name` (text, letter case kept in its bytes) and `type` (mnemonic), class IN; `into` is filled and given
 * back.
 */
export function queryOf(name: string, type = 'A', parts: QueryParts = {}, into = new Query()): Query {
  const wire = nameFromText(name)
  const code = typeCode(type)
  if (wire === undefined || code === undefined) throw new Error(`${name} ${type} is no question`)
  return queryOfWire(wire, code, parts, into)
}

/** As queryOf, of a name in wire form. */
export function queryOfWire(wire: Uint8Array, type: number, parts: QueryParts = {}, into = new Query()): Query {
  const message = new Uint8Array(HEADER + wire.length + 4)
  message.set(wire, HEADER)
  message[5] = 1
  message[HEADER + wire.length] = type >> 8
  message[HEADER + wire.length + 1] = type & 0xff
  message[HEADER + wire.length + 3] = 1
  into.bytes = message
  into.at = 0
  into.length = message.length
  into.flags = RD | (parts.checkingDisabled ? CD : 0)
  into.type = type
  into.askType = type
  into.class = 1
  into.nameLength = wire.length
  lowerName(wire, 0, wire.length, into.name, 0)
  into.labelCount = 0
  for (let at = 0; wire[at] !== 0; at += (wire[at] as number) + 1) into.labels[into.labelCount++] = at
  into.hasOpt = parts.hasOpt || parts.dnssecOk ? 1 : 0
  into.dnssecOk = parts.dnssecOk ? 1 : 0
  into.streamed = parts.streamed ? 1 : 0
  into.receivedAt = parts.receivedAt ?? 1_000_000
  into.dry = parts.dry ? 1 : 0
  into.marks = 0
  into.probes = 0
  into.held = 0
  into.alias = 0
  into.askedLength = wire.length
  into.cacheOnly = 0
  writeMapped(addressFromText(parts.client ?? '127.0.0.1') as Uint8Array, into.client, 0)
  return into
}
