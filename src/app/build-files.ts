import type { GuardSettings } from './settings.ts'
import type { World } from './world.ts'

/** A file that a rule names; without text when it can't be read. */
export interface RuleFile {
  readonly path: string
  readonly text: string | undefined
}

/** The hosts files, in the order of the setting; none when their rule is off. */
export function readFiles({ localAnswers }: GuardSettings, world: World): RuleFile[] {
  if (localAnswers.mode === 'disabled') return []
  return localAnswers.hosts.map((path) => ({ path, text: world.readText(path) }))
}

export function unreadable(path: string): string {
  return `${path} can't be read`
}
