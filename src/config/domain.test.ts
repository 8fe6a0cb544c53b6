import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDomain } from './domain.ts'

test('domain names are read', () => {
  const good = [
    ['Example.ORG.', 'example.org'],
    ['cluster.local', 'cluster.local'],
    ['k8s', 'k8s'],
    ['_tcp.example.org', '_tcp.example.org'],
    ['0/25.2.0.192.in-addr.arpa', '0/25.2.0.192.in-addr.arpa'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['_x.bücher.example', '_x.xn--bcher-kva.example'],
    [`${'a'.repeat(63)}.b`, `${'a'.repeat(63)}.b`],
  ] as const
  for (const [text, value] of good) assert.deepEqual(readDomain(text), { value }, text)
})

test('what is no domain name is refused', () => {
  const long = Array.from({ length: 64 }, () => 'abc').join('.')
  for (const text of ['', '.', '..', 'a..b', '.a', 'a b', 'a\u0000', 'a\\.b', 'x:53', `${'a'.repeat(64)}.b`, long]) {
    assert.ok('error' in readDomain(text), text)
  }
  const star = readDomain('*.example.org')
  assert.ok('error' in star)
  assert.equal(star.suggestion, 'example.org')
})
