import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Inquiries } from './inquiries.ts'

test('answers find who asked, in any order; late ones and strangers are nobody’s', async () => {
  const inquiries = new Inquiries<{ id: number; text: string }>()
  const sent: number[] = []
  const ask = (withinMs = 60_000): Promise<{ id: number; text: string }> =>
    inquiries.ask((id) => sent.push(id), withinMs, 'shard-0')
  const [one, two] = [ask(), ask()]
  inquiries.answered({ id: sent[1] as number, text: 'two' })
  inquiries.answered({ id: sent[0] as number, text: 'one' })
  inquiries.answered({ id: 99, text: 'nobody' })
  assert.deepEqual([(await one).text, (await two).text], ['one', 'two'])
  await assert.rejects(ask(1), { message: 'shard-0 did not answer within 1 ms' })
  inquiries.answered({ id: sent[2] as number, text: 'late' })
  const four = ask()
  inquiries.fail(new Error('it is gone'))
  await assert.rejects(four, { message: 'it is gone' })
})
