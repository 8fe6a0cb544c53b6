import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { test } from 'node:test'
import { build } from '../../src/app/build.ts'
import { parseSettings, type Settings } from '../../src/app/settings.ts'
import { formatProblems } from '../../src/config/problem.ts'
import { manifestsOf } from './manifests.ts'
import { filesUnder } from './sources.ts'

/** What the configurations may find on a machine: nothing of this one. */
const world = {
  readText: (path: string) =>
    path === '/etc/resolv.conf' ? 'nameserver 192.168.1.1\nsearch example.org\n' : undefined,
  interfaces: () => ({}),
}

const roles = filesUnder('config', '.yaml').filter((file) => file.split('/').length === 2)
const mapped = ['config/kubernetes/daemonset.yaml', 'config/kubernetes/sidecar.yaml'].flatMap((file) =>
  manifestsOf(file).flatMap(({ kind, data }) =>
    kind === 'ConfigMap' ? [{ file, text: data?.['dnsweir.yaml'] ?? '' }] : [],
  ),
)

test('there is one file per role', () => {
  const names = roles.map((file) => basename(file, '.yaml'))
  assert.deepEqual(names.sort(), ['dnsweir', 'gateway', 'load-test', 'node', 'sidecar'])
  assert.equal(mapped.length, 2)
})

for (const { file, text } of [...roles.map((file) => ({ file, text: readFileSync(file, 'utf8') })), ...mapped]) {
  test(`${file} is loaded, and nothing in it is without effect`, () => {
    const { plan, warnings } = build(settingsOf(text, file), 1, world)
    assert.deepEqual(warnings, [])
    assert.ok(plan.rules.length > 0)
  })

  test(`${file} is commented`, () => {
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    const comments = lines.filter((line) => line.includes('#')).length
    assert.ok(comments >= lines.length / 3, `${comments} comments in ${lines.length} lines`)
  })
}

test('the manifests carry the files of their roles', () => {
  const pairs = [
    ['config/kubernetes/daemonset.yaml', 'config/node.yaml'],
    ['config/kubernetes/sidecar.yaml', 'config/sidecar.yaml'],
  ] as const
  for (const [manifest, file] of pairs) {
    const text = mapped.find((one) => one.file === manifest)?.text
    assert.equal(text?.trimEnd(), readFileSync(file, 'utf8').trimEnd(), `${manifest} and ${file} differ`)
  }
})

test('the load-test target asks nobody and answers everything', () => {
  const settings = settingsOf(readFileSync('config/load-test.yaml', 'utf8'), 'config/load-test.yaml')
  assert.deepEqual(settings.upstreams, [])
  assert.notEqual(settings.guard.localAnswers.everything, 'off')
})

test('the roles on nodes and gateways keep what FIELD asks of them', () => {
  const of = (role: string): Settings => settingsOf(readFileSync(`config/${role}.yaml`, 'utf8'), role)
  assert.ok(of('node').forward.replyWithin < 2000, 'CoreDNS waits 2 s')
  for (const role of ['node', 'gateway']) assert.equal(of(role).cache.minTtl, 5000, `${role}: dnsmasq's own TTL is 0`)
  const reverse = of('node')
    .routes.flatMap(({ zones }) => zones)
    .filter((zone) => zone.endsWith('in-addr.arpa'))
  assert.ok(reverse.length > 0 && !reverse.includes('in-addr.arpa'), 'the service and pod ranges only')
})

function settingsOf(text: string, file: string): Settings {
  const { settings, problems } = parseSettings(text, file)
  assert.equal(formatProblems(problems), '')
  return settings ?? assert.fail('there are settings')
}
