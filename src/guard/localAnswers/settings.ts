import { duration, either, list, oneOf, share, text } from '../../config/field.ts'
import { ruleSection } from '../../config/rule-section.ts'
import { type SettingsOf, section } from '../../config/section.ts'
import { filePath, ipv4, ipv6, shortText, zoneRecord } from '../../config/values.ts'

export type LocalAnswersSettings = SettingsOf<typeof localAnswersSettings>
export type EverythingSettings = SettingsOf<typeof everything>

const everything = section('Fixed answers for any name, for load tests: no upstream is asked.', {
  a: text(ipv4, { default: '192.0.2.1', doc: 'The answer to every A question.' }),
  aaaa: text(ipv6, { default: '2001:db8::1', doc: 'The answer to every AAAA question.' }),
  txt: either('off', shortText, {
    default: 'off',
    doc: 'The answer to every TXT question, without one an empty answer.',
  }),
  ttl: duration({ default: '60s', min: '0s', max: '1d', doc: 'TTL of these answers.' }),
  delay: duration({
    default: '0s',
    min: '0s',
    max: '10s',
    doc: 'How long these answers are held back. Of 8,192 at once in each thread; those above it are sent at once.',
  }),
  loss: share({ default: 0, doc: 'The share of questions that get no answer at all, from 0 to 1.' }),
})

export const localAnswersSettings = ruleSection('Answers from configuration alone, before the cache.', 'enforce', {
  records: list(zoneRecord, {
    default: [],
    maxItems: 10_000,
    doc: 'Records in zone-file syntax, one each: `db.lan. 300 IN A 10.0.0.5`. The owner may be a wildcard.',
  }),
  hosts: list(filePath, {
    default: [],
    maxItems: 64,
    doc: 'Files in the form of /etc/hosts; read at start and at reload.',
  }),
  specialUse: oneOf(['standard', 'strict', 'off'], {
    default: 'standard',
    doc:
      'Names that mean the same everywhere (RFC 6761): `standard` answers localhost, invalid, onion, alt and ' +
      'resolver.arpa here; `strict` also denies local, internal, test, home.arpa and the reverse zones of private ' +
      'addresses, unless the default route has a private upstream, which may serve them; `off` answers none.',
  }),
  everything: either('off', everything, {
    default: 'off',
    doc:
      'For the load-test role: `everything: {}` answers A and AAAA of any name with fixed addresses, other types with ' +
      'an empty answer, and asks no upstream.',
  }),
})
