import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyPlan, type PlanData, type UpstreamData } from '../link/plan-data.ts'
import { loopSentence, startLines } from './sentences.ts'

const server = (name: string): UpstreamData => ({
  name,
  transport: 'udp',
  address: Uint8Array.of(10, 0, 0, 1),
  port: 53,
  scope: 0,
  isPrivate: true,
})

const plan: PlanData = {
  ...emptyPlan,
  upstreams: [server('10.0.0.1:53'), server('tcp://10.233.0.3:53')],
  routes: [
    { name: '.', zones: [], upstreams: [0] },
    { name: 'cluster.local', zones: [], upstreams: [1] },
  ],
  rules: [
    { name: 'acl', mode: 'enforce', settings: {} },
    { name: 'searchSuffix', mode: 'observe', settings: {} },
  ],
}

test('the first lines tell what an operator asks first', () => {
  const facts = {
    version: '1.2.3',
    listeners: Array.from({ length: 18 }, (_, i) => `10.0.0.${i}:53`),
    admin: '127.0.0.1:9453',
    plan,
    engine: 'dgram',
    engineReason: 'koffi could not be loaded',
    shards: 1,
    receiveBuffer: 425_984,
    receiveBufferWanted: 4_194_304,
  }
  const lines = startLines(facts)
  assert.match(
    lines[0] as string,
    /^dnsweir 1\.2\.3 listens on 10\.0\.0\.0:53, .*10\.0\.0\.15:53 and 2 more \(UDP and TCP\)$/,
  )
  assert.deepEqual(lines.slice(1), [
    'forwards to 10.0.0.1:53; cluster.local to tcp://10.233.0.3:53',
    'rules that act: acl; that only observe: searchSuffix',
    'UDP engine: dgram, for koffi could not be loaded; 1 shard',
    'each UDP socket buffers 416 KiB: about 5 ms of queries at 100,000 a second; sysctl net.core.rmem_max=4194304 raises it',
    'metrics and health are on http://127.0.0.1:9453',
  ])
  assert.equal(startLines({ ...facts, receiveBuffer: 0 }).length, lines.length - 1)
})

test('without an upstream and a rule the lines say so', () => {
  const lines = startLines({
    version: '1',
    listeners: ['127.0.0.1:53'],
    admin: '127.0.0.1:1',
    plan: emptyPlan,
    engine: 'epoll',
    engineReason: undefined,
    shards: 2,
    receiveBuffer: 8_388_608,
    receiveBufferWanted: 4_194_304,
  })
  assert.deepEqual(lines.slice(1, 5), [
    'forwards to nobody',
    'rules that act: none',
    'UDP engine: epoll; 2 shards',
    'each UDP socket buffers 8192 KiB: about 109 ms of queries at 100,000 a second',
  ])
})

test('a loop is one sentence that names the path, its end another', () => {
  const event = {
    kind: 'loop',
    route: '.',
    zone: '',
    upstream: '127.0.0.1:1053',
    listener: '127.0.0.1:53',
    from: '',
  } as const
  assert.equal(
    loopSentence({ ...event, marked: true, from: '10.0.0.9:4711' }),
    'loop: questions for zone . sent to 127.0.0.1:1053 come back to dnsweir at 127.0.0.1:53 (sent by 10.0.0.9:4711); ' +
      'it gets no questions while another upstream of the route works, and at most 20 a second otherwise',
  )
  assert.match(
    loopSentence({ ...event, marked: true, zone: 'corp.example' }),
    /^loop: questions for zone corp\.example sent /,
  )
  assert.match(
    loopSentence({ ...event, marked: false }),
    /^loop: healed: .* sent to 127\.0\.0\.1:1053 no longer come back/,
  )
})
