import { integer, list, oneOf, rate } from '../../config/field.ts'
import { ruleSection } from '../../config/rule-section.ts'
import type { SettingsOf } from '../../config/section.ts'
import { prefix } from '../../config/values.ts'

export type RateLimitSettings = SettingsOf<typeof rateLimitSettings>

export const rateLimitSettings = ruleSection(
  'A token bucket per client prefix, in fixed memory that all threads share, so that one client cannot starve the rest.',
  'enforce',
  {
    rate: rate({ default: '500/s', min: '1/s', max: '1000000/s', doc: 'How fast a bucket refills.' }),
    burst: integer({
      default: 1000,
      min: 1,
      max: 10_000_000,
      unit: 'queries',
      doc: 'How much a bucket holds: what a client may ask at once after a pause.',
    }),
    charge: oneOf(['misses', 'all'], {
      default: 'misses',
      doc:
        '`misses` charges only queries that would go upstream, so that a whole node behind one address is not punished ' +
        'for what the cache answers; `all` charges every query.',
    }),
    over: oneOf(['refuse', 'drop', 'truncate'], {
      default: 'refuse',
      doc:
        'What a client over its limit gets. `refuse`: REFUSED with an extended error, so that it knows. `drop`: nothing; ' +
        'most clients then wait and try their next server. `truncate`: an empty reply with TC over UDP, which real ' +
        'clients repeat over TCP and forged ones do not (over TCP it means `refuse`).',
    }),
    exempt: list(prefix, { default: [], maxItems: 1024, doc: 'Client prefixes without a limit.' }),
    prefixV4: integer({
      default: 32,
      min: 8,
      max: 32,
      unit: 'bits',
      doc: 'IPv4 clients that share this prefix share a bucket.',
    }),
    prefixV6: integer({
      default: 64,
      min: 16,
      max: 128,
      unit: 'bits',
      doc: 'IPv6 clients that share this prefix share a bucket.',
    }),
    buckets: integer({
      default: 65_536,
      min: 1024,
      max: 4_194_304,
      unit: 'buckets',
      doc: 'Size of the table, which is all the memory that the rule takes, however many clients there are.',
    }),
  },
)
