import type { EpisodeState, RuleEventState } from '../admin/provider.ts'
import type { RuleEvent } from '../link/messages.ts'

/** Events that are shown. */
const eventsMax = 64
/** Episodes that are shown as going on; of more, the oldest are forgotten. */
const openMax = 256
/** An episode that nobody has ended for so long is forgotten: whoever began it may be gone. */
const episodeMsMax = 24 * 3_600_000

/** What rules have said, as main keeps it for /api/stats: the last events, and episodes that have begun and not ended. */
export class RuleEvents {
  private readonly events: RuleEventState[] = []
  /** By rule and subject, oldest first. */
  private readonly episodes = new Map<string, EpisodeState>()

  /** @param at ms since 1970 */
  hear({ rule, state, subject, sentence, figures }: RuleEvent, at: number): void {
    this.events.unshift({ at, rule, state, subject, sentence, figures })
    if (this.events.length > eventsMax) this.events.pop()
    if (state === 'note') return
    const key = JSON.stringify([rule, subject])
    this.episodes.delete(key)
    if (state === 'end') return
    this.episodes.set(key, { rule, subject, sentence, since: at, figures })
    const [oldest] = this.episodes.keys()
    if (this.episodes.size > openMax) this.episodes.delete(oldest as string)
  }

  /** After a reload: of rules that are not in the plan any more, nobody says an end. */
  keep(rules: readonly string[]): void {
    for (const [key, { rule }] of this.episodes) if (!rules.includes(rule)) this.episodes.delete(key)
  }

  /** Newest first. */
  recent(): readonly RuleEventState[] {
    return this.events
  }

  /** Oldest first. */
  open(now: number): readonly EpisodeState[] {
    for (const [key, { since }] of this.episodes) if (now - since > episodeMsMax) this.episodes.delete(key)
    return [...this.episodes.values()]
  }
}
