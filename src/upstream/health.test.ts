import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { FELL, Health, NO_CHANGE, ROSE } from './health.ts'

/** News of upstream 0, one each `everyMs`, in simulated time. */
class Stream {
  readonly random = seededRandom(11)
  readonly health = new Health(seededRandom(5))
  now = 10_000
  falls = 0
  rises = 0

  answer(ms = 5): number {
    return this.note(this.health.answered(0, ms, this.now))
  }

  silence(ms = 300): number {
    return this.note(this.health.failed(0, ms, this.now))
  }

  blame(question: number): number {
    return this.note(this.health.blamed(0, question, this.now))
  }

  get isDown(): boolean {
    return this.health.down !== 0
  }

  /** `count` pieces of news; a share `loss` of them is silence, heard of 300 ms after it was sent. */
  mixed(count: number, loss: number, everyMs: number): void {
    const late: number[] = []
    for (let i = 0; i < count; i++) {
      this.now += everyMs
      while (late.length > 0 && (late[0] as number) <= this.now) {
        late.shift()
        this.silence()
      }
      if (this.random.u16() / 0x10000 < loss) late.push(this.now + 300)
      else this.answer()
    }
  }

  private note(change: number): number {
    if (change === FELL) this.falls++
    if (change === ROSE) this.rises++
    return change
  }
}

test('the wait for an answer is max(4 × RTT, 300 ms)', () => {
  const health = new Health(seededRandom(5))
  assert.equal(health.attemptMs(31), 400, 'unknown: 4 × 100 ms')
  health.answered(31, 10, 0)
  assert.equal(health.attemptMs(31), 300)
  for (let i = 0; i < 100; i++) health.answered(31, 200, 0)
  assert.ok(Math.abs(health.attemptMs(31) - 800) < 5)
})

test('three silences in a row are down, three good answers in a row are back', () => {
  const one = new Stream()
  one.answer()
  one.now += 1000
  assert.deepEqual(
    [one.silence(), one.silence(), one.silence(), one.silence()],
    [NO_CHANGE, NO_CHANGE, FELL, NO_CHANGE],
  )
  one.now += 1000
  assert.deepEqual([one.answer(), one.answer()], [NO_CHANGE, NO_CHANGE])
  assert.equal(one.health.hopeful, 1)
  one.now += 1000
  one.silence()
  assert.deepEqual([one.health.hopeful, one.answer(), one.answer(), one.answer()], [0, NO_CHANGE, NO_CHANGE, NO_CHANGE])
  one.now += 499
  one.health.failed(0, 1500, one.now)
  assert.equal(one.answer(), NO_CHANGE, 'a loss of that time may not have been noticed yet')
  one.now += 1
  assert.equal(one.answer(), ROSE, 'a silence that began before its first good answer says nothing')
  assert.deepEqual([one.health.down, one.health.hopeful, one.health.backSince[0]], [0, 0, one.now])
})

test('upstream 31 has its bit, too', () => {
  const health = new Health(seededRandom(5))
  for (let i = 0; i < 3; i++) health.failed(31, 300, 1000)
  assert.equal(health.down >>> 0, 2 ** 31)
  for (let i = 0; i < 3; i++) health.answered(31, 5, 2000 + 300 * i)
  assert.equal(health.down, 0)
})

test('many attempts of one moment are one event, and what was heard since they left speaks against silence', () => {
  const one = new Stream()
  one.answer()
  one.now += 100
  for (let i = 0; i < 20; i++) assert.equal(one.silence(0), NO_CHANGE, 'it answered 100 ms ago')
  const other = new Stream()
  other.now += 300
  other.health.answered(0, 5, other.now - 290)
  for (let i = 0; i < 20; i++) assert.equal(other.silence(300), NO_CHANGE, 'these were sent before it answered')
  assert.equal(other.health.silences[0], 0)
})

test('one that loses a tenth of its packets stays up for an hour, at any pace', () => {
  for (const everyMs of [1, 10, 100, 1000]) {
    const one = new Stream()
    one.mixed(3_600_000 / Math.max(everyMs, 10), 0.1, everyMs)
    // One a second: the chance of three in a row is one in a thousand.
    const fallsMax = everyMs === 1000 ? 8 : 0
    assert.ok(one.falls <= fallsMax, `${one.falls} falls at one each ${everyMs} ms`)
  }
})

test('one that loses most goes down at any pace, and does not flap', () => {
  for (const everyMs of [5, 50, 500]) {
    const one = new Stream()
    one.mixed(3_600_000 / Math.max(everyMs, 50), 0.75, everyMs)
    assert.ok(one.falls >= 1, `one each ${everyMs} ms`)
    assert.ok(one.rises <= 20, `${one.rises} returns in an hour at one each ${everyMs} ms`)
  }
})

test('who falls again within a minute must give twice as many good answers, 24 at most; a quiet minute forgives', () => {
  const one = new Stream()
  const needed: number[] = []
  for (let round = 0; round < 6; round++) {
    one.now += 1000
    while (one.silence() !== FELL) one.now += 100
    one.now += 1000
    let answers = 1
    for (; one.answer() !== ROSE; answers++) one.now += 250
    needed.push(answers)
  }
  assert.deepEqual(needed, [3, 6, 12, 24, 24, 24])
  one.now += 61_000
  for (let i = 0; i < 3; i++) one.silence()
  one.now += 1000
  one.answer()
  one.answer()
  one.now += 500
  assert.equal(one.answer(), ROSE)
})

test('five different questions in a row that only others answer are down; one question is one, however often', () => {
  const one = new Stream()
  one.answer()
  one.now += 1000
  for (let i = 0; i < 100; i++) one.blame(7)
  assert.ok(!one.isDown)
  assert.deepEqual(
    [8, 9, 10, 11].map((question) => one.blame(question)),
    [NO_CHANGE, NO_CHANGE, NO_CHANGE, FELL],
  )
})

test('failures among good answers, a zone that only others know, do not bring it down', () => {
  const one = new Stream()
  for (let i = 0; i < 10_000; i++) {
    one.now += 10
    if (one.random.u16() % 3 === 0) one.blame(i)
    else one.answer()
  }
  assert.equal(one.falls, 0)
})

test('SERVFAIL alone tells that it is there: silence is over, and nothing is proved', () => {
  const one = new Stream()
  one.now += 1000
  one.silence()
  one.silence()
  one.health.alive(0, one.now)
  one.now += 1000
  one.silence()
  assert.ok(!one.isDown)
  one.silence()
  one.silence()
  assert.ok(one.isDown)
  for (let i = 0; i < 100; i++) one.health.alive(0, one.now + 10 * i)
  assert.ok(one.isDown, 'no good answer')
})

test('tests come after 1 s, 2 s, … 30 s, give or take a quarter; after a good answer at once', () => {
  const one = new Stream()
  for (let i = 0; i < 3; i++) one.silence()
  const waits: number[] = []
  for (let last = one.now, end = one.now + 600_000; one.now < end; one.now += 5) {
    if (!one.health.retestDue(0, one.now)) continue
    waits.push((one.now - last) / 1000)
    last = one.now
  }
  const expected = [1, 2, 4, 8, 16, ...waits.slice(5).map(() => 30)]
  for (const [i, wait] of waits.entries()) {
    const ratio = wait / (expected[i] as number)
    assert.ok(ratio >= 0.74 && ratio <= 1.26, `wait ${i} was ${wait} s`)
  }
  assert.ok(new Set(waits.slice(5)).size > 10, 'no two alike')
  assert.ok(waits.length < 30, `${waits.length} tests in 10 minutes`)
  one.answer()
  assert.ok(one.health.retestDue(0, one.now + 101))
})

test('health keeps its state over a reload under the new index', () => {
  const health = new Health(seededRandom(5))
  for (let i = 0; i < 64; i++) health.answered(2, 40, 0)
  for (let i = 0; i < 3; i++) health.failed(0, 0, 1000)
  health.answered(0, 5, 2000)
  health.configure([-1, 0, 2])
  assert.deepEqual([health.rtt[2], health.down, health.hopeful], [40, 0b10, 0b10])
  assert.ok((health.latency.p95[2] as number) < 60)
  assert.deepEqual([health.latency.p95[0], health.rtt[0]], [Number.POSITIVE_INFINITY, 0])
  assert.equal(health.answered(1, 5, 2400), NO_CHANGE)
  assert.equal(health.answered(1, 5, 2500), ROSE)
  health.configure([])
  assert.deepEqual([health.down, health.rtt[2]], [0, 0])
})
