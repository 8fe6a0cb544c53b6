import { Class, Type } from '../../wire/codes.ts'
import { type HostsEntry, hostsFromText } from '../../wire/hosts-text.ts'
import { lowerName } from '../../wire/name.ts'
import { addressFromText, wireName } from '../../wire/text.ts'
import { recordFromText, type ZoneRecord } from '../../wire/zone-text.ts'
import type { EverythingSettings, LocalAnswersSettings } from './settings.ts'

/** All that this rule answers from: owners in lower case. `builtIn` records yield to routes and cluster domains. */
export interface LocalRecord extends ZoneRecord {
  readonly builtIn: boolean
}

/**
 * The operator's records, then those of hosts files for names and types that `records` leaves open, then localhost (RFC
 * 6761 section 6.3) for what both leave open. Throws a sentence.
 *
 * @param files the text of a file by its path, undefined when it was not read
 */
export function localRecords(
  settings: Pick<LocalAnswersSettings, 'records' | 'hosts' | 'specialUse'>,
  files: (path: string) => string | undefined,
): LocalRecord[] {
  const own = settings.records.map(ownRecord)
  const hosts = settings.hosts.flatMap((path) => {
    const text = files(path)
    if (text === undefined) throw new Error(`guard.localAnswers: the hosts file ${path} could not be read`)
    return hostsFromText(text).entries
  })
  return withUntaken(withUntaken(own, hostsRecords(hosts)), settings.specialUse === 'off' ? [] : localhost())
}

/** What is answered for any name. */
export function everythingRecords({ a, aaaa, txt, ttl }: EverythingSettings): LocalRecord[] {
  const seconds = Math.floor(ttl / 1000)
  return [
    record(anyName, Type.A, seconds, addressFromText(a) as Uint8Array),
    record(anyName, Type.AAAA, seconds, addressFromText(aaaa) as Uint8Array),
    ...(txt === 'off' ? [] : [record(anyName, Type.TXT, seconds, characterStrings(Buffer.from(txt)))]),
  ]
}

/** A name as the key of a Map. */
export function textKey(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.length).toString('latin1')
}

/** TTL of what comes from hosts files, in seconds: short, since they change without anybody telling the clients. */
const hostsTtl = 60
/** The owner that `everything` is filed under, which no reply shows. */
const anyName = Uint8Array.of(0)
/** localhost never changes: a day. */
const localhostTtl = 86_400

function ownRecord(text: string): LocalRecord {
  const record = recordFromText(text)
  if ('error' in record) throw new Error(`guard.localAnswers: ${record.error} in: ${text}`)
  if (record.class !== Class.IN) throw new Error(`guard.localAnswers: only class IN is answered, not: ${text}`)
  return { ...record, owner: lowered(record.owner), builtIn: false }
}

/** A and AAAA of each name, and PTR of each address to the first name that it has in any file. */
function hostsRecords(entries: readonly HostsEntry[]): LocalRecord[] {
  const records: LocalRecord[] = []
  const reversed = new Set<string>()
  for (const { address, names } of entries) {
    const key = textKey(address)
    if (!reversed.has(key)) records.push(record(reverseName(address), Type.PTR, hostsTtl, names[0] as Uint8Array))
    reversed.add(key)
    for (const name of names) {
      records.push(record(lowered(name), address.length === 4 ? Type.A : Type.AAAA, hostsTtl, address))
    }
  }
  return records
}

/** RFC 1035 section 3.3.14: of 255 bytes at most, each behind its length. */
function characterStrings(bytes: Uint8Array): Uint8Array {
  const wire: number[] = []
  for (let at = 0; at === 0 || at < bytes.length; at += 255) {
    const part = bytes.subarray(at, at + 255)
    wire.push(part.length, ...part)
  }
  return Uint8Array.from(wire)
}

function localhost(): LocalRecord[] {
  return ['localhost', '*.localhost'].map(wireName).flatMap((owner) => [
    { ...record(owner, Type.A, localhostTtl, addressFromText('127.0.0.1') as Uint8Array), builtIn: true },
    { ...record(owner, Type.AAAA, localhostTtl, addressFromText('::1') as Uint8Array), builtIn: true },
  ])
}

/** `more` without what `records` has for the same name and type, and without names that are aliases there. */
function withUntaken(records: readonly LocalRecord[], more: readonly LocalRecord[]): LocalRecord[] {
  if (records.length === 0 || more.length === 0) return [...records, ...more]
  const owners = new Set(more.map(({ owner }) => textKey(owner)))
  const taken = new Set(records.filter(({ owner }) => owners.has(textKey(owner))).map(kindKey))
  const isFree = (one: LocalRecord) => !taken.has(kindKey(one)) && !taken.has(kindKey({ ...one, type: Type.CNAME }))
  return [...records, ...more.filter(isFree)]
}

const kindKey = ({ owner, type }: ZoneRecord): string => `${type} ${textKey(owner)}`

function record(owner: Uint8Array, type: number, ttl: number, rdata: Uint8Array): LocalRecord {
  return { owner, type, class: Class.IN, ttl, rdata, builtIn: false }
}

/** `10.0.0.5` → 5.0.0.10.in-addr.arpa; IPv6 by nibbles below ip6.arpa (RFC 3596 section 2.5). */
function reverseName(address: Uint8Array): Uint8Array {
  const wire: number[] = []
  for (let i = address.length - 1; i >= 0; i--) {
    const byte = address[i] as number
    if (address.length === 4) {
      const digits = String(byte)
      wire.push(digits.length)
      for (let d = 0; d < digits.length; d++) wire.push(digits.charCodeAt(d))
    } else wire.push(1, hexDigits.charCodeAt(byte & 15), 1, hexDigits.charCodeAt(byte >> 4))
  }
  return Uint8Array.from([...wire, ...(address.length === 4 ? inAddr : ip6)])
}

const hexDigits = '0123456789abcdef'
const inAddr = wireName('in-addr.arpa')
const ip6 = wireName('ip6.arpa')

function lowered(name: Uint8Array): Uint8Array {
  const to = new Uint8Array(name.length)
  lowerName(name, 0, name.length, to, 0)
  return to
}
