import { nameToText } from '../../wire/text.ts'
import type { Host } from '../rule.ts'

/** What the operator hears when a name below a missing parent exists. Names are wire form. */
export function withdrawal(suffix: Uint8Array, child: Uint8Array, parent: Uint8Array): Parameters<Host['event']>[0] {
  const subject = nameToText(suffix)
  const sentence =
    `${nameToText(child)} exists although ${nameToText(parent)} is said not to: names below missing parents of ${subject} ` +
    'go upstream until the next reload'
  return { state: 'note', level: 'warn', subject, sentence, figures: {} }
}
