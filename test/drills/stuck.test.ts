/** A worker that is stuck is found, ended and replaced, whether it burns a core or sleeps. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicClock } from '../../src/base/clock.ts'
import { Keeper, lookEveryMs } from '../../src/threads/keeper.ts'
import { threadId } from '../../src/threads/thread-time.ts'

const skip = threadId() === 0 && 'needs /proc'

for (const how of ['spin', 'sleep'] as const) {
  test(`${how}: it is found, ended and replaced`, { skip }, async (t) => {
    const said: string[] = []
    let ups = 0
    const keeper = new Keeper({
      name: 'worker',
      entry: '../../test/support/stuck-worker',
      sys: undefined,
      clock: monotonicClock(),
      kickFd: -1,
      data: { how },
      heapMiB: 32,
      equip: async () => undefined,
      up: () => ups++,
      gone: () => undefined,
      crashed: () => undefined,
      say: (_, sentence) => said.push(sentence),
      event: () => undefined,
    })
    t.after(() => keeper.stop())
    await keeper.start()
    const timer = setInterval(() => keeper.look(), lookEveryMs)
    t.after(() => clearInterval(timer))
    await sleep(1200)
    assert.deepEqual(said, [], 'a worker that beats is left alone')
    keeper.send({ kind: 'drain' })
    for (const deadline = Date.now() + 8000; ups < 2; await sleep(20)) assert.ok(Date.now() < deadline, said.join('\n'))
    assert.match(
      said[0] as string,
      how === 'spin' ? /stuck \(it used \d+ ms of CPU in one turn\)/ : /slept through 6 kicks/,
    )
  })
}
