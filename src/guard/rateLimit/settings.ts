import { boolean, integer, list, oneOf, rate } from '../../config/field.ts'
import { ruleSection } from '../../config/rule-section.ts'
import type { SettingsOf } from '../../config/section.ts'
import { prefix } from '../../config/values.ts'

export type RateLimitSettings = SettingsOf<typeof rateLimitSettings>

export const rateLimitSettings = ruleSection(
  'Token buckets by client and domain, in fixed memory that all threads share: no client starves the others, and no ' +
    "flood below one domain starves its client's other names.",
  'enforce',
  {
    rate: rate({
      default: '500/s',
      min: '1/s',
      max: '1000000/s',
      doc:
        'How fast a bucket refills. There is one for each client and domain (the last two labels, or the search suffix or ' +
        'cluster domain that the name is below).',
    }),
    burst: integer({
      default: 1000,
      min: 1,
      max: 10_000_000,
      unit: 'queries',
      doc: 'How much a bucket holds: what a client may ask below one domain at once after a pause.',
    }),
    clientFactor: integer({
      default: 4,
      min: 1,
      max: 1000,
      unit: 'times rate and burst',
      doc:
        'What all names of one client together may take, so that a flood of ever new domains is held back too. Networks ' +
        'get multiples of it: IPv4 /24 32, /20 256, /18 768; IPv6 /64 2, /56 3, /48 4, /32 64.',
    }),
    shared: boolean({
      default: false,
      doc:
        'Buckets by domain only, for all clients together, where the client is a whole node or pod; then `clientFactor` ' +
        'is about all names of all clients, and there are no networks.',
    }),
    charge: oneOf(['misses', 'all'], {
      default: 'misses',
      doc:
        '`misses` charges only queries that would go upstream, so that a whole node behind one address is not punished ' +
        'for what the cache answers, and over the limit still answers from the cache; `all` charges and limits every query.',
    }),
    over: oneOf(['refuse', 'servfail', 'drop', 'truncate'], {
      default: 'refuse',
      doc:
        'What a query over the limit gets. `refuse`: REFUSED with an extended error, which no cache keeps. `servfail`: ' +
        'SERVFAIL with it, which CoreDNS keeps for 5 s. `drop`: nothing; most clients then wait and try their next ' +
        'server. `truncate`: an empty reply with TC over UDP, which real clients repeat over TCP and forged ones do not ' +
        '(over TCP it means `refuse`).',
    }),
    slip: integer({
      default: 2,
      min: 0,
      max: 100,
      unit: 'queries',
      doc:
        'For public clients over UDP: each so manieth query over the limit gets an empty reply with TC in place of what ' +
        '`over` says, and over TCP such clients have buckets of their own, so that somebody whose address is forged is ' +
        'still served. 0: none.',
    }),
    slipPrivate: integer({
      default: 0,
      min: 0,
      max: 100,
      unit: 'queries',
      doc: 'The same for private clients; 0, for an old musl takes an empty reply with TC for "no such data".',
    }),
    exempt: list(prefix, { default: [], maxItems: 1024, doc: 'Client prefixes without a limit.' }),
    prefixV4: integer({
      default: 32,
      min: 8,
      max: 32,
      unit: 'bits',
      doc: 'IPv4 clients that share this prefix are one client to the buckets by domain.',
    }),
    prefixV6: integer({
      default: 64,
      min: 16,
      max: 128,
      unit: 'bits',
      doc: 'IPv6 clients that share this prefix are one client to the buckets by domain.',
    }),
    buckets: integer({
      default: 65_536,
      min: 1024,
      max: 4_194_304,
      unit: 'buckets',
      doc:
        'Buckets by domain, 8 bytes each, rounded down to a power of two; those of clients and networks take half as much again, and that is all the ' +
        'memory that the rule takes, however many clients there are.',
    }),
  },
)
