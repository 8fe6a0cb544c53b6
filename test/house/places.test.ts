import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { type Container, manifestsOf } from './manifests.ts'
import { filesUnder } from './sources.ts'

const admin = 9453

test('each manifest is YAML with a kind', () => {
  const files = filesUnder('config/kubernetes', '.yaml')
  assert.ok(files.length >= 2)
  for (const file of files) for (const { kind } of manifestsOf(file)) assert.match(kind, /^[A-Z][A-Za-z]+$/, file)
})

test('the DaemonSet runs with as little as it can, and says when it is well', () => {
  const spec = manifestsOf('config/kubernetes/daemonset.yaml').find(({ kind }) => kind === 'DaemonSet')?.spec?.template
    ?.spec
  assert.equal(spec?.hostNetwork, true)
  const own = dnsweirOf(spec?.containers)
  assert.deepEqual(own.livenessProbe?.httpGet, { host: '127.0.0.1', port: admin, path: '/health' })
  assert.deepEqual(own.readinessProbe?.httpGet, { host: '127.0.0.1', port: admin, path: '/ready' })
})

test('no container of dnsweir is root, has a capability, or is without bounds', () => {
  const daemon = manifestsOf('config/kubernetes/daemonset.yaml').find(({ kind }) => kind === 'DaemonSet')
  const pod = manifestsOf('config/kubernetes/sidecar.yaml').find(({ kind }) => kind === 'Pod')
  for (const { securityContext, resources, args } of [
    dnsweirOf(daemon?.spec?.template?.spec.containers),
    dnsweirOf(pod?.spec?.containers),
  ]) {
    assert.equal(securityContext?.runAsNonRoot, true)
    assert.ok((securityContext?.runAsUser ?? 0) > 0)
    assert.equal(securityContext?.readOnlyRootFilesystem, true)
    assert.equal(securityContext?.allowPrivilegeEscalation, false)
    assert.deepEqual(securityContext?.capabilities, { drop: ['ALL'] })
    assert.ok(resources?.requests !== undefined && resources.limits !== undefined)
    assert.deepEqual(args, ['serve', '--config', '/etc/dnsweir/dnsweir.yaml'])
  }
})

test('in a patched Corefile dnsweir never stands alone', () => {
  const text = readFileSync('config/kubernetes/corefile.md', 'utf8')
  const blocks = [...text.matchAll(/^```corefile\n(.*?)^```/gms)].map(([, block]) => block as string)
  const forwards = blocks.flatMap((block) => [...block.matchAll(/^ +forward (.*?) \{\n(.*?)\n +\}/gms)])
  assert.equal(blocks.join('\n').match(/\bforward\b/g)?.length, forwards.length, 'each forward is a block')
  assert.ok(forwards.length >= 3)
  for (const [, line, inside] of forwards) {
    assert.match(line as string, /^\. 169\.254\.25\.11:1053 (192\.168\.110\.10|10\.233\.0\.3)$/)
    assert.match(inside as string, /^ +policy sequential$/m)
  }
  const zones = blocks.flatMap((block) => [...block.matchAll(/^(\S+):53 \{/gm)].map(([, zone]) => zone))
  assert.ok(zones.includes('.') && !zones.includes('in-addr.arpa'), 'the service and pod ranges only')
})

test('the image is built of what is there, and does not run as root', () => {
  const lines = readFileSync('Dockerfile', 'utf8').replaceAll('\\\n', ' ').split('\n')
  const copied = lines
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(' ').slice(1, -1))
  assert.ok(copied.includes('src') && copied.includes('package-lock.json'))
  const ignore = readFileSync('.dockerignore', 'utf8').split('\n')
  for (const source of copied) {
    assert.ok(existsSync(source), `${source} is there`)
    assert.ok(ignore.includes(`!${source}`), `.dockerignore lets ${source} through`)
  }
  assert.match(lines.find((line) => line.startsWith('USER ')) ?? '', /^USER [1-9]\d*:[1-9]\d*$/)
  for (const word of ['ENTRYPOINT', 'CMD', 'RUN']) {
    const forms = lines.filter((line) => line.startsWith(`${word} `))
    assert.ok(forms.length > 0)
    for (const form of forms) assert.ok(Array.isArray(JSON.parse(form.slice(word.length))), `${form}: exec form`)
  }
  const runs = lines
    .filter((line) => line.startsWith('RUN '))
    .map((line) => (JSON.parse(line.slice(4)) as string[]).join(' '))
  assert.match(runs.at(-1) ?? '', /^npm ci --omit=dev --ignore-scripts/, 'what runs has no development dependencies')
})

test('the service is no root, and may have one capability', () => {
  const lines = readFileSync('config/systemd/dnsweir.service', 'utf8').split('\n')
  for (const line of [
    'DynamicUser=yes',
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    'CapabilityBoundingSet=CAP_NET_BIND_SERVICE',
  ]) {
    assert.ok(lines.includes(line), line)
  }
  const started = lines.filter((line) => /^ExecStart(Pre)?=/.test(line))
  for (const line of started)
    assert.match(line, / dist\/cli\/main\.js (check|serve) --config \/etc\/dnsweir\/dnsweir\.yaml$/)
  assert.equal(started.length, 2)
})

function dnsweirOf(containers: readonly Container[] = []): Container {
  return containers.find(({ name }) => name === 'dnsweir') ?? assert.fail('there is a container of dnsweir')
}
