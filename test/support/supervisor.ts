/** The supervisor and its real worker threads inside the test's own process, where a drill can reach them. */
import { strict as assert } from 'node:assert'
import { networkInterfaces } from 'node:os'
import type { TestContext } from 'node:test'
import { build } from '../../src/app/build.ts'
import { parseSettings, type Settings } from '../../src/app/settings.ts'
import { machine } from '../../src/app/world.ts'
import { monotonicClock } from '../../src/base/clock.ts'
import { laneLength, outcomes, queries } from '../../src/metrics/catalog.ts'
import { openSys } from '../../src/net/sys.ts'
import { Supervisor, type Wanted } from '../../src/threads/supervisor.ts'
import { freePort } from './ports.ts'

export interface Stage {
  readonly supervisor: Supervisor
  readonly port: number
  /** Sentences that were said, oldest first. */
  readonly said: string[]
  /** Settings as YAML says them → what the supervisor wants; each call is one generation later. */
  wanted(settings: object): Wanted
  /** Sums over all lanes. */
  sums(): Float64Array
}

/** Why not, for node:test's `skip`; false when the epoll engine runs here. */
export const noEpoll: string | false = typeof openSys() === 'string' ? (openSys() as string) : false

export async function startStage(
  t: TestContext,
  settings: object,
  { engine = 'epoll' as 'epoll' | 'dgram', addresses = ['127.0.0.1'] } = {},
): Promise<Stage> {
  const port = await freePort(addresses)
  const said: string[] = []
  const sys = openSys()
  const supervisor = new Supervisor({
    sys: engine === 'epoll' && typeof sys !== 'string' ? sys : undefined,
    clock: monotonicClock(),
    hashSeed: 1,
    interfaces: networkInterfaces,
    say: (_, sentence) => void said.push(sentence),
    event: () => undefined,
  })
  let generation = 0
  const stage: Stage = {
    supervisor,
    port,
    said,
    wanted(next) {
      const listen = addresses.map((address) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`))
      const all = { listen, upstreams: [], searchSuffixes: [], loop: { interval: '1h' }, ...next }
      const { settings: parsed, problems } = parseSettings(JSON.stringify(all), 'stage.yaml')
      assert.ok(parsed !== undefined, problems.map(({ message }) => message).join('\n'))
      return planOf(parsed, ++generation)
    },
    sums() {
      const sums = new Float64Array(laneLength)
      for (const lane of supervisor.lanes)
        for (let at = 0; at < laneLength; at++) sums[at] = (sums[at] as number) + (lane[at] as number)
      return sums
    },
  }
  t.after(() => supervisor.stop())
  await supervisor.start(stage.wanted(settings))
  return stage
}

/** `[queries, outcomes]` over all workers. */
export function books(stage: Stage): [number, number] {
  const sums = stage.sums()
  const total = (places: Readonly<Record<string, number>>) =>
    Object.values(places).reduce((sum, at) => sum + (sums[at] as number), 0)
  return [total(queries), total(outcomes)]
}

function planOf(settings: Settings, generation: number): Wanted {
  return { plan: build(settings, generation, machine).plan, listen: settings.listen, threads: settings.threads }
}
