import { upstreamsMax } from '../link/plan-data.ts'
import { valueBefore } from './before.ts'

/** The weight of one sample in the smoothed round-trip time (RFC 6298 section 2: alpha = 1/8). */
const smoothing = 1 / 8
/** Buckets of a quarter of an octave each, from 0.25 ms to 4 s: a quantile is at most 19 % too high. */
const bucketsMax = 57
const perOctave = 4
const lowestMs = 1 / 4
/** Above so many samples all are halved: what an upstream was an hour ago matters little. */
const samplesMax = 1024
/** Fewer tell nothing of one in twenty. */
const samplesMin = 64
/** The quantile is looked up again after so many samples. */
const samplesPerLook = 16
const slowShare = 1 / 20

/**
 * How long each upstream takes: a smoothed round-trip time, and the time within which it gives 95 of 100 answers, from a histogram.
 *
 *   counts: upstream · 57 + bucket; bucket b holds times up to 0.25 ms · 2^((b + 1) / 4), the last one all above
 */
export class Latency {
  /** Smoothed round-trip time in ms, 0 before the first sample. */
  readonly rtt = new Float64Array(upstreamsMax)
  /** In ms; Infinity while too little is known. */
  readonly p95 = new Float64Array(upstreamsMax).fill(Number.POSITIVE_INFINITY)
  private readonly counts = new Uint16Array(upstreamsMax * bucketsMax)
  private readonly samples = new Uint16Array(upstreamsMax)

  /** `before[new index]`: the upstream's index so far, or -1. */
  configure(before: readonly number[]): void {
    const [rtt, p95, counts, samples] = [this.rtt.slice(), this.p95.slice(), this.counts.slice(), this.samples.slice()]
    for (let i = 0; i < upstreamsMax; i++) {
      const old = before[i] ?? -1
      this.rtt[i] = valueBefore(rtt, old, 0)
      this.p95[i] = valueBefore(p95, old, Number.POSITIVE_INFINITY)
      this.samples[i] = valueBefore(samples, old, 0)
      for (let b = 0; b < bucketsMax; b++) {
        this.counts[i * bucketsMax + b] = old === -1 ? 0 : (counts[old * bucketsMax + b] as number)
      }
    }
  }

  /** It took `ms`, or did not answer for so long: then it was at least that slow. */
  sample(upstream: number, ms: number): void {
    const rtt = this.rtt[upstream] as number
    this.rtt[upstream] = rtt === 0 ? ms : rtt + (ms - rtt) * smoothing
    const octaves = ms <= lowestMs ? 0 : Math.log2(ms / lowestMs)
    const place = upstream * bucketsMax + Math.min(Math.floor(octaves * perOctave), bucketsMax - 1)
    this.counts[place] = (this.counts[place] as number) + 1
    const samples = (this.samples[upstream] as number) + 1
    this.samples[upstream] = samples
    if (samples >= samplesMin && samples % samplesPerLook === 0) this.look(upstream, samples)
    if (samples >= samplesMax) this.halve(upstream)
  }

  private look(upstream: number, samples: number): void {
    let slower = samples * slowShare
    let bucket = bucketsMax
    while (bucket > 0 && slower >= 0) slower -= this.counts[upstream * bucketsMax + --bucket] as number
    this.p95[upstream] = lowestMs * 2 ** ((bucket + 1) / perOctave)
  }

  private halve(upstream: number): void {
    let samples = 0
    for (let place = upstream * bucketsMax; place < (upstream + 1) * bucketsMax; place++) {
      const half = (this.counts[place] as number) >> 1
      this.counts[place] = half
      samples += half
    }
    this.samples[upstream] = samples
  }
}
