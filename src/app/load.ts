import { readFileSync } from 'node:fs'
import type { Parsed } from '../config/parse.ts'
import { SetupError } from '../threads/setup-error.ts'
import { localBuilder } from './build-local.ts'
import { recordProblem } from './build-names.ts'
import { machineChecks } from './machine-checks.ts'
import { applyOverrides, type Overrides, parseSettings, type Settings } from './settings.ts'
import type { World } from './world.ts'

export { SetupError }

/** Where settings come from: a file, or the defaults without one, and what the command line puts in place of it. */
export interface Source {
  readonly file: string | undefined
  readonly overrides: Overrides
}

export interface Loading extends Parsed<Settings> {
  /** What localAnswers knows, made by checking it: shared memory, for `build`. */
  readonly local: SharedArrayBuffer | undefined
}

/**
 * Reads all settings, or every problem at once, also those that only show on this machine. Throws SetupError when the
 * file can't be read at all.
 */
export function load({ file, overrides }: Source, world: World): Loading {
  const local = localBuilder(world)
  const checks = { record: recordProblem, machine: machineChecks(world, local) }
  const read = parseSettings(file === undefined ? '' : contentOf(file), file ?? 'defaults', checks)
  if (read.settings === undefined) return { ...read, local: undefined }
  const merged = applyOverrides(read.settings, overrides, checks)
  const known = merged.settings && local(merged.settings.guard)
  return { ...merged, problems: [...read.problems, ...merged.problems], local: known }
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
