/** 374 raw messages that were found to upset other servers (SAFETY, "Bad input at hand"). */
import { strict as assert } from 'node:assert'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { ask, TcpClient, UdpClient } from '../support/client.ts'
import { parse } from '../support/message.ts'
import { startScene } from '../support/scene.ts'

const folder = resolve('../shared/corpus')
const skip = existsSync(folder) ? false : 'the corpus is not beside the project'

/** What fits a UDP datagram over IPv4: one file is longer. */
const MESSAGE_MAX = 65_507

function corpus(): { file: string; bytes: Buffer }[] {
  return ['bind9', 'c-ares'].flatMap((part) =>
    readdirSync(join(folder, part))
      .filter((file) => !file.startsWith('LICENSE'))
      .map((file) => ({
        file: `${part}/${file}`,
        bytes: readFileSync(join(folder, part, file)).subarray(0, MESSAGE_MAX),
      })),
  )
}

/** How many replies a message may get: [least, most]. */
function expected(bytes: Buffer): readonly [number, number] {
  if (bytes.length < 12 || (bytes.readUInt8(2) & 0x80) !== 0) return [0, 0]
  const isQuery = ((bytes.readUInt8(2) >> 3) & 15) === 0
  try {
    parse(bytes)
    return isQuery ? [1, 1] : [0, 1]
  } catch {
    return [0, 1]
  }
}

for (const transport of ['udp', 'tcp'] as const) {
  test(`the corpus over ${transport} leaves it alive, each message with the replies it deserves`, {
    skip,
  }, async (t) => {
    const { program } = await startScene(t)
    const all = corpus()
    const wrong: string[] = []
    for (let at = 0; at < all.length; at += 40) {
      await Promise.all(
        all.slice(at, at + 40).map(async ({ file, bytes }) => {
          const client = transport === 'udp' ? await UdpClient.open(program) : await TcpClient.open(program)
          client.send(bytes)
          const [least, most] = expected(bytes)
          // One more than it may be, so that a second reply is seen; silence is waited for only where it is due.
          const replies = await client.collect(most + 1, 300)
          client.close()
          if (replies.length < least || replies.length > most) wrong.push(`${file}: ${replies.length} replies`)
          for (const one of replies) assert.equal(parse(one).id, bytes.readUInt16BE(0), file)
        }),
      )
    }
    assert.deepEqual(wrong, [])
    assert.equal((await ask(program, 'alive.test')).rcode, 0)
    assert.equal((await ask(program, 'alive.test', 'A', { transport: 'tcp' })).rcode, 0)
    const lines = (program.stdout() + program.stderr()).split('\n').length
    assert.ok(lines < 60, `${lines} lines of log: no line per packet`)
  })
}
