import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  canonicalAddress,
  isWildcard,
  readClientPrefix,
  readPrefix,
  readSocketAddress,
  readUpstream,
  socketAddressText,
} from './address.ts'

test('listen addresses are IP:port', () => {
  const good = [
    ['127.0.0.1:53', '127.0.0.1', 53],
    ['[::]:1053', '::', 1053],
    ['[2001:DB8:0::1]:65535', '2001:db8::1', 65_535],
    ['[fe80::1%eth0]:53', 'fe80::1%eth0', 53],
    ['[::ffff:127.0.0.1]:53', '127.0.0.1', 53],
    ['[::FFFF:c000:0201]:53', '192.0.2.1', 53],
  ] as const
  for (const [text, address, port] of good)
    assert.deepEqual(readSocketAddress(text), { value: { address, port } }, text)
  const bad = [
    ['127.0.0.1', '127.0.0.1:53'],
    ['::1', '[::1]:53'],
    [':53', '0.0.0.0:53'],
    ['localhost:53', undefined],
    ['127.0.0.1:0', undefined],
    ['127.0.0.1:65536', undefined],
    ['127.0.0.1:', undefined],
    ['127.0.0.01:53', undefined],
    ['2001:db8::1:x', undefined],
    ['', '0.0.0.0'],
    ['udp://127.0.0.1:53', undefined],
  ] as const
  for (const [text, suggestion] of bad) {
    const read = readSocketAddress(text)
    assert.ok('error' in read, text)
    if (text !== '') assert.equal(read.suggestion, suggestion, text)
  }
})

test('upstreams are servers or files', () => {
  const server = (transport: 'udp' | 'tcp', address: string, port: number, text: string) => ({
    value: { kind: 'server', transport, address, port, text },
  })
  assert.deepEqual(readUpstream('1.1.1.1'), server('udp', '1.1.1.1', 53, '1.1.1.1'))
  assert.deepEqual(readUpstream('1.1.1.1:5353'), server('udp', '1.1.1.1', 5353, '1.1.1.1:5353'))
  assert.deepEqual(readUpstream('::1'), server('udp', '::1', 53, '::1'))
  assert.deepEqual(readUpstream('[::1]'), server('udp', '::1', 53, '[::1]'))
  assert.deepEqual(readUpstream('fe80::1%eth0'), server('udp', 'fe80::1%eth0', 53, 'fe80::1%eth0'))
  assert.deepEqual(readUpstream('tcp://10.0.0.3'), server('tcp', '10.0.0.3', 53, 'tcp://10.0.0.3'))
  assert.deepEqual(readUpstream('tcp://[::1]:54'), server('tcp', '::1', 54, 'tcp://[::1]:54'))
  assert.deepEqual(readUpstream('::ffff:10.0.0.1'), server('udp', '10.0.0.1', 53, '::ffff:10.0.0.1'))
  const file = '/etc/resolv.conf'
  assert.deepEqual(readUpstream(file), { value: { kind: 'file', path: file, text: file } })
  for (const text of [
    '',
    'dns.google',
    '0.0.0.0',
    '::',
    '::ffff:0.0.0.0',
    '1.1.1.1:0',
    'udp://1.1.1.1',
    'tcp://',
    'resolv.conf',
    '1.1.1',
  ]) {
    assert.ok('error' in readUpstream(text), text)
  }
})

test('a TLS upstream is an address, and the name that its certificate must have', () => {
  const server = (address: string, port: number, text: string, serverName?: string) => ({
    value: { kind: 'server', transport: 'tls', address, port, text, ...(serverName && { serverName }) },
  })
  const table: [string, string, number, string?][] = [
    ['tls://9.9.9.9#dns.quad9.net', '9.9.9.9', 853, 'dns.quad9.net'],
    ['tls://9.9.9.9:8853#DNS.quad9.net', '9.9.9.9', 8853, 'dns.quad9.net'],
    ['tls://9.9.9.9', '9.9.9.9', 853],
    ['TLS://[2620:fe::fe]:853#a_b.test', '2620:fe::fe', 853, 'a_b.test'],
  ]
  for (const [text, address, port, name] of table) {
    assert.deepEqual(readUpstream(text), server(address, port, text, name), text)
  }
  for (const [text, error] of [
    ['tls://dns.quad9.net', /a TLS upstream is written tls:\/\/IP#dns\.quad9\.net/],
    ['tls://9.9.9.9#', /no host name/],
    ['tls://9.9.9.9#a..b', /no host name/],
    ['tls://9.9.9.9#-a', /no host name/],
    ['9.9.9.9#dns.quad9.net', /only tls:\/\/ has a server name/],
    ['tcp://9.9.9.9#dns.quad9.net', /only tls:\/\/ has a server name/],
    ['tls://0.0.0.0#a.test', /wildcard/],
  ] as const) {
    const read = readUpstream(text)
    assert.match('error' in read ? read.error : '', error, text)
  }
})

test('what is not built yet says so, on both sides', () => {
  for (const text of ['https://1.1.1.1/dns-query']) {
    for (const read of [readUpstream(text), readSocketAddress(text)]) {
      assert.ok('error' in read && read.unbuilt === true, text)
      assert.match(read.error, /not built yet/)
    }
  }
})

test('prefixes get their length, and host bits are refused with the network that was meant', () => {
  const good = [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['1.2.3.4', '1.2.3.4/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::/32', '2001:db8::/32'],
    ['::1', '::1/128'],
    ['::/0', '::/0'],
  ] as const
  for (const [text, value] of good) assert.deepEqual(readPrefix(text), { value }, text)
  const bad = [
    ['10.0.0.5/8', '10.0.0.0/8'],
    ['192.168.1.77/30', '192.168.1.76/30'],
    ['2001:db8:ffff::1/33', '2001:db8:8000::/33'],
    ['10.0.0.0/33', undefined],
    ['10.0.0.0/', undefined],
    ['10.0.0.0/08x', undefined],
    ['fe80::1%eth0/64', undefined],
    ['private', undefined],
  ] as const
  for (const [text, suggestion] of bad) {
    const read = readPrefix(text)
    assert.ok('error' in read, text)
    assert.equal(read.suggestion, suggestion, text)
  }
  assert.deepEqual(readClientPrefix('onLink'), { value: 'onLink' })
})

test('addresses have one text', () => {
  assert.equal(canonicalAddress('FE80:0:0::1%eth0'), 'fe80::1%eth0')
  assert.equal(socketAddressText({ address: '::1', port: 53 }), '[::1]:53')
  assert.deepEqual(['0.0.0.0', '::', '0::0', '::1', '0.0.0.1'].map(isWildcard), [true, true, true, false, false])
})
