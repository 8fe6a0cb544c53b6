import { baseMicros } from './base.ts'
import { guardMicros } from './guard.ts'
import { junkMicros } from './junk.ts'
import type { Micro } from './micro.ts'
import { queryMicros } from './query.ts'
import { serveMicros } from './serve.ts'
import { wireMicros } from './wire.ts'

/** THE list. A query at saturation has about 2,000 ns for everything, most of which the kernel takes. */
export const micros: readonly Micro[] = [
  ...baseMicros,
  ...wireMicros,
  ...queryMicros,
  ...guardMicros,
  ...serveMicros,
  ...junkMicros,
]
