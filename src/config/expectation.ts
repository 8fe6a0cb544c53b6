import { members, type Shape } from './field.ts'
import { quantityNames } from './quantity.ts'

const usual = { duration: '30s', size: '16MiB', rate: '200/s' } as const

/** What may be written, as the end of the sentence "expected …". */
export function expectation(of: Shape<unknown>): string {
  const shape = members(of)
  switch (shape.kind) {
    case 'boolean':
      return 'true or false'
    case 'integer':
      return `a whole number from ${shape.min} to ${shape.max}${shape.unit === undefined ? '' : ` (${shape.unit})`}`
    case 'number':
      return `a number from ${shape.min} to ${shape.max}`
    case 'duration':
    case 'size':
    case 'rate':
      return `${quantityNames[shape.kind]} from ${shape.min} to ${shape.max}, such as ${usual[shape.kind]}`
    case 'text':
      return `${shape.what}, such as ${shape.example}`
    case 'oneOf':
      return `${shape.values.slice(0, -1).join(', ')} or ${shape.values.at(-1)}`
    case 'list':
      return `a list ${listSize(shape)}, each ${expectation(shape.item)}`
    case 'either':
      return `${shape.word}, or ${expectation(shape.other)}`
    case 'section':
      return `a block of keys (${Object.keys(shape.fields).join(', ')})`
  }
}

function listSize({ minItems, maxItems }: { readonly minItems: number; readonly maxItems: number }): string {
  return minItems === 0 ? `of at most ${maxItems}` : `of ${minItems} to ${maxItems}`
}
