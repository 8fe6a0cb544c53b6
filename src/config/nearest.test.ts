import assert from 'node:assert/strict'
import { test } from 'node:test'
import { editDistance, nearest } from './nearest.ts'

test('the distance counts letters put in, left out and changed', () => {
  assert.equal(editDistance('', 'abc'), 3)
  assert.equal(editDistance('kitten', 'sitting'), 3)
  assert.equal(editDistance('listen', 'listen'), 0)
})

test('slips find their word and strangers do not', () => {
  const known = ['listen', 'upstreams', 'cache', 'rateLimit']
  assert.equal(nearest('lisen', known), 'listen')
  assert.equal(nearest('upstream', known), 'upstreams')
  assert.equal(nearest('rate_limit', known), 'rateLimit')
  assert.equal(nearest('Cache', known), 'cache')
  assert.equal(nearest('zebra', known), undefined)
  assert.equal(nearest('x'.repeat(1_000_000), known), undefined)
})
