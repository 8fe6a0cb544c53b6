import { type Parsed, parse } from '../config/parse.ts'
import type { SettingsOf } from '../config/section.ts'
import { type SettingsChecks, settingsChecks } from './settings-checks.ts'
import {
  type cacheSettings,
  type forwardSettings,
  type guardSettings,
  type logSettings,
  rootSettings,
  type routeSettings,
} from './settings-root.ts'

export { applyOverrides, type Overrides } from './settings-overrides.ts'
export { rootSettings }

/** All settings, parsed: durations in ms, sizes in bytes, rates per second, names in lower case without trailing dot. */
export type Settings = SettingsOf<typeof rootSettings>
export type RouteSettings = SettingsOf<typeof routeSettings>
export type ForwardSettings = SettingsOf<typeof forwardSettings>
export type CacheSettings = SettingsOf<typeof cacheSettings>
export type GuardSettings = SettingsOf<typeof guardSettings>
export type LogSettings = SettingsOf<typeof logSettings>

/**
 * A configuration file's content → settings, or every problem at once; `settings` are there exactly when no problem is
 * an error. An empty file means all defaults. Bytes are checked to be UTF-8. Never throws.
 */
export function parseSettings(
  content: string | Uint8Array,
  file: string,
  checks: SettingsChecks = {},
): Parsed<Settings> {
  return parse<Settings>(rootSettings, content, file, settingsChecks(checks))
}
