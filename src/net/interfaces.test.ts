import assert from 'node:assert/strict'
import type { NetworkInterfaceInfo } from 'node:os'
import { networkInterfaces } from 'node:os'
import { describe, it } from 'node:test'
import { addressFromNode, endpointText } from './endpoint-text.ts'
import { expandWildcard, isWildcard } from './interfaces.ts'

const machine = {
  lo: [four('127.0.0.1'), six('::1', 0)],
  eth0: [four('192.168.1.7'), six('2001:db8::7', 0), six('fe80::1', 2)],
  wg0: [four('10.1.0.1'), four('192.168.1.7'), six('fe80::1', 5)],
  gone: undefined,
}

describe('expandWildcard', () => {
  const cases: [string, string[]][] = [
    ['0.0.0.0', ['10.1.0.1:53', '127.0.0.1:53', '192.168.1.7:53']],
    ['::', ['[::1]:53', '[2001:db8::7]:53', '[fe80::1%2]:53', '[fe80::1%5]:53']],
    ['192.168.1.9', ['192.168.1.9:53']],
    ['::1', ['[::1]:53']],
  ]
  for (const [text, expected] of cases) {
    it(text, () => {
      const found = expandWildcard({ address: addressFromNode(text), port: 53, scope: 0 }, machine)
      assert.deepEqual(found.map(endpointText), expected)
    })
  }

  it('finds the loopback address of this machine', () => {
    const found = expandWildcard({ address: new Uint8Array(4), port: 53, scope: 0 }, networkInterfaces())
    assert.ok(found.map(endpointText).includes('127.0.0.1:53'))
  })

  it('is empty on a machine without addresses', () => {
    assert.deepEqual(expandWildcard({ address: new Uint8Array(16), port: 53, scope: 0 }, {}), [])
  })
})

it('knows a wildcard', () => {
  const of = (text: string) => isWildcard({ address: addressFromNode(text), port: 53, scope: 0 })
  assert.deepEqual(['0.0.0.0', '::', '0.0.0.1', '::1'].map(of), [true, true, false, false])
})

function four(address: string): NetworkInterfaceInfo {
  return { address, family: 'IPv4', netmask: '', mac: '', internal: false, cidr: null }
}

function six(address: string, scopeid: number): NetworkInterfaceInfo {
  return { address, family: 'IPv6', netmask: '', mac: '', internal: false, cidr: null, scopeid }
}
