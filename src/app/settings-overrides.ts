import { check, type Locate, type Parsed } from '../config/parse.ts'
import { hasErrors, type Problem, problemAt } from '../config/problem.ts'
import { type SettingsOf, section } from '../config/section.ts'
import type { Settings } from './settings.ts'
import { type SettingsChecks, settingsChecks } from './settings-checks.ts'
import { adminSettings, rootSettings } from './settings-root.ts'

/** Values of command-line flags; lists are several flags or one with commas. */
export interface Overrides {
  readonly listen?: string | readonly string[] | undefined
  readonly upstream?: string | readonly string[] | undefined
  readonly admin?: string | undefined
}

const flags = { listen: '--listen', upstreams: '--upstream', admin: '--admin' } as const

type Key = keyof typeof flags

const fields = {
  listen: rootSettings.fields.listen,
  upstreams: rootSettings.fields.upstreams,
  admin: adminSettings.fields.listen,
}
const flagSettings = section('What the command line may set.', fields)

/** Flags win over the file. They are checked as the file is; problems name the flag in place of a file. */
export function applyOverrides(
  settings: Settings,
  overrides: Overrides,
  checks: SettingsChecks = {},
): Parsed<Settings> {
  const given: { [K in Key]?: string | string[] } = {}
  if (overrides.listen !== undefined) given.listen = pieces(overrides.listen)
  if (overrides.upstream !== undefined) given.upstreams = pieces(overrides.upstream)
  if (overrides.admin !== undefined) given.admin = overrides.admin.trim()
  const keys = Object.keys(given) as Key[]
  const [firstKey] = keys
  if (firstKey === undefined) return { settings, problems: [] }

  const locate: Locate = ([first, second]) => {
    const key = keys.find((one) => one === first) ?? firstKey
    const value = given[key] ?? ''
    const text = typeof value === 'string' ? value : (value[Number(second ?? -1)] ?? value.join(','))
    return { source: { file: flags[key], lines: [text] }, place: { line: 0, column: 1 } }
  }
  const parsed = check<SettingsOf<typeof flagSettings>>(flagSettings, given, locate, [])
  if (parsed.settings === undefined) return { problems: parsed.problems }

  const { listen, upstreams, admin } = parsed.settings
  const merged: Settings = {
    ...settings,
    ...(given.listen === undefined ? {} : { listen }),
    ...(given.upstreams === undefined ? {} : { upstreams }),
    ...(given.admin === undefined ? {} : { admin: { ...settings.admin, listen: admin } }),
  }
  const problems: Problem[] = [...parsed.problems]
  for (const { about, check } of settingsChecks(checks)) {
    if (!about.some((key) => keys.some((one) => one === key))) continue
    check(merged, (path, code, message, { what = 'value', ...more } = {}) => {
      const { source, place } = locate(path, what)
      problems.push(problemAt(source, place, code, message, more))
    })
  }
  return hasErrors(problems) ? { problems } : { settings: merged, problems }
}

function pieces(value: string | readonly string[]): string[] {
  const list = typeof value === 'string' ? [value] : value
  return list.flatMap((text) => text.split(',')).map((text) => text.trim())
}
