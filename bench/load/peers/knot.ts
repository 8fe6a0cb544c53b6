import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath, type Peer } from '../peer.ts'

/** Knot Resolver 5: one process is one thread; no validation, as the others. */
export const knot: Peer = {
  name: 'knot',
  find: () => onPath('kresd'),
  configure({ folder, port, stubPort }) {
    const file = join(folder, 'kresd.conf')
    writeFileSync(
      file,
      `net.listen('127.0.0.1', ${port}, { kind = 'dns' })
cache.size = 512 * MB
trust_anchors.remove('.')
modules.unload('ta_update')
modules.unload('ta_signal_query')
policy.add(policy.all(policy.STUB('127.0.0.1@${stubPort}')))
`,
    )
    return { args: ['-n', '-c', file, folder] }
  },
}
