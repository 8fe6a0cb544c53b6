/** A strict reader of the Prometheus text format 0.0.4: what a real scraper would refuse is an error here. */
import { strict as assert } from 'node:assert'

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Metrics {
  readonly samples: readonly Sample[]
  readonly types: ReadonlyMap<string, string>
  /** The one sample with this name and these labels; 0 when absent but the family is declared. */
  value(name: string, labels?: Readonly<Record<string, string>>): number
  /** Over all samples of the name whose labels include these. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/
const KINDS = ['counter', 'gauge', 'histogram', 'summary', 'untyped']

export function parseMetrics(text: string): Metrics {
  assert.ok(text.endsWith('\n'), 'the last line has no end')
  const types = new Map<string, string>()
  const helped = new Set<string>()
  const samples: Sample[] = []
  const seen = new Set<string>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [mark, kind, name = '', ...rest] = line.split(' ')
    if (mark === '#' && (kind === 'HELP' || kind === 'TYPE')) {
      assert.match(name, NAME, line)
      if (kind === 'HELP') {
        assert.ok(!helped.has(name), `HELP twice: ${line}`)
        helped.add(name)
      } else {
        assert.ok(!types.has(name), `TYPE twice: ${line}`)
        assert.ok(KINDS.includes(rest.join(' ')), line)
        types.set(name, rest.join(' '))
      }
    } else if (!line.startsWith('#')) samples.push(readSample(line))
  }
  for (const { name, labels, value } of samples) {
    const family = familyOf(name, types)
    assert.ok(family !== undefined, `${name} has no TYPE`)
    assert.ok(helped.has(family), `${name} has no HELP`)
    if (types.get(family) === 'counter') assert.ok(value >= 0, `${name} is ${value}`)
    const key = name + JSON.stringify(Object.entries(labels).sort())
    assert.ok(!seen.has(key), `twice: ${key}`)
    seen.add(key)
  }
  const matching = (name: string, labels: Readonly<Record<string, string>> = {}): Sample[] => {
    assert.ok(familyOf(name, types) !== undefined, `no metric ${name}`)
    return samples.filter(
      (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    )
  }
  return {
    samples,
    types,
    value(name, labels) {
      const found = matching(name, labels)
      assert.ok(found.length <= 1, `${name} has ${found.length} samples`)
      return found[0]?.value ?? 0
    },
    sum: (name, labels) => matching(name, labels).reduce((total, sample) => total + sample.value, 0),
  }
}

function familyOf(name: string, types: ReadonlyMap<string, string>): string | undefined {
  if (types.has(name)) return name
  const base = name.replace(/_(bucket|sum|count)$/, '')
  return ['histogram', 'summary'].includes(types.get(base) ?? '') ? base : undefined
}

function readSample(line: string): Sample {
  const [, name = '', labelText = '', number = ''] = SAMPLE.exec(line) ?? assert.fail(`not a sample: ${line}`)
  const labels: Record<string, string> = {}
  for (let rest = labelText; rest !== ''; ) {
    const [whole, key = '', value = ''] = LABEL.exec(rest) ?? assert.fail(`bad labels: ${line}`)
    assert.ok(!(key in labels), `label twice: ${line}`)
    labels[key] = value
    rest = rest.slice(whole.length)
  }
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : number === '-Inf' ? Number.NEGATIVE_INFINITY : +number
  assert.ok(number === 'NaN' || !Number.isNaN(value), `bad number: ${line}`)
  return { name, labels, value }
}
