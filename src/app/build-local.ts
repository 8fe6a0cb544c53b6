import { compileLocal } from '../guard/localAnswers/compile.ts'
import { SetupError } from '../threads/setup-error.ts'
import type { GuardSettings } from './settings.ts'
import type { World } from './world.ts'

/** Settings → the names that localAnswers knows, as all shards see them (query/local-table); undefined while the rule is off. */
export type LocalBuilder = (settings: GuardSettings) => SharedArrayBuffer | undefined

/**
 * Reads the hosts files and compiles them, once for the same settings: to check them is to make them. Throws SetupError when a file can't be read, another
 * Error on records that can't be served.
 */
export function localBuilder(world: World): LocalBuilder {
  let key = ''
  let made: SharedArrayBuffer | undefined
  return ({ localAnswers }) => {
    if (localAnswers.mode === 'disabled') return undefined
    const wanted = JSON.stringify(localAnswers)
    if (made === undefined || wanted !== key) made = compileLocal(localAnswers, textOf)
    key = wanted
    return made
  }

  function textOf(path: string): string {
    const text = world.readText(path)
    if (text === undefined) throw new SetupError(`guard.localAnswers.hosts: ${unreadable(path)}`)
    return text
  }
}

/** The files that a rule names, in the order of the setting; none when their rule is off. */
export function filesOf({ localAnswers }: GuardSettings): readonly string[] {
  return localAnswers.mode === 'disabled' ? [] : localAnswers.hosts
}

export function unreadable(path: string): string {
  return `${path} can't be read`
}
