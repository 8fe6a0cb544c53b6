import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostsFromText } from './hosts-text.ts'
import { addressToText, nameToText } from './text.ts'

const read = (text: string) => {
  const { entries, problems } = hostsFromText(text)
  return {
    entries: entries.map(({ address, names, line }) => [
      line,
      addressToText(address),
      ...names.map((name) => nameToText(name)),
    ]),
    problems: problems.map(({ line, message }) => `${line}: ${message}`),
  }
}

test('hosts: what a Debian machine and a Kubernetes node write', () => {
  const text = `\ufeff127.0.0.1\tlocalhost\r
127.0.1.1   nas.example.org nas # its own

# The following lines are desirable for IPv6 capable hosts
::1     localhost ip6-localhost ip6-loopback
  ff02::1 ip6-allnodes
10.233.0.3\tgw_1.lan.`
  assert.deepEqual(read(text), {
    entries: [
      [1, '127.0.0.1', 'localhost.'],
      [2, '127.0.1.1', 'nas.example.org.', 'nas.'],
      [5, '::1', 'localhost.', 'ip6-localhost.', 'ip6-loopback.'],
      [6, 'ff02::1', 'ip6-allnodes.'],
      [7, '10.233.0.3', 'gw_1.lan.'],
    ],
    problems: [],
  })
})

test('hosts: bad lines are reported with their numbers, good names on them stay', () => {
  const text =
    'localhost 127.0.0.1\n10.0.0.1\n10.0.0.2 a..b good .\nfe80::1%lo0 localhost\n10.0.0.3\u001b x\n10.0.0.4 ..'
  assert.deepEqual(read(text), {
    entries: [[3, '10.0.0.2', 'good.']],
    problems: [
      '1: "localhost" is not an IP address',
      '2: "10.0.0.1" has no name beside it',
      '3: "a..b" is not a host name',
      '3: "." is not a host name',
      '4: "fe80::1%lo0" is not an IP address: a %scope cannot be answered',
      '5: "10.0.0.3\\027" is not an IP address',
      '6: ".." is not a host name',
    ],
  })
  assert.deepEqual(read(''), { entries: [], problems: [] })
})

test('hosts: a file that is none costs 101 reports', () => {
  const { entries, problems } = hostsFromText('junk\n'.repeat(5000))
  assert.equal(entries.length, 0)
  assert.equal(problems.length, 101)
  assert.equal(problems.at(-1)?.message, '4900 more problems in this file')
})
