import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queryOf } from '../../test/support/query.ts'
import { LoopBoard, restrainedPerSecond } from './loop-board.ts'

const name = '0123456789abcdef.fedcba9876543210.example.org'

function boards(): [LoopBoard, LoopBoard] {
  const memory = new SharedArrayBuffer(LoopBoard.bytes)
  return [new LoopBoard(memory), new LoopBoard(memory)]
}

test('a probe is seen by any shard, in any letter case, only while in flight, only whole', () => {
  const [first, second] = boards()
  assert.equal(second.sighting(queryOf(name, 'HINFO')), false)
  first.launch(5, 0x01234567, 0x89abcdef | 0, 0xfedcba98 | 0, 0x76543210)
  const rows: readonly (readonly [string, string, boolean])[] = [
    [name, 'HINFO', true],
    [name.toUpperCase(), 'HINFO', true],
    [name, 'TXT', false],
    [name.replace('f', 'e'), 'HINFO', false],
    [name.replace('3210', '3211'), 'HINFO', false],
    [`x.${name}`, 'HINFO', false],
    ['0123456789abcdef.example.org', 'HINFO', false],
    ['0123456789abcdeg.fedcba9876543210.example.org', 'HINFO', false],
    ['fedcba9876543210.0123456789abcdef.example.org', 'HINFO', false],
    ['.', 'HINFO', false],
  ]
  for (const [asked, type, seen] of rows) assert.equal(second.sighting(queryOf(asked, type)), seen, `${asked} ${type}`)
  assert.equal(first.seen(5), 2)
  assert.equal(first.land(5), 2)
  assert.equal(second.sighting(queryOf(name, 'HINFO')), false, 'after its time it is anybody’s question')
})

test('100,000 guesses see nothing', () => {
  const [board] = boards()
  board.launch(0, 1, 2, 3, 4)
  const query = queryOf(name, 'HINFO')
  for (let i = 0; i < 100_000; i++) {
    query.name.set(Buffer.from((i * 40_503).toString(16).padStart(16, '0')), 1)
    assert.equal(board.sighting(query), false)
  }
})

test('at most 20 in any second over all shards, for each upstream and for foreign probes', () => {
  const [first, second] = boards()
  const kinds: readonly ((board: LoopBoard, now: number) => boolean)[] = [
    (board, now) => board.mayAskLooping(0, now),
    (board, now) => board.mayAskLooping(31, now),
    (board, now) => board.passes.pass(now, now, 0, now),
  ]
  // From the first millisecond on, and across the point where a 32-bit clock turns negative and where it starts again.
  for (const start of [0, 2 ** 31 - 2500, 2 ** 32 - 2500]) {
    for (const may of kinds) {
      const passed: number[] = []
      for (let now = start + 0.5; now < start + 5000; now += 7) {
        if (may(Math.round(now) % 2 ? first : second, now)) passed.push(now)
      }
      passed.forEach((at, i) => {
        const window = passed.slice(i).filter((later) => later < at + 1000)
        assert.ok(window.length <= restrainedPerSecond, `${window.length} from ${at}`)
      })
      assert.ok(passed.length > 4 * restrainedPerSecond, `${passed.length} in 5 s`)
    }
  }
})

test('marks are a bit per upstream and route, the last one too', () => {
  const [first, second] = boards()
  for (const upstream of [0, 7, 31]) first.mark(63, upstream)
  assert.ok([0, 7, 31].every((upstream) => second.isLooping(63, upstream)))
  first.heal(63, 31)
  assert.deepEqual([second.isLooping(63, 31), second.looping(63), second.looping(62)], [false, 129, 0])
})
