/** The usual scene: a scripted upstream and the real program in front of it. */
import type { TestContext } from 'node:test'
import { atEnd } from './cleanup.ts'
import { type Program, type ProgramOptions, type Settings, startProgram } from './program.ts'
import { anyAddress, type Script, startUpstream, type Upstream, type UpstreamOptions } from './upstream.ts'

export interface Scene {
  readonly program: Program
  readonly upstream: Upstream
}

/** Started together, ended with the test. `settings` may name `upstreams` of its own. */
export async function startScene(
  t: TestContext,
  script: Script = anyAddress,
  settings: Settings = {},
  options: ProgramOptions & UpstreamOptions = {},
): Promise<Scene> {
  const upstream = await openUpstream(t, script, { ...(options.scriptProbes && { scriptProbes: true }) })
  const program = await startProgram(t, { upstreams: [upstream.target], ...settings }, options)
  return { program, upstream }
}

/** A scripted upstream that ends with the test. */
export async function openUpstream(t: TestContext, script: Script, options: UpstreamOptions = {}): Promise<Upstream> {
  const upstream = await startUpstream(script, options)
  atEnd(t, () => upstream.close())
  return upstream
}
