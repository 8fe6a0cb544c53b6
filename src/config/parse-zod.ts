import { z } from 'zod'
import { type Field, members, type QuantityShape, type SectionShape, type Shape } from './field.ts'
import type { ProblemCode } from './problem-codes.ts'
import { readQuantity } from './quantity.ts'

/** What a check of ours says beside the message; it travels in an issue's `params`. */
export interface CustomParams {
  readonly problem: ProblemCode
  /** A clause in lower case, where `expected …` does not say it all. */
  readonly detail?: string
  readonly suggestion?: string
}

const tooLong: { readonly problem: ProblemCode } = { problem: 'out-of-range' }

/**
 * Runs the schema of a root section. With issues, `value` holds what could be parsed beside them; undefined when nothing
 * could.
 */
export function zodOfRoot(root: Shape<unknown>, input: unknown): { value: unknown; issues: z.core.$ZodIssue[] } {
  let value: unknown
  // Zod keeps the half-parsed value to itself; a refinement that runs in any case gets to see it.
  const see = (seen: unknown) => {
    value = seen
    return true
  }
  const schema = sectionObject(members(root) as SectionShape).refine(see, { when: () => true })
  const result = schema.safeParse(input)
  return result.success ? { value: result.data, issues: [] } : { value, issues: result.error.issues }
}

/** The zod schema of a shape: what comes out is parsed (ms, bytes, addresses), with defaults filled in. */
export function zodOf(of: Shape<unknown>): z.ZodType {
  const shape = members(of)
  switch (shape.kind) {
    case 'boolean':
      return z.boolean()
    case 'integer':
      // Not z.int(), whose issue would end the whole parse: every problem is wanted at once.
      return z.number().multipleOf(1).min(shape.min).max(shape.max)
    case 'number':
      return z.number().min(shape.min).max(shape.max)
    case 'oneOf':
      return z.enum(shape.values as [string, ...string[]])
    case 'duration':
    case 'size':
    case 'rate':
      return z.transform((input, context) => {
        const read = readQuantity(shape.kind, input)
        if ('error' in read) return refuse(context, read, 'wrong-unit')
        return inRange(shape, read.value) ? read.value : refuse(context, {}, 'out-of-range')
      })
    case 'text':
      return z.string().transform((text, context) => {
        const read = shape.read(text)
        return 'value' in read ? read.value : refuse(context, read, read.unbuilt ? 'not-built-yet' : 'invalid-text')
      })
    case 'list':
      // Not .max(), whose issue would end the whole parse and hide what else is wrong.
      return z
        .array(zodOf(shape.item))
        .min(shape.minItems)
        .refine((items) => items.length <= shape.maxItems, {
          params: tooLong,
          when: ({ value }) => Array.isArray(value),
        })
    case 'either':
      return z.union([z.literal(shape.word), zodOf(shape.other)])
    case 'section':
      // A block whose keys are all commented out is null in YAML, and means its defaults.
      return z.preprocess((input) => input ?? {}, sectionObject(shape))
  }
}

function sectionObject({ fields }: SectionShape) {
  return z.strictObject(Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, zodOfField(field)])))
}

/** Defaults are declared as an operator would write them, and take the same way. */
function zodOfField(field: Field<unknown>): z.ZodType {
  const schema = zodOf(field.shape)
  return field.default === undefined ? schema : schema.prefault(field.default)
}

function inRange(shape: QuantityShape, value: number): boolean {
  const [min, max] = [shape.min, shape.max].map((text) => readQuantity(shape.kind, text))
  if (min === undefined || max === undefined || 'error' in min || 'error' in max) {
    throw new Error(`a setting is declared with the limits ${shape.min} and ${shape.max}`)
  }
  return min.value <= value && value <= max.value
}

function refuse(
  context: z.RefinementCtx,
  { error, suggestion }: { readonly error?: string; readonly suggestion?: string },
  problem: ProblemCode,
): never {
  const params: CustomParams = { problem, ...(error && { detail: error }), ...(suggestion && { suggestion }) }
  context.addIssue({ code: 'custom', params: { ...params } })
  return z.NEVER
}
