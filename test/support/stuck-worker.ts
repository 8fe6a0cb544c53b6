/** A worker that serves until it is told to drain, and is then stuck, one way or the other. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Control } from '../../src/threads/control.ts'
import { threadId } from '../../src/threads/thread-time.ts'

const { control: memory, how } = workerData as { control: SharedArrayBuffer; how: 'spin' | 'sleep' }
const control = new Control(memory)
const main = parentPort as MessagePort

setInterval(() => control.tick(), 50)
main.on('message', () => {
  if (how === 'sleep') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  for (;;);
})
main.postMessage({ kind: 'started', tid: threadId(), engine: 'none' })
