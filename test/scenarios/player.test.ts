/** The player itself: a file that is wrong is refused with its line, and a step that is not met fails there. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { parseScenario } from './parse.ts'
import { play } from './player.ts'
import { ScenarioError } from './scenario.ts'

const head = `SCENARIO it works

CONFIG
  upstreams: [$up]

UPSTREAM up
  ON a.test A
    REPLY NOERROR
    answer a.test 300 A 192.0.2.1
`
const good = `${head}
QUERY a.test A
CHECK_ANSWER NOERROR
  answer a.test 300 A 192.0.2.1
`

/** What is wrong → where, and a word of what is said. */
const wrong: readonly (readonly [string, number, RegExp])[] = [
  ['', 1, /begins with SCENARIO/],
  ['QUERY a.test A\n', 1, /begins with SCENARIO/],
  ['SCENARIO x\n\nQUERY a.test A\n', 1, /CONFIG comes next/],
  ['SCENARIO\n\nCONFIG\n  upstreams: []\nQUERY a.test A\nCHECK_ANSWER NOERROR\n', 1, /has a title/],
  [head, 1, /nothing is asked/],
  [`${head}QUERY a.test A\n`, 1, /nothing is checked/],
  [`${head}CHECK_ANSWER NOERROR\n`, 10, /nothing was asked yet/],
  [`${good}CHECK_ANSWER of=other NOERROR\n`, 14, /no query was named other/],
  [`${good}SLEEP 5s\n`, 14, /there is no step SLEEP/],
  [`${good}QUERY a.test A fast\n`, 14, /"fast" is not understood/],
  [`${good}QUERY a.test B\n`, 14, /"B" is no record type/],
  [`${good}QUERY ${'a'.repeat(64)}.test A\n`, 14, /is no name/],
  [`${good}QUERY a.test\n`, 14, /a type is missing/],
  [`${good}QUERY a.test A\n  answer a.test 300 A 192.0.2.1\n`, 15, /QUERY has no lines below/],
  [`${good}TIME_PASSES 5\n`, 14, /"5" is no time/],
  [`${good}CHECK_UPSTREAM up many\n`, 14, /"many" is no count/],
  [`${good}CHECK_UPSTREAM down 1\n`, 14, /there is no UPSTREAM down/],
  [`${good}CHECK_METRIC dnsweir_x{a=b} 1\n`, 14, /are no labels/],
  [`${good}CHECK_LOG loop\n`, 14, /between slashes/],
  [`${good}CHECK_LOG /(/\n`, 14, /Unterminated group/],
  [`${good}CHECK_ANSWER FINE\n`, 14, /"FINE" is none of/],
  [`${good}CHECK_ANSWER NOERROR\n  answers a.test 300 A 192.0.2.1\n`, 15, /begins with answer/],
  [`${good}CHECK_ANSWER NOERROR\n  answer a.test soon A 192.0.2.1\n`, 15, /"soon" is no TTL/],
  [`${good}CHECK_ANSWER NOERROR\n  answer a.test 300 AAAA 192.0.2.1\n`, 15, /is no record/],
  [`${good}\tQUERY a.test A\n`, 14, /tabs/],
  [good.replace('[$up]', '[$other]'), 2, /there is no UPSTREAM other/],
  [good.replace('[$up]', '[$up'), 4, /./],
  [good.replace('upstreams: [$up]', '- $up'), 3, /keys and values/],
  [good.replace('REPLY NOERROR', 'REPLY WELL'), 8, /"WELL" is none of/],
  [good.replace('REPLY NOERROR', 'REPLY NOERROR id=right'), 8, /an id is/],
  [good.replace('REPLY NOERROR', 'ANSWER NOERROR'), 8, /nothing that an upstream does/],
  [good.replace(/REPLY.*\n.*/, 'RAW 123'), 8, /hexadecimal/],
  [good.replace(/REPLY.*/, 'RAW 00'), 9, /belong to a REPLY/],
  [good.replace('REPLY NOERROR', 'DROP'), 9, /belong to a REPLY/],
  [good.replace('  ON a.test A\n', ''), 7, /rules begin with ON/],
  [good.replace('UPSTREAM up', 'UPSTREAM up gone'), 7, /gone answers nothing/],
]

test('a scenario file that is wrong is refused, with file and line', () => {
  assert.equal(parseScenario('x.txt', good).steps.length, 2)
  for (const [text, line, said] of wrong) {
    assert.throws(
      () => parseScenario('x.txt', text),
      (error: Error) => {
        assert.ok(error instanceof ScenarioError, `${error.stack}\n${text}`)
        assert.ok(error.message.startsWith(`x.txt:${line}: `), `line ${line}: ${error.message}\n${text}`)
        assert.match(error.message, said)
        return true
      },
    )
  }
})

/** Each check, met once and then not: by its line, what is said. */
const played = `${good}
CHECK_ANSWER NXDOMAIN
  answer a.test 300 A 192.0.2.1
CHECK_ANSWER NOERROR
  answer a.test 299 A 192.0.2.1
CHECK_ANSWER NOERROR
  answer a.test 300 A 192.0.2.2
CHECK_ANSWER NOERROR
CHECK_ANSWER NOERROR
  answer a.test 300 A 192.0.2.1
  authority test 300 NS ns.test
CHECK_ANSWER NOERROR aa
  answer *
CHECK_ANSWER NOERROR ede=3
  answer *
CHECK_NO_ANSWER
CHECK_UPSTREAM up 1 a.test A udp
CHECK_UPSTREAM up 2
CHECK_UPSTREAM up >=2 a.test
CHECK_UPSTREAM up 0
CHECK_ASKED up a.test A rd edns size=1232 -option=8
CHECK_ASKED up a.test A cd
CHECK_ASKED up a.test A size=512
CHECK_ASKED up a.test A option=8
CHECK_ASKED up b.test A
CHECK_METRIC dnsweir_queries_total{proto="udp"} 1
CHECK_METRIC dnsweir_queries_total{proto="udp"} 2
CHECK_METRIC dnsweir_nothing_total 0
CHECK_LOG /forwards to $up/
CHECK_LOG /forwards to nobody/
CHECK_NO_LOG /forwards to/
QUERY a.test A
CHECK_ANSWER NOERROR
  answer a.test 300 A 192.0.2.1
TIME_PASSES 7s
QUERY a.test A
CHECK_ANSWER NOERROR
  answer a.test 293 A 192.0.2.1
`
const expected = [
  /x\.txt:15: .*\n.*code: wanted NXDOMAIN, got NOERROR$/,
  /x\.txt:17: .*\n.*wanted a\.test 299 A 192\.0\.2\.1\n.*got a\.test\. 300 A 192\.0\.2\.1$/,
  /x\.txt:19: .*\n.*wanted a\.test 300 A 192\.0\.2\.2\n.*got a\.test\. 300 A 192\.0\.2\.1$/,
  /x\.txt:21: .*\n.*got a\.test\. 300 A 192\.0\.2\.1$/,
  /x\.txt:22: .*\n.*wanted test 300 NS ns\.test$/,
  /x\.txt:25: .*\n.*AA: wanted true, got false$/,
  /x\.txt:27: .*\n.*extended errors: wanted 3, got $/,
  /x\.txt:29: an answer came/,
  /x\.txt:31: .*wanted 2, got 1/,
  /x\.txt:32: .*wanted 2 to Infinity, got 1/,
  /x\.txt:33: .*wanted 0, got 1/,
  /x\.txt:35: .*other flags/,
  /x\.txt:36: .*the size that it offers/,
  /x\.txt:37: it has no option 8/,
  /x\.txt:38: up was not asked for b\.test\. A/,
  /x\.txt:40: .*wanted 2, got 1/,
  /x\.txt:41: no metric dnsweir_nothing_total/,
  /x\.txt:43: .*forwards to nobody/,
  /x\.txt:44: .*forwards to/,
]

test('each kind of check fails where it is not met, and time passes only when it is told to', async (t) => {
  const failures: string[] = []
  const before = Date.now()
  await play(t, parseScenario('x.txt', played), { patienceMs: 100, failed: ({ message }) => failures.push(message) })
  assert.ok(Date.now() - before > 1000, 'the TTLs at the end were not the same anyway')
  assert.equal(failures.length, expected.length, failures.join('\n'))
  for (const [at, said] of expected.entries()) assert.match(failures[at] as string, said)
})

/** The first step that is not met, or the block of the upstream that was asked what it has no rule for. */
const ended = [
  [good.replace('CHECK_ANSWER NOERROR', 'CHECK_ANSWER SERVFAIL'), /^x\.txt:12: the answer differs/],
  [good.replace('QUERY a.test', 'QUERY b.test'), /^x\.txt:6: up has no rule for b\.test\. type 1 over udp/],
] as const

for (const [text, said] of ended) {
  test(`a scenario ends with ${said.source}`, async (t) => {
    const { message } = await play(t, parseScenario('x.txt', text), { patienceMs: 100 }).then(
      () => assert.fail('it was played to its end'),
      (error: Error) => error,
    )
    assert.match(message, said)
  })
}
