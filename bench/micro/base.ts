import { Deadlines } from '../../src/base/deadlines.ts'
import { hashBytes } from '../../src/base/hash.ts'
import { secureRandom } from '../../src/base/random.ts'
import { Slots } from '../../src/base/slots.ts'
import { queries } from '../../src/metrics/catalog.ts'
import { looseCounters } from '../../src/metrics/counters.ts'
import type { Micro } from './micro.ts'

const name = Uint8Array.from({ length: 48 }, (_, i) => i)
const random = secureRandom()
const slots = new Slots(1024)
const deadlines = new Deadlines(1024, 0, () => {})
const counters = looseCounters()
let now = 0

export const baseMicros: readonly Micro[] = [
  { name: 'base/hash', what: '48 bytes', step: () => hashBytes(1, name, 0, 48) },
  { name: 'base/random', what: 'a 16-bit id, its share of a refill included', step: () => random.u16() },
  {
    name: 'base/slots',
    what: 'take and release',
    step: () => {
      const slot = slots.take()
      slots.release(slot)
      return slot
    },
  },
  {
    name: 'base/deadlines',
    what: 'set in 1.9 s and clear, as a miss does; 1 µs later each time',
    step: () => {
      now += 0.001
      deadlines.set(7, now + 1900)
      deadlines.clear(7)
      return now
    },
  },
  {
    name: 'metrics/counters',
    what: 'add 1',
    step: () => {
      counters.add(queries.udp)
      return counters.lane[queries.udp]
    },
  },
]
