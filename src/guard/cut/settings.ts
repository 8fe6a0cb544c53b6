import { duration, integer, list, oneOf } from '../../config/field.ts'
import { ruleSection } from '../../config/rule-section.ts'
import type { SettingsOf } from '../../config/section.ts'
import { domain } from '../../config/values.ts'
import { samplesMax } from './cuts.ts'

export type CutSettings = SettingsOf<typeof cutSettings>

export const cutSettings = ruleSection(
  'The scoped cut: nothing exists below a name that does not exist (RFC 8020). Before the first name such as ' +
    '`www.google.com.example.org` goes upstream, its parent `com.example.org` is asked for; if that does not exist, ' +
    'names below it are answered here.',
  'enforce',
  {
    parents: list(domain, {
      default: ['com', 'net', 'org'],
      maxItems: 256,
      doc:
        'What stands left of a search suffix in names that a search list has made of external ones. In cluster zones the ' +
        'same names are looked for where a namespace or a service stands: `google.com.default.svc.cluster.local`.',
    }),
    elsewhere: oneOf(['observe', 'enforce', 'disabled'], {
      default: 'observe',
      doc:
        'Other parents directly below a search suffix. `observe` asks for one only when many names below it were denied, ' +
        'and reports what a cut would have held back; `enforce` cuts below them, too.',
    }),
    except: list(domain, { default: [], maxItems: 1024, doc: 'Names that always pass, with all below them.' }),
    samples: integer({
      default: 3,
      min: 0,
      max: samplesMax,
      unit: 'names',
      doc:
        'How many of the first names below a new cut go upstream all the same; what the same parent costs in cluster zones ' +
        'is taken off. One that exists ends all cuts of that suffix until the next reload.',
    }),
    sampleOneIn: integer({
      default: 100,
      min: 2,
      max: 1_000_000,
      unit: 'names',
      doc: 'After these, one name in so many goes upstream.',
    }),
    maxTtl: duration({
      default: '30s',
      min: '1s',
      max: '1h',
      doc: 'No cut lives longer, nor longer than the denial of the parent; in cluster zones 5 s.',
    }),
    whenDnssec: oneOf(['pass', 'answer'], {
      default: 'pass',
      doc: 'For queries with DO or CD set: a validator would call our answer bogus, so `pass` forwards them.',
    }),
  },
)
