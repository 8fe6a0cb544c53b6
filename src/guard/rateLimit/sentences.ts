import { isMapped } from '../../base/address.ts'
import type { RuleEvent } from '../../link/messages.ts'
import { addressToText, nameToText } from '../../wire/text.ts'
import type { Episode } from './episodes.ts'
import type { Level } from './levels.ts'
import type { RateLimitSettings } from './settings.ts'

/** An episode's beginning or end for the log and /api/stats: who, where, how much. */
export function eventOf(
  episode: Episode,
  isBegin: boolean,
  levels: readonly Level[],
  settings: RateLimitSettings,
  observed: boolean,
): Omit<RuleEvent, 'kind' | 'rule'> {
  const level = levels[episode.level]
  const subject = subjectOf(episode, level)
  const [refused, failed, dropped, truncated] = episode.counts
  const limited = refused + failed + dropped + truncated
  const { seconds } = episode
  const figures = { limited, refused, failed, dropped, truncated, seconds }
  if (isBegin) {
    const limit = level === undefined ? 'their limits' : `the limit of ${Number(level.rate.toFixed(2))}/s`
    const sentence = `${subject}: over ${limit}; ${consequence(settings, observed)}`
    return { state: 'begin', level: 'warn', subject, sentence, figures: {} }
  }
  const held = observed ? 'would have been held back' : `${limited === 1 ? 'was' : 'were'} held back`
  const parts = Object.entries({ refused, failed, dropped, truncated })
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${count} ${word}`)
  const sentence = `${subject}: within the limit again; ${limited} ${limited === 1 ? 'query' : 'queries'} in ${seconds} s ${held} (${parts.join(', ')})`
  return { state: 'end', level: 'info', subject, sentence, figures }
}

function subjectOf({ lane, client, domain }: Episode, level: Level | undefined): string {
  if (level === undefined) return 'other clients and domains'
  const who = prefixText(client, level)
  const what = level.byName ? `${domainText(domain)} from ${who}` : `all names from ${who}`
  return lane === 0 ? what : `${what} over TCP`
}

function prefixText(client: Uint8Array, { prefix }: Level): string {
  const mapped = isMapped(client, 0)
  const length = (mapped ? prefix.v4 : prefix.v6) ?? 0
  if (length === 0) return 'all clients'
  const address = mapped ? client.subarray(12) : client
  const masked = address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length - 8 * i))))
  const text = addressToText(masked)
  return length === 8 * address.length ? text : `${text}/${length}`
}

/** As in a configuration; a client chose it, so it is escaped, and cut. */
function domainText(domain: Uint8Array): string {
  if (domain.length === 0) return 'queries without a name'
  const text = nameToText(domain)
  if (text === '.') return 'names of one label'
  const bare = text.slice(0, -1)
  return bare.length <= domainTextMax ? bare : `${bare.slice(0, domainTextMax)}...`
}

function consequence({ charge, over }: RateLimitSettings, observed: boolean): string {
  if (observed) return 'it only observes, so that nothing is held back'
  const fate = { refuse: 'refused', servfail: 'answered SERVFAIL', drop: 'dropped', truncate: 'sent to TCP' }[over]
  return charge === 'misses' ? `what is cached is answered, all else is ${fate}` : `its queries are ${fate}`
}

const domainTextMax = 128
