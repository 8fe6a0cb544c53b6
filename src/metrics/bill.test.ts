import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bill } from './bill.ts'
import { BILL_BYTES, BILL_PACKETS, BILL_QUERIES, billRow } from './bill-table.ts'
import { summedLength } from './catalog.ts'
import { looseCounters } from './counters.ts'

function bench(suffixes = ['other', 'example.org', 'lan']) {
  const lanes = [looseCounters(), looseCounters()]
  const live = { suffixes }
  const source = { lanes: () => lanes.map(({ lane }) => lane), rules: ['a', 'b'], suffixes: () => live.suffixes }
  const bill = new Bill(source, 7)
  const save = (rule: number, row: number, queries: number, lane = 0): void => {
    const at = summedLength + billRow(rule, row)
    lanes[lane]?.add(at + BILL_QUERIES, queries)
    lanes[lane]?.add(at + BILL_PACKETS, 2 * queries)
    lanes[lane]?.add(at + BILL_BYTES, 100 * queries)
  }
  return { bill, save, live }
}

const saved = (queries: number) => ({ queries, packets: 2 * queries, bytes: 100 * queries })

test('the total is over all lanes and rows, and rows without counts are left out', () => {
  const { bill, save } = bench()
  save(0, 1, 3)
  save(0, 1, 4, 1)
  save(1, 0, 5)
  assert.deepEqual(bill.report(), {
    since: 7,
    total: saved(12),
    lastMinute: saved(0),
    lastHour: { minutes: 0, ...saved(0) },
    bySuffix: [
      { rule: 'a', suffix: 'example.org', ...saved(7), lastMinute: saved(0) },
      { rule: 'b', suffix: 'other', ...saved(5), lastMinute: saved(0) },
    ],
  })
})

test('the last minute is the one that is over; what comes after it is in the total alone', () => {
  const { bill, save } = bench()
  save(0, 1, 3)
  bill.minute()
  save(0, 1, 10)
  save(1, 2, 1)
  bill.minute()
  save(0, 1, 100)
  const { total, lastMinute, bySuffix } = bill.report()
  assert.deepEqual([total, lastMinute], [saved(114), saved(11)])
  assert.deepEqual(
    bySuffix.map((row) => row.lastMinute),
    [saved(10), saved(1)],
  )
  bill.minute()
  bill.minute()
  assert.deepEqual(bill.report().lastMinute, saved(0))
  assert.deepEqual(bill.report().bySuffix[0]?.lastMinute, saved(0))
})

test('the last hour is the mean of its minutes, and forgets those before it', () => {
  const { bill, save } = bench()
  save(0, 1, 6)
  bill.minute()
  bill.minute()
  bill.minute()
  assert.deepEqual(bill.report().lastHour, { minutes: 3, queries: 2, packets: 4, bytes: 200 })
  save(0, 1, 60)
  for (let i = 0; i < 57; i++) bill.minute()
  assert.deepEqual(bill.report().lastHour, { minutes: 60, queries: 1.1, packets: 2.2, bytes: 110 })
  bill.minute()
  assert.deepEqual(bill.report().lastHour, { minutes: 60, queries: 1, packets: 2, bytes: 100 })
  for (let i = 0; i < 60; i++) bill.minute()
  assert.deepEqual(bill.report().lastHour, { minutes: 60, ...saved(0) })
  assert.deepEqual(bill.report().total, saved(66))
})

test('a row that comes with a reload begins at nothing, and the others go on', () => {
  const { bill, save, live } = bench(['other', 'lan'])
  save(0, 1, 3)
  bill.minute()
  live.suffixes = ['other', 'lan', 'example.org']
  save(0, 2, 2)
  save(0, 1, 1)
  bill.minute()
  assert.deepEqual(
    bill.report().bySuffix.map(({ suffix, queries, lastMinute }) => [suffix, queries, lastMinute.queries]),
    [
      ['lan', 4, 1],
      ['example.org', 2, 2],
    ],
  )
})
