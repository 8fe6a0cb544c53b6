import type { RateLimitSettings } from './settings.ts'

/** One of the limits that a query meets: whose bucket it is, and how much it holds. */
export interface Level {
  /** Its place in `levelsOf`, the same for the same settings. */
  readonly index: number
  /** Clients that share a prefix of so many bits share a bucket; a family that is missing does not meet this level. */
  readonly prefix: { readonly v4?: number; readonly v6?: number }
  /** Are its buckets by name too? */
  readonly byName: boolean
  /** Tokens per second. */
  readonly rate: number
  readonly burst: number
  readonly buckets: number
}

/**
 * Knot DNS's prefix levels and multipliers (mod-rrl): a network may ask more than one of its hosts, and much less than
 * all of them. The last number is the part of `buckets` that the level gets: there are fewer networks than hosts.
 */
const prefixLevels = {
  v4: [
    [32, 1, 1 / 8],
    [24, 32, 1 / 16],
    [20, 256, 1 / 32],
    [18, 768, 1 / 32],
  ],
  v6: [
    [128, 1, 1 / 8],
    [64, 2, 1 / 32],
    [56, 3, 1 / 32],
    [48, 4, 1 / 32],
    [32, 64, 1 / 32],
  ],
} as const

/** No process takes more queries in a second: a limit above this limits nobody, and is left out. */
const rateMax = 4_000_000
/** Where a bucket's word would wrap around. */
const burstMax = 2 ** 29
/** Everybody is one key. */
const oneSet = 4

/**
 * The levels of these settings, those by name first. By client: `rate` and `burst` are for one client and one domain;
 * all names of one client together get `clientFactor` times that, and its networks Knot's multiples of it. `shared`: the
 * same with everybody as the one client, which leaves no networks.
 */
export function levelsOf(settings: RateLimitSettings): readonly Level[] {
  const { rate, burst, buckets, clientFactor, prefixV4, prefixV6 } = settings
  const named = { byName: true, rate, burst, buckets }
  const whole = { byName: false, rate: rate * clientFactor, burst: burst * clientFactor }
  const everybody = { v4: 0, v6: 0 }
  const wanted: Omit<Level, 'index'>[] = settings.shared
    ? [
        { ...named, prefix: everybody },
        { ...whole, prefix: everybody, buckets: oneSet },
      ]
    : [
        { ...named, prefix: { v4: prefixV4, v6: prefixV6 } },
        ...(['v4', 'v6'] as const).flatMap((family) =>
          prefixLevels[family].map(([length, factor, part]) => ({
            prefix: { [family]: length },
            byName: false,
            rate: whole.rate * factor,
            burst: whole.burst * factor,
            buckets: buckets * part,
          })),
        ),
      ]
  return wanted
    .filter((level) => level.rate <= rateMax)
    .map((level, index) => ({ ...level, index, burst: Math.min(level.burst, burstMax) }))
}
