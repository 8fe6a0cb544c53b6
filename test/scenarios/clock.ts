/**
 * Turns the clock of the real program. The player has Node load this file before the program, in every thread
 * (`--import`); nothing in src knows of it. What the program reads of the machine's time is replaced, in the two places
 * where it meets it: `performance.now()` with `process.hrtime.bigint()`, on which base/clock stands, and the timer
 * that wakes a shard (`timerfd_settime`, by way of koffi). From then on time stands still until the player says
 * otherwise:
 *
 *   player ─ { pass: ms } ─▶ main: adds to `time`, then rings every shard's timer, and once more
 *   shards:  epoll_wait ends ─▶ a turn, at the new time ─▶ the timer is set again, which says "asleep" in `seen`
 *   streams: answers a broadcast from Node's loop, after two rounds of it
 *   player ◀─ { passed: n } ─ main, when all of them have
 *
 * One ring could meet a shard between its reading of the clock and its sleep; it can't twice. So when the player
 * hears `passed`, what it had sent by then has been taken in, and what was due has been done.
 */
import { createRequire } from 'node:module'
import { BroadcastChannel, getEnvironmentData, isMainThread, setEnvironmentData, workerData } from 'node:worker_threads'

/** What the player sends to the program's main thread: by how much time shall pass, 0 only to let it come to rest. */
export interface Turn {
  readonly pass: number
}
/** What it hears: how many threads have had a turn since. */
export interface Turned {
  readonly passed: number
}

const key = 'dnsweir scenarios: memory of the clock'
const sleepersMax = 64
/** A shard that does not come to rest within this is stuck: the program then ends, and the scenario fails. */
const patienceMs = 5000

/** ms at 0; a Float64 is written and read at once. Words: the ring's number, how many sleepers; by sleeper its fd and the ring that it has seen. */
const timeBytes = 8
const [ringWord, countWord, streamsWord, fdWord, seenWord] = [2, 3, 4, 8, 8 + sleepersMax]
const memory = remembered()
const time = new Float64Array(memory, 0, 1)
const words = new Int32Array(memory)

replaceClock()
const settime = replaceTimer()
if (isMainThread) obeyPlayer()
else if (isStreamsWorker(workerData)) answerRings()

function remembered(): SharedArrayBuffer {
  if (!isMainThread) return getEnvironmentData(key) as unknown as SharedArrayBuffer
  const fresh = new SharedArrayBuffer(timeBytes + (seenWord + sleepersMax) * 4)
  new Float64Array(fresh)[0] = Math.ceil(Number(process.hrtime.bigint()) / 1e6)
  setEnvironmentData(key, fresh as never)
  return fresh
}

function replaceClock(): void {
  Object.defineProperty(performance, 'now', { value: () => time[0] })
  Object.defineProperty(process.hrtime, 'bigint', { value: () => BigInt(time[0] as number) * 1_000_000n })
}

/** Hands back the machine's own, which rings at once. */
function replaceTimer(): (fd: number) => void {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const load = koffi.load
  const real = load(null).func('int timerfd_settime(int fd, int flags, uintptr_t value, uintptr_t before)')
  // struct itimerspec: interval 0, then one nanosecond.
  const soon = new BigInt64Array([0n, 0n, 0n, 1n])
  const soonAt = Number(koffi.address(soon.buffer))
  let sleeper = -1
  const sleeps = (fd: number): number => {
    if (sleeper < 0) sleeper = Atomics.add(words, countWord, 1)
    words[fdWord + sleeper] = fd
    Atomics.store(words, seenWord + sleeper, Atomics.load(words, ringWord))
    Atomics.notify(words, seenWord + sleeper)
    return 0
  }
  koffi.load = ((...args: Parameters<typeof load>) => {
    const library = load(...args)
    return {
      func: (declaration: string) =>
        declaration.startsWith('int timerfd_settime') ? sleeps : library.func(declaration),
    }
  }) as typeof load
  return (fd) => {
    real(fd, 0, soonAt, 0)
    // The memory must outlive the call, and an address holds nothing.
    if (soon.length !== 4) throw new Error('the timer lost its time')
  }
}

function obeyPlayer(): void {
  const streams = new BroadcastChannel(key)
  streams.unref()
  process.on('message', ({ pass }: Turn) => {
    time[0] = (time[0] as number) + pass
    const passed = ring(streams) && ring(streams)
    process.send?.({ passed } satisfies Turned)
  })
  process.channel?.unref()
}

/** Wakes all threads and waits until they have had a turn; how many they are. */
function ring(streams: BroadcastChannel): number {
  const number = Atomics.add(words, ringWord, 1) + 1
  const count = Atomics.load(words, countWord)
  const hasStreams = Atomics.load(words, streamsWord) !== 0
  for (let i = 0; i < count; i++) settime(words[fdWord + i] as number)
  if (hasStreams) streams.postMessage(number)
  for (let i = 0; i < count; i++) untilSeen(seenWord + i, number)
  if (hasStreams) untilSeen(streamsWord, number)
  return count
}

function untilSeen(word: number, number: number): void {
  for (;;) {
    const seen = Atomics.load(words, word)
    if (seen === number) return
    if (Atomics.wait(words, word, seen, patienceMs) === 'timed-out') throw new Error('a thread does not come to rest')
  }
}

/** The one of the program's workers that has counters and is no shard. */
function isStreamsWorker(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'lanes' in data && !('shard' in data)
}

function answerRings(): void {
  const rings = new BroadcastChannel(key)
  rings.onmessage = ({ data }: { data: number }) => {
    // One round for what was ready when it came, one for what that led to.
    setImmediate(() =>
      setImmediate(() => {
        Atomics.store(words, streamsWord, data)
        Atomics.notify(words, streamsWord)
      }),
    )
  }
  rings.unref()
  Atomics.store(words, streamsWord, -1)
}
