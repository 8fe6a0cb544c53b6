import { readFileSync } from 'node:fs'
import type { Parsed } from '../config/parse.ts'
import { SetupError } from '../threads/setup-error.ts'
import { recordFromText } from '../wire/zone-text.ts'
import { applyOverrides, type Overrides, parseSettings, type Settings } from './settings.ts'

export { SetupError }

/** Where settings come from: a file, or the defaults without one, and what the command line puts in place of it. */
export interface Source {
  readonly file: string | undefined
  readonly overrides: Overrides
}

/** Reads all settings, or every problem at once. Throws SetupError when the file can't be read at all. */
export function load({ file, overrides }: Source): Parsed<Settings> {
  const read = parseSettings(file === undefined ? '' : contentOf(file), file ?? 'defaults', { record: recordProblem })
  if (read.settings === undefined) return read
  const merged = applyOverrides(read.settings, overrides)
  return { ...merged, problems: [...read.problems, ...merged.problems] }
}

function contentOf(file: string): Uint8Array {
  try {
    return readFileSync(file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new SetupError(`${file} can't be read: ${reasons[code ?? ''] ?? code}`)
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
}

function recordProblem(text: string): string | undefined {
  const record = recordFromText(text)
  return 'error' in record ? record.error : undefined
}
