import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Quantity } from './field.ts'
import { readQuantity } from './quantity.ts'

const good: readonly [Quantity, unknown, number][] = [
  ['duration', '1900ms', 1900],
  ['duration', '30s', 30_000],
  ['duration', '1.5s', 1500],
  ['duration', '5 m', 300_000],
  ['duration', '1h', 3_600_000],
  ['duration', '7d', 604_800_000],
  ['size', '16MiB', 16_777_216],
  ['size', '512KiB', 524_288],
  ['rate', '500/s', 500],
  ['rate', '600/m', 10],
]

const bad: readonly [Quantity, unknown, string | undefined][] = [
  ['duration', 30, '30s'],
  ['duration', '30', '30s'],
  ['duration', '30S', '30s'],
  ['duration', '30sec', '30s'],
  ['size', '16MB', '16MiB'],
  ['size', '16Mi', '16MiB'],
  ['size', 16, '16MiB'],
  ['rate', 500, '500/s'],
  ['rate', '500s', '500/s'],
  ['duration', '30/s', '30s'],
  ['duration', '-1s', undefined],
  ['duration', 'soon', undefined],
  ['duration', '1s2', undefined],
  ['duration', '1constructor', undefined],
  ['duration', true, undefined],
  ['duration', Number.NaN, undefined],
]

test('quantities are read', () => {
  for (const [kind, input, value] of good) assert.deepEqual(readQuantity(kind, input), { value }, String(input))
})

test('wrong units are refused, with what was meant', () => {
  for (const [kind, input, suggestion] of bad) {
    const read = readQuantity(kind, input)
    assert.ok('error' in read, String(input))
    assert.equal(read.suggestion, suggestion, String(input))
  }
})
