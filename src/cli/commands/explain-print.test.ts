import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ExplainReport } from '../../app/explain.ts'
import { printExplained } from './explain-print.ts'

const report: ExplainReport = {
  program: 'running',
  version: '1.2.3',
  generation: 4,
  shard: 0,
  shards: 1,
  question: { name: 'www.test.', type: 'A', do: true, cd: false },
  client: '10.0.0.5',
  transport: 'tcp',
  steps: [
    { step: 'acl', mode: 'enforce', verdict: 'pass', why: 'it may ask' },
    { step: 'searchSuffix', mode: 'observe', verdict: 'reply', why: 'only observes: \x1b[31mred\u2028' },
    { step: 'reply', verdict: 'unknown', why: 'who knows' },
  ],
  decidedBy: 'upstream',
  asksFirst: null,
  reply: { source: 'upstream', rcode: null },
}

test('a line a step, aligned; what came over the network moves no cursor', () => {
  assert.equal(
    printExplained(report, false),
    [
      'www.test. A DO over TCP, asked by 10.0.0.5',
      'dnsweir 1.2.3, settings 4',
      '',
      'acl           pass     it may ask',
      'searchSuffix  (reply)  only observes: ?[31mred?',
      'reply         unknown  who knows',
      '',
      ";; the reply is the upstream's",
      '',
    ].join('\n'),
  )
})

test('colours only where somebody looks, and no reply is said', () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one
  assert.match(printExplained(report, true), /\x1b\[1mwww\.test\./)
  assert.match(printExplained({ ...report, reply: { source: 'none', rcode: null } }, false), /^;; no reply$/m)
})
