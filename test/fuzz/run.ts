import { parseArgs } from 'node:util'
import { seededRandom } from '../../src/base/random.ts'
import { fuzzers } from './fuzzers.ts'

/** `npm run fuzz -- [--seconds N] [--seed N] [--only TEXT]`: each fuzzer for a share of the time; a failure names the seed that repeats it. */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
  },
})
const chosen = fuzzers.filter(({ name }) => name.includes(values.only))
const shareMs = (Number(values.seconds) * 1000) / Math.max(1, chosen.length - 1)
let failed = 0
let passed = 0

for (const fuzzer of chosen) {
  const first = values.seed === undefined ? Date.now() & 0x7fffffff : Number(values.seed)
  const until = performance.now() + shareMs
  let seed = first
  let failure: unknown
  do {
    try {
      fuzzer.run(seededRandom(seed))
    } catch (error) {
      failure = error
      break
    }
    seed++
  } while (values.seed === undefined && performance.now() < until)
  const isCanary = fuzzer.name === 'canary'
  if ((failure !== undefined) !== isCanary) {
    failed++
    const text = isCanary ? 'the canary did not fail' : (failure as Error).stack
    console.log(
      `FAILED ${fuzzer.name}\n  repeat with: npm run fuzz -- --only '${fuzzer.name.slice(0, 12)}' --seed ${seed}\n${text}`,
    )
  } else {
    passed++
    console.log(`ok ${fuzzer.name}: ${seed - first} inputs`)
  }
}
console.log(`fuzz: ${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
