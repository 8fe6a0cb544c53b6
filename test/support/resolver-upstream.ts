/** A process: the upstream of test/peers/resolvers.test.ts, in whatever network namespace it is started, on port 5300. */
import { zoneScript } from './resolver-zone.ts'
import { startUpstream } from './upstream.ts'

await startUpstream(zoneScript, { port: 5300 })
console.log('ready')
process.once('SIGTERM', () => process.exit(0))
