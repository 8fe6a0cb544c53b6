import { expectation } from './expectation.ts'
import { type Field, members, type Quantity, type Shape } from './field.ts'
import { unitsOf } from './quantity.ts'

export type JsonSchema = { readonly [key: string]: unknown }

/** The JSON Schema (draft-7, which editors know best) of a root section. The parser is stricter where texts have a form. */
export function jsonSchema(title: string, root: Shape<unknown>): JsonSchema {
  return { $schema: 'http://json-schema.org/draft-07/schema#', title, ...schemaOf(root) }
}

function schemaOf(of: Shape<unknown>): JsonSchema {
  const shape = members(of)
  switch (shape.kind) {
    case 'boolean':
      return { type: 'boolean' }
    case 'integer':
      return { type: 'integer', minimum: shape.min, maximum: shape.max }
    case 'number':
      return { type: 'number', minimum: shape.min, maximum: shape.max }
    case 'duration':
    case 'size':
    case 'rate':
      return { type: 'string', pattern: quantityPattern(shape.kind) }
    case 'text':
      return { type: 'string', examples: [shape.example] }
    case 'oneOf':
      return { enum: shape.values }
    case 'list':
      return { type: 'array', items: schemaOf(shape.item), minItems: shape.minItems, maxItems: shape.maxItems }
    case 'either':
      return { anyOf: [{ const: shape.word }, schemaOf(shape.other)] }
    case 'section': {
      const entries = Object.entries(shape.fields)
      const required = entries.filter(([, field]) => field.default === undefined).map(([key]) => key)
      return {
        // An empty block is null in YAML and means its defaults.
        type: ['object', 'null'],
        description: shape.doc,
        properties: Object.fromEntries(entries.map(([key, field]) => [key, propertyOf(field)])),
        additionalProperties: false,
        ...(required.length === 0 ? {} : { required }),
      }
    }
  }
}

function propertyOf(field: Field<unknown>): JsonSchema {
  const shape = members(field.shape)
  const plain = shape.kind === 'section' || shape.kind === 'boolean' || shape.kind === 'oneOf'
  const description = plain ? field.doc : `${field.doc} Expected: ${expectation(field.shape)}.`
  return { ...schemaOf(field.shape), description, ...(field.default === undefined ? {} : { default: field.default }) }
}

function quantityPattern(kind: Quantity): string {
  return `^[0-9]+(\\.[0-9]+)? ?(${unitsOf(kind).join('|')})$`
}
