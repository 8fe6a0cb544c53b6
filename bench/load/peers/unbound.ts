import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onPath, type Peer } from '../peer.ts'

/** One thread, no validation (dnsweir does none), more open questions than the load keeps open. */
export const unbound: Peer = {
  name: 'unbound',
  find: () => onPath('unbound'),
  configure({ folder, port, stubPort }) {
    const file = join(folder, 'unbound.conf')
    writeFileSync(
      file,
      `server:
  interface: 127.0.0.1
  port: ${port}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  verbosity: 0
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "iterator"
  num-threads: 1
  outgoing-range: 4096
  num-queries-per-thread: 2048
  msg-cache-size: 256m
  rrset-cache-size: 512m
  so-rcvbuf: 4m
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@${stubPort}
remote-control:
  control-enable: no
`,
    )
    return { args: ['-d', '-c', file] }
  },
}
