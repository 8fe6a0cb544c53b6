import { RULE_FINISHED, RULE_OBSERVED, rule as ruleCounters } from '../../metrics/catalog.ts'
import type { Answer } from '../../query/answer.ts'
import { PASS, REPLY } from '../../query/verdict.ts'
import { typeName } from '../../wire/codes.ts'
import { addressToText, nameToText } from '../../wire/text.ts'
import type { Host, Rule, RuleKind } from '../rule.ts'
import { explainRebinding } from './explain.ts'
import { PrivateFinder } from './finder.ts'
import { insideNames } from './inside.ts'
import { type RebindingSettings, rebindingSettings } from './settings.ts'

/** Refuses answers by which a public name leads to an address inside: a page from outside must not reach what is in here under its own name. */
export const rebinding: RuleKind<RebindingSettings> = {
  name: 'rebinding',
  settings: rebindingSettings,
  memory: () => eventMemory,
  create,
}

function create({ allow }: RebindingSettings, host: Host): Rule {
  const { counters, index, observed } = host
  const { inside, whyInside } = insideNames(allow, host.names)
  const finder = new PrivateFinder()
  const shaped = ruleCounters.at(index, observed ? RULE_OBSERVED : RULE_FINISHED)
  const { key, bytes } = eventMemory
  // In whole seconds, when the next event may be: one cell for all shards.
  const nextEvent = new Int32Array(host.shared(key, bytes) ?? new SharedArrayBuffer(bytes))

  return {
    // With DO and CD too. To a validator behind us an unsigned NODATA is bogus where the zone is signed, so it refuses the name as we do; to let such
    // queries pass would leave those who validate unprotected, and for a signed zone of the operator's own there is `allow`.
    checkAnswer(answer) {
      const { answers } = answer.rebuilt
      if (finder.find(answer, 0, answers)) {
        if (isInside(answer)) return PASS
        say(answer)
        return REPLY
      }
      if (finder.find(answer, answers, answer.count) && !isInside(answer)) {
        if (!observed) answer.rebuilt.dropAdditionals()
        counters.add(shaped)
      }
      return PASS
    },

    explainAnswer: (query, kept, isRefused) => explainRebinding(query, kept, isRefused, observed, whyInside(query)),
  }

  function isInside(answer: Answer): boolean {
    return inside.longestSuffix(answer) !== -1 || host.names.localNames.labelOf(answer) !== -1
  }

  /** Once a minute at most: whoever attacks must not fill the log. */
  function say(answer: Answer): void {
    const now = Math.floor(host.clock.now() / 1000)
    const due = Atomics.load(nextEvent, 0)
    if (now < due || Atomics.compareExchange(nextEvent, 0, due, now + eventSeconds) !== due) return
    const subject = nameToText(answer.name)
    const address = addressToText(answer.body.subarray(finder.at, finder.at + finder.length))
    const verdict = observed ? 'would be refused in enforce mode' : 'is refused'
    host.event({
      state: 'note',
      subject,
      level: 'warn',
      sentence:
        `the answer for ${subject} ${typeName(answer.type)} leads to ${address}, a private address, and ${verdict}; ` +
        'if the name is one of yours, list its zone in guard.rebinding.allow',
      figures: {},
    })
  }
}

const eventMemory = { key: 'rebinding/nextEvent', bytes: 4 }
const eventSeconds = 60
