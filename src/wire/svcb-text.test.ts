import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordFromText } from './zone-text.ts'

const read = (text: string): string => {
  const result = recordFromText(`x. ${text}`)
  return 'error' in result ? result.error : Buffer.from(result.rdata).toString('hex')
}

test('SVCB: the vectors of RFC 9460 appendix D', () => {
  const foo = '03666f6f076578616d706c6503636f6d00'
  const fooOrg = '03666f6f076578616d706c65036f726700'
  const table: [text: string, hex: string][] = [
    ['HTTPS 0 foo.example.com.', `0000${foo}`],
    ['SVCB 1 .', '000100'],
    ['SVCB 16 foo.example.com. port=53', `0010${foo}000300020035`],
    ['SVCB 1 foo.example.com. key667=hello', `0001${foo}029b000568656c6c6f`],
    ['SVCB 1 foo.example.com. key667="hello\\210qoo"', `0001${foo}029b000968656c6c6fd2716f6f`],
    [
      'SVCB 1 foo.example.com. ( ipv6hint="2001:db8::1,2001:db8::53:1" )',
      `0001${foo}0006002020010db800000000000000000000000120010db8000000000000000000530001`,
    ],
    [
      'SVCB 1 foo.example.com. ipv6hint="2001:db8:122:344::192.0.2.33"',
      `0001${foo}0006001020010db80122034400000000c0000221`,
    ],
    [
      'SVCB 16 foo.example.org. (alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1)',
      `0010${fooOrg}0000000400010004000100090268320568332d313900040004c0000201`,
    ],
    ['SVCB 16 foo.example.org. alpn="f\\\\\\\\oo\\\\,bar,h2"', `0010${fooOrg}0001000c08665c6f6f2c626172026832`],
    ['SVCB 16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2', `0010${fooOrg}0001000c08665c6f6f2c626172026832`],
  ]
  for (const [text, hex] of table) assert.equal(read(text), hex, text)
  assert.equal(
    read('HTTPS 1 . alpn=h3 no-default-alpn ech=AAE= key7=/q{?dns}'),
    '00010000010003026833000200000005000200010007' + '00082f717b3f646e737d',
  )
  assert.equal(read('HTTPS 1 . key3=\\000\\053'), '00010000030002' + '0035')
  const bad = ['key123=abc key123=def', 'mandatory', 'alpn', 'port', 'ipv4hint', 'ipv6hint', 'no-default-alpn=abc']
  bad.push(
    'mandatory=key123',
    'mandatory=mandatory',
    'mandatory=key123,key123 key123=abc',
    'no-default-alpn',
    'port=65536',
  )
  bad.push(
    'alpn=',
    'alpn=a,,b',
    'ech=A',
    'ipv4hint=::1',
    'key65535=a',
    'key01=a',
    'wrong=1',
    '"port=53"',
    'key3=a',
    'alpn=a\\\\',
  )
  for (const params of bad) assert.match(read(`SVCB 1 foo.example.com. ${params}`), /^column (28|39): /, params)
})
