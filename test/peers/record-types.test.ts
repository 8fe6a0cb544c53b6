/** Rare record types in their own text form: the bytes that real unbound makes of the same text. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { runTool, skipWithout, startUnbound } from '../support/peers.ts'
import { startProgram } from '../support/program.ts'

const records = [
  'LOC 42 21 54 N 71 06 18 W -24m 30m',
  'LOC 42 21 43.952 N 71 5 6.344 W -24m 1m 200m 10m',
  'LOC 90 S 180 E 42849672.95m 0 0 90000000m',
  'LOC 52 14 05 N 00 08 50 E 10m',
  'LOC 32 7 19 S 116 2 25 E 10m',
  'EUI48 00-00-5e-00-53-2A',
  'EUI64 00-00-5e-ef-10-00-00-2a',
  'APL 1:192.168.32.0/21 !1:192.168.38.0/28',
  'APL 2:ff00::/8 1:0.0.0.0/0',
  'NSEC host.example. A MX RRSIG NSEC TYPE1234',
  'CSYNC 66 3 A NS AAAA',
  'NSEC3PARAM 1 0 12 aabbccdd',
  'NSEC3PARAM 1 0 0 -',
  'NID 10 14:4fff:ff20:ee64',
  'L32 10 10.1.2.0',
  'L64 10 2001:db8:1140:1000',
  'LP 10 l64.example.',
  'X25 311061700956',
  'ISDN 150862028003217 004',
  'RT 2 relay.example.',
  'PX 10 ab.net2.it. O-ab.PRMD-net2.ADMDb.C-it.',
  'GPOS -32.6882 116.8652 10.0',
  'MINFO a.example. b.example.',
  'ZONEMD 2018031500 1 1 FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE7EB1A7B641A47BA7FED2DD5B97AE499FAFA4F22C6BD647DE',
  'LOC 51 30 12.748 N 0 7 39.611 W 0.00m 0.00m 0.00m 0.00m',
]

test('rare record types: the same bytes as unbound, read by dig', {
  skip: skipWithout('unbound', 'dig'),
}, async (t) => {
  const lines = records.map((record, i) => `r${i}.test. 60 IN ${record}`)
  const unbound = await startUnbound(t, ['local-zone: "test." static', ...lines.map((line) => `local-data: '${line}'`)])
  const program = await startProgram(t, { guard: { localAnswers: { records: lines } } })
  for (const [i, record] of records.entries()) {
    const type = record.split(' ', 1)[0] as string
    const read = async (port: number): Promise<string> => {
      const args = ['@127.0.0.1', '-p', String(port), '+short', '+unknownformat', `r${i}.test`, type]
      return (await runTool('dig', args)).stdout.trim()
    }
    const [ours, theirs] = [await read(program.port), await read(unbound.port)]
    assert.match(theirs, /^\\# [1-9]/, record)
    assert.equal(ours, theirs, record)
  }
})
