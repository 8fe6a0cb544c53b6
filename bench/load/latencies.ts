/**
 * Latencies in buckets that grow with the value: 16 per doubling, so a quantile is right to 6 %, from 1 µs to an hour.
 * Filing one costs a few ns and allocates nothing; perf_hooks' histogram costs a crossing into C++.
 *
 *   bucket of v µs:  v < 16: v itself     else: 16 × (⌊log2 v⌋ − 3) + the four bits below the highest one
 */
export class Latencies {
  count = 0
  private maxMicros = 0
  private readonly buckets = new Float64Array(bucketCount)

  add(ms: number): void {
    const micros = Math.max(0, Math.round(ms * 1000))
    const bucket = bucketOf(micros)
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1
    this.count++
    if (micros > this.maxMicros) this.maxMicros = micros
  }

  /** In ms: a value that the share `q` (0 … 1) of the latencies does not exceed; 0 when there are none. */
  quantile(q: number): number {
    let left = Math.ceil(q * this.count)
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      left -= this.buckets[bucket] as number
      if (left <= 0) return Math.min(upperBound(bucket), this.maxMicros) / 1000
    }
    return this.maxMicros / 1000
  }

  max(): number {
    return this.maxMicros / 1000
  }
}

function bucketOf(micros: number): number {
  if (micros < 16) return micros
  const exponent = 31 - Math.clz32(Math.min(micros, 0x7fffffff))
  return 16 * (exponent - 3) + ((micros >>> (exponent - 4)) & 15)
}

/** The largest whole number of µs that is filed in the bucket. */
function upperBound(bucket: number): number {
  if (bucket < 16) return bucket
  const exponent = Math.floor(bucket / 16) + 3
  return (17 + (bucket % 16)) * 2 ** (exponent - 4) - 1
}

const bucketCount = 16 * 28
