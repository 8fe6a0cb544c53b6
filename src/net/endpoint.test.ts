import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { endpointAddress, endpointLength, readEndpoint, sameEndpoint, writeEndpoint } from './endpoint.ts'
import { addressFromNode, addressText, endpointText } from './endpoint-text.ts'

const endpoints = fc.record(
  {
    address: fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })),
    port: fc.integer({ min: 0, max: 65535 }),
    scope: fc.constant(0),
  },
  { noNullPrototype: true },
)

describe('endpoint', () => {
  it('reads what it wrote, at any place', () => {
    fc.assert(
      fc.property(endpoints, fc.integer({ min: 0, max: 40 }), (endpoint, at) => {
        const bytes = new Uint8Array(80).fill(0xee)
        const length = writeEndpoint(endpoint, bytes, at)
        assert.equal(length, endpointLength(bytes, at))
        assert.equal(length, endpoint.address.length === 4 ? 16 : 28)
        assert.deepEqual(readEndpoint(bytes, at), endpoint)
      }),
    )
  })

  it('keeps the scope of IPv6 in host order', () => {
    const bytes = new Uint8Array(32)
    writeEndpoint({ address: addressFromNode('fe80::1'), port: 53, scope: 7 }, bytes, 0)
    assert.deepEqual([...bytes.subarray(24, 28)], [7, 0, 0, 0])
    assert.equal(readEndpoint(bytes, 0).scope, 7)
  })

  it('compares address, port and scope, and no flow label', () => {
    const a = new Uint8Array(32)
    const b = new Uint8Array(32)
    const one = { address: addressFromNode('2001:db8::1'), port: 53, scope: 0 }
    writeEndpoint(one, a, 0)
    writeEndpoint(one, b, 0)
    b[5] = 9
    assert.ok(sameEndpoint(a, 0, b, 0))
    for (const at of [0, 2, 3, 8, 23, 24]) {
      const other = b.slice()
      other[at] = (other[at] as number) ^ 1
      assert.ok(!sameEndpoint(a, 0, other, 0), `byte ${at}`)
    }
  })

  it('gives the address alone, IPv4 mapped', () => {
    const bytes = new Uint8Array(32)
    const to = new Uint8Array(20)
    writeEndpoint({ address: Uint8Array.of(192, 0, 2, 1), port: 53, scope: 0 }, bytes, 0)
    endpointAddress(bytes, 0, to, 2)
    assert.equal(addressText(to.subarray(2, 18)), '::ffff:192.0.2.1')
    writeEndpoint({ address: addressFromNode('2001:db8::1'), port: 53, scope: 0 }, bytes, 0)
    endpointAddress(bytes, 0, to, 2)
    assert.equal(addressText(to.subarray(2, 18)), '2001:db8::1')
  })
})

describe('endpoint-text', () => {
  it('reads every address that it writes', () => {
    fc.assert(fc.property(endpoints, ({ address }) => assert.deepEqual(addressFromNode(addressText(address)), address)))
  })

  const texts = [
    '::',
    '::1',
    '1::',
    '2001:db8::1',
    'fe80::1:0:0:1',
    '1:2:3:4:5:6:7:8',
    '::ffff:10.0.0.1',
    '0.0.0.0',
    '255.1.2.3',
  ]
  for (const text of texts) it(text, () => assert.equal(addressText(addressFromNode(text)), text))

  it('leaves the scope of Node aside and writes ours', () => {
    const address = addressFromNode('fe80::1%eth0')
    assert.equal(endpointText({ address, port: 53, scope: 2 }), '[fe80::1%2]:53')
  })
})
