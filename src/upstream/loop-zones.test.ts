import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queryOf } from '../../test/support/query.ts'
import { LoopBoard } from './loop-board.ts'
import { HINT_ADDRESS, HINT_SAME } from './loop-hints.ts'
import { loopZonesMax } from './loop-zones.ts'

function boards(): [LoopBoard, LoopBoard] {
  const memory = new SharedArrayBuffer(LoopBoard.bytes)
  return [new LoopBoard(memory), new LoopBoard(memory)]
}

const wire = (name: string): Uint8Array => {
  const query = queryOf(name)
  return query.name.slice(0, query.nameLength)
}

test('a zone is marked with all names in it, at its upstreams and route alone, for every shard', () => {
  const [first, second] = boards()
  assert.ok(first.zones.mark(1, 3, wire('corp.example')))
  assert.ok(first.zones.mark(1, 31, wire('corp.example')))
  const table = [
    [1, 'corp.example', (1 << 3) | (1 << 31)],
    [1, 'a.b.corp.example', (1 << 3) | (1 << 31)],
    [0, 'a.corp.example', 0],
    [1, 'example', 0],
    [1, 'acorp.example', 0],
    [1, '\\004corp.example', 0],
    [1, '.', 0],
  ] as const
  for (const [route, name, mask] of table) {
    const bytes = wire(name)
    assert.equal(second.loopingFor(route, bytes, 0, bytes.length), mask, name)
    const shifted = Uint8Array.of(9, 9, 9, ...bytes)
    assert.equal(second.zones.looping(route, shifted, 3, bytes.length), mask, name)
  }
  first.mark(1, 0)
  assert.equal(second.loopingFor(1, wire('a.corp.example'), 0, wire('a.corp.example').length), 1 | (1 << 3) | (1 << 31))
  first.zones.heal(1, 3, wire('corp.example'))
  assert.deepEqual(second.zones.list(), [{ route: 1, zone: wire('corp.example'), mask: 1 << 31 }])
  first.zones.heal(1, 31, wire('corp.example'))
  assert.deepEqual(second.zones.list(), [])
})

test('there is room for so many zones and no more; a place that was healed is used again', () => {
  const [board] = boards()
  for (let i = 0; i < loopZonesMax; i++) assert.ok(board.zones.mark(0, 0, wire(`z${i}.example`)))
  assert.equal(board.zones.mark(0, 0, wire('more.example')), false)
  assert.ok(board.zones.mark(0, 1, wire('z5.example')), 'one that is there takes no place')
  board.zones.heal(0, 0, wire('z7.example'))
  assert.ok(board.zones.mark(0, 0, wire('more.example')))
  assert.equal(board.zones.list().length, loopZonesMax)
})

const drawn = (board: LoopBoard): string => Buffer.from(board.hints.name.subarray(0, board.hints.nameLength)).toString()

function post(board: LoopBoard, name: string, strength: number, now: number): void {
  const bytes = wire(name)
  board.hints.post(2, 4, bytes, 0, bytes.length, strength, now)
}

test('a hint reaches the other shard once, whatever the time', () => {
  const [first, second] = boards()
  assert.equal(second.hints.arePosted(), false)
  post(first, 'a.test', HINT_SAME, 1000)
  assert.deepEqual([second.hints.arePosted(), second.hints.arePosted()], [true, false])
  assert.deepEqual([second.hints.isReady(1), second.hints.isReady(2)], [false, true])
  assert.deepEqual([second.hints.take(1), second.hints.take(2), second.hints.take(2)], [false, true, false])
  assert.deepEqual([second.hints.route, drawn(second)], [4, Buffer.from(wire('a.test')).toString()])
  for (const now of [0, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32 + 7]) {
    post(first, 'b.test', HINT_ADDRESS, now)
    assert.equal(second.hints.take(2), true)
  }
  post(first, 'c.test', HINT_SAME, 5)
  second.hints.clear()
  assert.equal(second.hints.take(2), false, 'another plan has other upstreams')
})

test('of many hints the stronger kind wins, and of one kind each may', () => {
  const [board] = boards()
  let fromAddress = 0
  let rare = 0
  for (let round = 0; round < 400; round++) {
    for (let i = 0; i < 30; i++) {
      post(board, 'flood.test', HINT_SAME, round * 101 + i)
      if (i === 15) post(board, 'true.test', round % 2 === 0 ? HINT_ADDRESS : HINT_SAME, round * 101 + i)
    }
    assert.ok(board.hints.take(2))
    if (!drawn(board).includes('true')) continue
    if (round % 2 === 0) fromAddress++
    else rare++
  }
  assert.equal(fromAddress, 200)
  assert.ok(rare >= 1 && rare <= 30, `${rare} of 200, 1 of 31 each`)
})

test('a probe is known for 5 s by its name, with where it went', () => {
  const [first, second] = boards()
  assert.ok(first.passes.pass(77, 1, 3, 1000))
  assert.ok(second.passes.pass(77, 1, 5, 2000))
  assert.deepEqual(
    [second.passes.tried(77, 5999), second.passes.tried(77, 6001), second.passes.tried(78, 2000)],
    [40, 32, 0],
  )
  assert.equal(second.passes.tried(77, 7001), 0)
})
