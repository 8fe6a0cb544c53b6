import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath, type Peer } from '../peer.ts'

/** One listening thread with a packet cache in front of the stub. */
export const dnsdist: Peer = {
  name: 'dnsdist',
  find: () => onPath('dnsdist'),
  configure({ folder, port, stubPort }) {
    const file = join(folder, 'dnsdist.conf')
    writeFileSync(
      file,
      `setLocal("127.0.0.1:${port}")
setSecurityPollSuffix("")
setMaxUDPOutstanding(65535)
newServer({address="127.0.0.1:${stubPort}", checkInterval=60})
getPool(""):setCache(newPacketCache(2000000, {maxNegativeTTL=3600}))
`,
    )
    return { args: ['--supervised', '--disable-syslog', '--config', file] }
  },
}
