import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PrefixTable, writeMapped } from '../base/address.ts'
import { addressFromText, prefixFromText } from '../wire/text.ts'
import { clientPrefixes } from './client-prefixes.ts'

const onLink = ['203.0.113.0/24', '2001:db8::/64'].flatMap((text) => prefixFromText(text) ?? [])

test('words and prefixes, and the clients in them', () => {
  const table: readonly [readonly string[], readonly string[], readonly string[]][] = [
    [[], [], ['127.0.0.1', '::1']],
    [['private'], ['10.0.0.1', '127.0.0.1', 'fd00::1', '169.254.25.10'], ['203.0.113.9', '2001:db8::1']],
    [['onLink'], ['203.0.113.9', '2001:db8::1'], ['10.0.0.1', '2001:db8:0:1::1']],
    [
      ['10.1.0.0/16', 'onLink'],
      ['10.1.2.3', '203.0.113.9'],
      ['10.2.0.1', '127.0.0.1'],
    ],
    [['::/0'], ['2001:db8::1'], ['10.0.0.1']],
  ]
  for (const [words, within, without] of table) {
    const prefixes = new PrefixTable(clientPrefixes(words, onLink))
    const client = new Uint8Array(16)
    for (const [list, expected] of [
      [within, true],
      [without, false],
    ] as const) {
      for (const text of list) {
        writeMapped(addressFromText(text) as Uint8Array, client, 0)
        assert.equal(prefixes.has(client, 0), expected, `${text} in [${words}]`)
      }
    }
  }
  assert.throws(() => clientPrefixes(['everybody'], onLink), /everybody is no IP prefix/)
})
