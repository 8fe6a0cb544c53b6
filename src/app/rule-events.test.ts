import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleEvent } from '../link/messages.ts'
import { RuleEvents } from './rule-events.ts'

const event = (state: RuleEvent['state'], subject: string, rule = 'a'): RuleEvent => ({
  ...{ kind: 'rule', level: 'warn', sentence: `${subject} ${state}s`, figures: { limited: 3 } },
  ...{ state, subject, rule },
})
const subjects = (list: readonly { readonly subject: string }[]): string[] => list.map(({ subject }) => subject)

test('events are kept newest first; an episode is open from its beginning to its end', () => {
  const heard = new RuleEvents()
  const said = [
    ['begin', 'x', ['x']],
    ['note', 'n', ['x']],
    ['begin', 'y', ['x', 'y']],
    ['end', 'x', ['y']],
    ['end', 'never begun', ['y']],
    ['begin', 'y', ['y']],
    ['end', 'y', []],
  ] as const
  for (const [i, [state, subject, open]] of said.entries()) {
    heard.hear(event(state, subject), 1000 + i)
    assert.deepEqual(subjects(heard.open(2000)), open, `${state} ${subject}`)
  }
  assert.deepEqual(subjects(heard.recent()), ['y', 'y', 'never begun', 'x', 'y', 'n', 'x'])
  assert.deepEqual(heard.recent()[6], {
    ...{ at: 1000, rule: 'a', state: 'begin', subject: 'x', sentence: 'x begins', figures: { limited: 3 } },
  })
})

test('two rules may speak of the same subject', () => {
  const heard = new RuleEvents()
  heard.hear(event('begin', 'x', 'a'), 1)
  heard.hear(event('begin', 'x', 'b'), 2)
  heard.hear(event('end', 'x', 'a'), 3)
  assert.deepEqual(heard.open(4), [
    { rule: 'b', subject: 'x', sentence: 'x begins', since: 2, figures: { limited: 3 } },
  ])
})

test('both lists are bounded, and nothing is open for ever', () => {
  const heard = new RuleEvents()
  for (let i = 0; i < 1000; i++) heard.hear(event('begin', `s${i}`), i)
  assert.equal(heard.recent().length, 64)
  assert.deepEqual([heard.open(1000).length, heard.open(1000)[0]?.subject], [256, 's744'])
  assert.equal(heard.open(24 * 3_600_000 + 900).length, 100)
  heard.hear(event('begin', 'x', 'gone'), 24 * 3_600_000)
  heard.keep(['a'])
  assert.ok(!subjects(heard.open(24 * 3_600_000)).includes('x'), 'its rule is not in the plan any more')
  assert.equal(heard.open(24 * 3_600_000).length, 100)
})
