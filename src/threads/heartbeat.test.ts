import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Heartbeat, type Look } from './heartbeat.ts'

/** Looks at a worker every 500 ms; each step says what has been added since the one before. */
function judge(
  steps: readonly { beat?: number; cpu?: number; queued?: number; late?: number }[],
): (string | undefined)[] {
  const heartbeat = new Heartbeat(500)
  const at = { now: 0, beat: 0, cpu: 0, queued: 0 }
  return steps.map(({ beat = 0, cpu = 0, queued = 0, late = 0 }) => {
    at.now += 500 + late
    at.beat += beat
    at.cpu += cpu
    at.queued += queued
    return heartbeat.look({ ...at })
  })
}

const repeat = <T>(count: number, step: T): T[] => new Array<T>(count).fill(step)

test('a worker whose turns run is well, however busy', () => {
  assert.ok(judge(repeat(20, { beat: 3, cpu: 500 })).every((verdict) => verdict === undefined))
})

test('a second of CPU without a turn is a loop that does not end', () => {
  const verdicts = judge([{ beat: 1 }, { cpu: 490 }, { cpu: 490 }, { cpu: 490 }])
  assert.deepEqual(verdicts.slice(0, 3), [undefined, undefined, undefined])
  assert.match(verdicts[3] as string, /1470 ms of CPU/)
})

test('a starved worker is not blamed: it stands ready and gets no core', () => {
  assert.ok(judge([{ beat: 1 }, ...repeat(40, { cpu: 2, queued: 490 })]).every((verdict) => verdict === undefined))
})

test('a sleeper that no kick wakes is found, unless main itself is late', () => {
  const verdicts = judge([{ beat: 1 }, ...repeat(6, {})])
  assert.equal(
    verdicts.findIndex((verdict) => verdict !== undefined),
    6,
  )
  assert.ok(judge([{ beat: 1 }, ...repeat(40, { late: 400 })]).every((verdict) => verdict === undefined))
})

test('without knowledge of CPU, ten silent seconds', () => {
  const heartbeat = new Heartbeat(500)
  const look = (now: number): Look => ({ now, beat: 1, cpu: undefined, queued: undefined })
  const verdicts = Array.from({ length: 21 }, (_, i) => heartbeat.look(look(i * 500)))
  assert.equal(
    verdicts.findIndex((verdict) => verdict !== undefined),
    20,
  )
})
