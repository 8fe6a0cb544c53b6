import { existsSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Peer } from '../peer.ts'

/** Ours, as built by `npm run build`; npm starts benches in the project's root. */
const main = resolve('dist/cli/main.js')

/** The client's deadline, short so that a run sees many of them: see `deadlines` in cases. */
export const replyWithinMs = 500

/** The default configuration, all rules on; the limit per client is above what the one client of a bench asks. */
export const dnsweir: Peer = {
  name: 'dnsweir',
  find: () => (existsSync(main) ? process.execPath : undefined),
  configure({ folder, port, sparePort, stubPort }) {
    const file = join(folder, 'dnsweir.yaml')
    const settings = {
      listen: [`127.0.0.1:${port}`],
      upstreams: [`127.0.0.1:${stubPort}`],
      searchSuffixes: ['example.org'],
      forward: { replyWithin: `${replyWithinMs}ms` },
      guard: { rateLimit: { rate: '1000000/s', burst: 10_000_000 } },
      admin: { listen: `127.0.0.1:${sparePort}` },
    }
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(settings))
    return { args: [main, 'serve', '--config', file] }
  },
}
