import { randomFillSync } from 'node:crypto'

/** Where unpredictable numbers come from; tests hand in a seeded one. */
export interface Random {
  /** Uniform in 0 … 65535. */
  u16(): number
  /** Uniform in 0 … 2³²−1. */
  u32(): number
}

/** How many bytes one call to the CSPRNG brings: large enough to make its cost per id vanish. */
const poolBytes = 8192

/** The system's CSPRNG, read in blocks: ids and ports come from here (RFC 5452 section 9.2). */
export function secureRandom(): Random {
  const pool = new Uint32Array(poolBytes / 4)
  let next = pool.length
  function u32(): number {
    if (next === pool.length) {
      randomFillSync(pool)
      next = 0
    }
    const value = pool[next] as number
    // A number that was handed out must not stay in memory for a later leak to find.
    pool[next++] = 0
    return value
  }
  return { u32, u16: () => u32() & 0xffff }
}

/** A reproducible source (xorshift32) for the simulation and for tests: never for ids on a real wire. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 1
  function u32(): number {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state
  }
  return { u32, u16: () => u32() >>> 16 }
}
