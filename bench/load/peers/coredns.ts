import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath, type Peer } from '../peer.ts'

/** The plugins that nodelocaldns uses, without its log, metrics and loop. */
export const coredns: Peer = {
  name: 'coredns',
  find: () => onPath('coredns'),
  configure({ folder, port, stubPort }) {
    const file = join(folder, 'Corefile')
    writeFileSync(
      file,
      `.:${port} {
  bind 127.0.0.1
  cache {
    success 2000000 3600
    denial 2000000 3600
  }
  forward . 127.0.0.1:${stubPort}
}
`,
    )
    return { args: ['-conf', file], env: { GOMAXPROCS: '1' } }
  },
}
