import { readdirSync, readFileSync } from 'node:fs'
import type { Random } from '../../src/base/random.ts'

/** The bad packets that stand beside the project, where they do: seeds for mutation. */
export const corpus: readonly Uint8Array[] = readCorpus()

function readCorpus(): Uint8Array[] {
  const root = new URL('../../../../shared/corpus/', import.meta.url)
  try {
    return ['bind9', 'c-ares'].flatMap((folder) =>
      readdirSync(new URL(folder, root)).map((file) => readFileSync(new URL(`${folder}/${file}`, root))),
    )
  } catch {
    return []
  }
}

export function randomBytes(random: Random, lengthMax: number): Uint8Array {
  return Uint8Array.from({ length: random.u32() % (lengthMax + 1) }, () => random.u32() & 255)
}

/** A copy with a few bytes changed, cut, doubled or added. */
export function mutated(random: Random, seed: Uint8Array): Uint8Array {
  let bytes = Array.from(seed)
  for (let edits = random.u32() % 6; edits > 0; edits--) {
    const at = bytes.length === 0 ? 0 : random.u32() % bytes.length
    switch (random.u32() % 5) {
      case 0:
        bytes[at] = interesting[random.u32() % interesting.length] as number
        break
      case 1:
        bytes[at] = random.u32() & 255
        break
      case 2:
        bytes = bytes.slice(0, at)
        break
      case 3:
        bytes.splice(at, 0, ...bytes.slice(at, at + (random.u32() % 20)))
        break
      default:
        bytes.push(random.u32() & 255)
    }
  }
  return Uint8Array.from(bytes.slice(0, 4000))
}

const interesting = [0, 1, 12, 0x3f, 0x40, 0x7f, 0x80, 0xc0, 0xc1, 0xff]

/** Text that likes the characters parsers stumble over. */
export function randomText(random: Random, lengthMax: number): string {
  const alphabet = 'abcXYZ019.-_*\\"\'();#: \t\n=,/$@\u00e9\u2028\u0000\u001b'
  return Array.from({ length: random.u32() % (lengthMax + 1) }, () => alphabet[random.u32() % alphabet.length]).join('')
}
