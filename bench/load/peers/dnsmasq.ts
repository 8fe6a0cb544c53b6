import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath, type Peer } from '../peer.ts'

/** Its cache ends at 10,000 names, and it knows one thread only. */
export const dnsmasq: Peer = {
  name: 'dnsmasq',
  find: () => onPath('dnsmasq'),
  configure({ folder, port, stubPort }) {
    const file = join(folder, 'dnsmasq.conf')
    const lines = [
      'no-resolv',
      'no-hosts',
      'no-poll',
      'bind-interfaces',
      'user=',
      'log-facility=-',
      'listen-address=127.0.0.1',
      `port=${port}`,
      `server=127.0.0.1#${stubPort}`,
      'cache-size=10000',
      'dns-forward-max=2048',
    ]
    writeFileSync(file, `${lines.join('\n')}\n`)
    return { args: ['--keep-in-foreground', `--conf-file=${file}`, `--pid-file=${join(folder, 'pid')}`] }
  },
}
