import { bench, do_not_optimize, run } from 'mitata'
import { micros } from './micro/micros.ts'

/** `npm run bench:micro [-- FILTER]`: steps of the road, each alone. */
const filter = process.argv[2] ?? ''
for (const { name, what, step } of micros.filter((micro) => micro.name.includes(filter))) {
  bench(`${name} (${what})`, () => do_not_optimize(step()))
}
await run()
