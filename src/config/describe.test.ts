import assert from 'node:assert/strict'
import { test } from 'node:test'
import { markdown } from './describe.ts'
import { boolean, duration, either, integer, list, oneOf, text } from './field.ts'
import { jsonSchema } from './json-schema.ts'
import { group, section } from './section.ts'
import { domain } from './values.ts'

const route = section('One route.', { zone: text(domain, { doc: 'Where.' }) })
const root = section('All of it.', {
  count: integer({ default: 2, min: 1, max: 9, unit: 'pieces', doc: 'How many | or few.' }),
  wait: duration({ default: '30s', min: '1s', max: '1m', doc: 'How long.' }),
  routes: list(route, { default: [], maxItems: 3, doc: 'All.' }),
  either: either('off', route, { default: 'off', doc: 'One.' }),
  inner: group(
    section('Inside.', {
      kind: oneOf(['red', 'green'], { default: 'red', doc: 'What.', unbuilt: (value) => value === 'green' }),
      fast: boolean({ default: true, doc: 'Whether.', unbuilt: (value) => value }),
    }),
  ),
})

test('the page has every block and key, and nothing that would break a table', () => {
  const page = markdown('Title', 'Intro.', root)
  for (const heading of ['# Title', '## routes', '## either', '## inner'])
    assert.ok(page.includes(`${heading}\n`), heading)
  assert.ok(page.includes('| `count` | a whole number from 1 to 9 (pieces) | `2` | How many \\| or few. |\n'), page)
  assert.ok(page.includes('| `zone` | a domain name, such as example.org | required | Where. |\n'))
  assert.ok(page.includes('| `either` | off, or a block: [either](#either) | `off` | One. |\n'))
  assert.ok(page.includes('What. *`green`: accepted, not built yet: has no effect.* |\n'))
  assert.ok(page.includes('Whether. *Accepted, not built yet: has no effect.* |\n'))
})

test('the schema says the same to an editor', () => {
  const schema = jsonSchema('Title', root)
  assert.equal(schema['$schema'], 'http://json-schema.org/draft-07/schema#')
  const properties = schema['properties'] as Record<string, Record<string, unknown>>
  assert.equal(schema['additionalProperties'], false)
  assert.deepEqual([properties['count']?.['minimum'], properties['count']?.['maximum']], [1, 9])
  const pattern = new RegExp(properties['wait']?.['pattern'] as string)
  assert.deepEqual(
    ['30s', '1900ms', '30', '30 x'].map((one) => pattern.test(one)),
    [true, true, false, false],
  )
  const items = properties['routes']?.['items']
  assert.ok(typeof items === 'object' && items !== null && 'required' in items)
  assert.deepEqual(items.required, ['zone'])
  assert.deepEqual(JSON.parse(JSON.stringify(schema)), schema)
})
