/** What of an answer is kept: the chain from the question and what belongs to it (SAFETY, "CNAME injection"). */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { ask } from '../support/client.ts'
import { reply } from '../support/message.ts'
import { startScene } from '../support/scene.ts'
import { anyAddress, type Script } from '../support/upstream.ts'

const SCRUBBED: Record<
  string,
  { parts: Parameters<typeof reply>[1]; answers: string[]; authority?: string[]; type?: string }
> = {
  'an unrelated address in the answer': {
    parts: { answers: ['$ 60 A 192.0.2.1', 'bank.test 60 A 203.0.113.66'] },
    answers: ['A 192.0.2.1'],
  },
  'a chain that is not from the question': {
    parts: { answers: ['$ 60 A 192.0.2.1', 'bank.test 60 CNAME evil.test.', 'evil.test 60 A 203.0.113.66'] },
    answers: ['A 192.0.2.1'],
  },
  'a chain in any order is kept': {
    parts: { answers: ['c.test 60 A 192.0.2.1', '$ 60 CNAME b.test.', 'b.test 60 CNAME c.test.'] },
    answers: ['CNAME b.test.', 'CNAME c.test.', 'A 192.0.2.1'],
  },
  'NS of another zone and its glue': {
    parts: {
      answers: ['$ 60 A 192.0.2.1'],
      authority: ['bank.test 60 NS ns.evil.test.'],
      additional: ['ns.evil.test 60 A 203.0.113.66'],
    },
    answers: ['A 192.0.2.1'],
  },
  'additional addresses of nobody in the answer': {
    parts: { answers: ['$ 60 A 192.0.2.1'], additional: ['bank.test 60 A 203.0.113.66'] },
    answers: ['A 192.0.2.1'],
  },
  'a record of another type': {
    parts: { answers: ['$ 60 A 192.0.2.1', '$ 60 TXT evil'] },
    answers: ['A 192.0.2.1'],
  },
}

test('what does not belong to the question is scrubbed, and nothing is learned by owner', async (t) => {
  let parts: NonNullable<Parameters<typeof reply>[1]> = {}
  const fill = (list: readonly string[] | undefined, name: string): string[] =>
    (list ?? []).map((text) => text.replace('$', name))
  const script: Script = (asked) =>
    asked.name.startsWith('scrub')
      ? reply(asked, {
          answers: fill(parts.answers, asked.name),
          authority: fill(parts.authority, asked.name),
          additional: fill(parts.additional, asked.name),
        })
      : anyAddress(asked)
  const { program, upstream } = await startScene(t, script)
  const types: Record<number, string> = { 1: 'A', 5: 'CNAME', 16: 'TXT' }
  for (const [index, [how, row]] of Object.entries(SCRUBBED).entries()) {
    parts = row.parts ?? {}
    for (const turn of ['miss', 'hit']) {
      const answer = await ask(program, `scrub${index}.a.test`)
      const got = answer.answers.map((rr) => `${types[rr.type]} ${rr.data}`)
      assert.deepEqual(got, row.answers, `${how}, ${turn}`)
      assert.deepEqual([answer.authority, answer.additional], [[], []], `${how}, ${turn}`)
    }
  }
  for (const name of ['bank.test', 'evil.test', 'ns.evil.test', 'b.test']) {
    assert.equal((await ask(program, name)).answers[0]?.data, '192.0.2.1', name)
    assert.equal(upstream.count(name), 1, `${name} still goes upstream`)
  }
})

test('addresses of SRV and MX targets are kept in additional', async (t) => {
  const { program } = await startScene(t, (asked) =>
    reply(asked, {
      answers: [`${asked.name} 60 SRV 0 5 53 host.test.`],
      additional: ['host.test 60 A 192.0.2.9', 'host.test 60 AAAA 2001:db8::9', 'bank.test 60 A 203.0.113.66'],
    }),
  )
  const answer = await ask(program, '_dns._udp.test', 'SRV')
  assert.deepEqual(
    answer.additional.map((rr) => rr.data),
    ['192.0.2.9', '2001:db8::9'],
  )
})

test('chains that loop or do not end harm nobody', async (t) => {
  const { program } = await startScene(t, (asked) => {
    if (asked.name.startsWith('loop'))
      return reply(asked, { answers: [`${asked.name} 60 CNAME b.test.`, `b.test 60 CNAME ${asked.name}`] })
    if (asked.name.startsWith('self')) return reply(asked, { answers: [`${asked.name} 60 CNAME ${asked.name}`] })
    if (asked.name.startsWith('long')) {
      const links = Array.from({ length: 40 }, (_, i) => `c${i}.test 60 CNAME c${i + 1}.test.`)
      return reply(asked, { answers: [`${asked.name} 60 CNAME c0.test.`, ...links, 'c40.test 60 A 192.0.2.1'] })
    }
    return anyAddress(asked)
  })
  for (const name of ['loop.test', 'self.test', 'long.test']) {
    assert.ok((await ask(program, name)).answers.length <= 18, name)
  }
  assert.equal((await ask(program, 'fine.test')).answers.length, 1)
})
