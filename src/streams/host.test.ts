import assert from 'node:assert/strict'
import os from 'node:os'
import { test } from 'node:test'
import { hostOf } from './host.ts'

const linkLocal = new Uint8Array([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])

test('addresses as node:net takes them', (t) => {
  assert.equal(hostOf({ address: new Uint8Array([127, 0, 0, 1]), scope: 0 }), '127.0.0.1')
  assert.equal(hostOf({ address: linkLocal, scope: 0 }), 'fe80::1')
  t.mock.method(os, 'networkInterfaces', () => ({
    eth7: [
      { family: 'IPv4', address: '10.0.0.1' },
      { family: 'IPv6', address: 'fe80::9', scopeid: 12 },
    ],
  }))
  assert.equal(hostOf({ address: linkLocal, scope: 12 }), 'fe80::1%eth7')
  assert.equal(hostOf({ address: linkLocal, scope: 13 }), 'fe80::1%13')
})
