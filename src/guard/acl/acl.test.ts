import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardOf, replyTo } from '../../../test/support/guard.ts'
import { queryOf } from '../../../test/support/query.ts'
import { RULE_LIMITED, RULE_OBSERVED } from '../../metrics/catalog.ts'
import { PASS, REPLY } from '../../query/verdict.ts'

const onLink = [{ bytes: Uint8Array.of(203, 0, 113, 0), length: 24 }]

/** Settings, clients that may ask, clients that may not. */
const cases: readonly [Record<string, unknown>, readonly string[], readonly string[]][] = [
  [
    {},
    [
      ...['127.0.0.1', '127.255.255.255', '::1', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
      ...['100.64.0.1', '100.127.255.255', '169.254.25.10', 'fe80::1', 'febf::1', 'fd00::1', '203.0.113.9'],
    ],
    ['128.0.0.1', '172.32.0.1', '100.128.0.1', '192.0.2.1', '203.0.114.1', '::2', 'fec0::1', '2001:db8::1', '0.0.0.0'],
  ],
  [{ allow: ['private'] }, ['10.0.0.1'], ['203.0.113.9']],
  [{ allow: ['onLink'] }, ['203.0.113.9'], ['10.0.0.1', '127.0.0.1']],
  [{ allow: [] }, [], ['127.0.0.1', '::1']],
  [{ allow: ['0.0.0.0/0'] }, ['8.8.8.8', '0.0.0.0'], ['::1', '2001:db8::1']],
  [{ allow: ['::/0'] }, ['::1', '2001:db8::1'], ['8.8.8.8', '10.0.0.1']],
  [
    { allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16'] },
    ['10.0.0.1', '10.2.0.1'],
    ['10.1.0.0', '10.1.255.255', '11.0.0.1'],
  ],
  [{ allow: ['private'], deny: ['private'] }, [], ['10.0.0.1']],
  [{ allow: ['2001:db8::/33'] }, ['2001:db8:7fff::1'], ['2001:db8:8000::1', '2001:db9::1']],
]

test('who may ask', () => {
  for (const [acl, allowed, denied] of cases) {
    const { guard, counted } = guardOf({ rules: { acl }, onLink })
    for (const client of allowed) assert.equal(guard.admit(queryOf('x.test', 'A', { client })), PASS, client)
    for (const client of denied) assert.equal(guard.admit(queryOf('x.test', 'A', { client })), REPLY, client)
    assert.equal(counted('acl', RULE_LIMITED), denied.length)
  }
})

test('others get REFUSED with an extended error, in no more bytes than they sent but for it', () => {
  const { guard } = guardOf({ rules: { acl: { allow: [] } } })
  const query = queryOf('x.test', 'A', { hasOpt: true })
  guard.admit(query)
  const { rcode, aa, answers, authority, edns } = replyTo(query, guard.draft)
  assert.deepEqual([rcode, aa, answers.length, authority.length], [5, false, 0, 0])
  assert.deepEqual(
    edns?.options.map(({ code, data }) => [code, data.readUInt16BE(0), data.toString('latin1', 2)]),
    [[15, 18, 'acl: not allowed']],
  )
})

test('it also judges messages whose name could not be read', () => {
  const { guard } = guardOf({ rules: { acl: {} } })
  const query = queryOf('.', 'A', { client: '192.0.2.1' })
  query.nameLength = 0
  query.labelCount = 0
  assert.equal(guard.admit(query), REPLY)
})

test('guard.mode: observe leaves it in force, its own mode does not', () => {
  const query = queryOf('x.test', 'A', { client: '192.0.2.1' })
  assert.equal(guardOf({ mode: 'observe', rules: { acl: {} } }).guard.admit(query), REPLY)
  const observing = guardOf({ rules: { acl: { mode: 'observe' } } })
  assert.equal(observing.guard.admit(query), PASS)
  assert.equal(observing.counted('acl', RULE_OBSERVED), 1)
})
