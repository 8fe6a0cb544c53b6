import { isIP, isIPv4 } from 'node:net'
import os from 'node:os'

/**
 * Does the Host header name us in a way that no foreign web page can make a browser name us? A page of attacker.example
 * whose name is pointed at 127.0.0.1 (DNS rebinding) sends its own name: so an IP address passes, `localhost` passes, this
 * machine's name passes, and a name without a dot, which is no public name (a container's service name). HTTP/1.0 without
 * the header passes too: browsers always send it.
 */
export function hostIsOurs(header: string | undefined): boolean {
  if (header === undefined) return true
  const host = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(header)?.[1]?.toLowerCase()
  if (host === undefined || host === '') return false
  if (host.startsWith('[')) return isIP(host.slice(1, -1)) === 6
  if (isIPv4(host)) return true
  return /^[a-z0-9_-]+$/.test(host) || host === os.hostname().toLowerCase()
}
