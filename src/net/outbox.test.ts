import assert from 'node:assert/strict'
import { it } from 'node:test'
import { Batch, batchSlots } from './batch.ts'
import { Outbox } from './outbox.ts'
import type { DatagramPort } from './reactor.ts'

it('sends runs of the same port, in order, and all when it is full', () => {
  const sends: string[] = []
  const port = (name: string): DatagramPort =>
    ({ send: (_batch: Batch, from: number, count: number) => sends.push(`${name} ${from}+${count}`) }) as never
  const [a, b] = [port('a'), port('b')]
  const outbox = new Outbox(new Batch(undefined, 64))
  const put = (to: DatagramPort, length: number): void => {
    outbox.take(to)
    outbox.commit(length)
  }
  for (const to of [a, a, b, a]) put(to, 12)
  // Taken, and not committed: nothing is sent for it, and the slot is given out again.
  assert.equal(outbox.take(b), 4)
  assert.equal(outbox.take(a), 4)
  outbox.flush()
  assert.deepEqual(sends.splice(0), ['a 0+2', 'b 2+1', 'a 3+1'])
  outbox.flush()
  for (let i = 0; i < batchSlots + 1; i++) put(b, i)
  assert.deepEqual(sends.splice(0), [`b 0+${batchSlots}`])
  assert.equal(outbox.batch.length(0), batchSlots)
  outbox.flush()
  assert.deepEqual(sends, ['b 0+1'])
})
