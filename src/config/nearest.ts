/** A word is taken for a slip of another one when at most this share of its letters differs. */
const shareMax = 0.4

/** The candidate that the word most likely means, or undefined when none is near. Case and `-` `_` do not count. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const meant = plain(word)
  // Quadratic in the length, hence the bound: no key is as long as that.
  if (meant.length > 40) return undefined
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of candidates) {
    const distance = editDistance(meant, plain(candidate))
    if (distance < bestDistance && distance <= shareMax * Math.max(meant.length, candidate.length)) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function plain(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, '')
}

/** Levenshtein's distance with one row of the table kept. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
