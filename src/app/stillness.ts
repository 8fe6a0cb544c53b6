import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { SetupError } from '../threads/setup-error.ts'

/** Whoever writes a file goes on within this time: to write in place is to empty a file and then to fill it. */
const stillMs = 150
const lookEveryMs = 25

/** Which files these are and in which state: size, time of change and inode of each. */
export function stampsOf(files: readonly string[]): string {
  return files.map(stampOf).join('\n')
}

/**
 * Waits until none of the files has changed for a while, and returns their stamps, for whoever reads them to compare
 * afterwards. Rejects with SetupError when one of them does not come to rest within `patienceMs`.
 */
export async function untilStill(files: readonly string[], patienceMs: number): Promise<string> {
  const start = performance.now()
  let seen = files.map(stampOf)
  let since = start
  while (performance.now() - since < stillMs) {
    await sleep(lookEveryMs)
    const now = files.map(stampOf)
    const changed = files.find((_, i) => now[i] !== seen[i])
    if (changed === undefined) continue
    if (performance.now() - start > patienceMs) throw new SetupError(`${changed} is still being written`)
    seen = now
    since = performance.now()
  }
  return seen.join('\n')
}

function stampOf(file: string): string {
  try {
    const { ino, size, mtimeMs } = statSync(file)
    return `${ino} ${size} ${mtimeMs}`
  } catch {
    return ''
  }
}
