import { expectation } from './expectation.ts'
import { type Field, members, type SectionShape, type Shape } from './field.ts'

/**
 * The reference page of a root section, in markdown: a heading and a table for each block. Derived from the
 * declarations alone, so that it cannot be wrong about them.
 */
export function markdown(title: string, intro: string, root: Shape<unknown>): string {
  const parts = [`# ${title}`, intro, ...block(members(root) as SectionShape, '')]
  return `${parts.join('\n\n')}\n`
}

function block(section: SectionShape, path: string): string[] {
  const heading = path === '' ? [] : [`## ${path}`]
  const rows = Object.entries(section.fields).map(([key, field]) => row(key, field, path))
  const table = ['| key | value | default | meaning |', '|---|---|---|---|', ...rows].join('\n')
  const below = Object.entries(section.fields).flatMap(([key, field]) => {
    const inner = sectionIn(field.shape)
    return inner === undefined ? [] : block(inner, path === '' ? key : `${path}.${key}`)
  })
  return [...heading, section.doc, table, ...below]
}

function row(key: string, field: Field<unknown>, path: string): string {
  const full = path === '' ? key : `${path}.${key}`
  const inner = sectionIn(field.shape)
  const value = inner === undefined ? expectation(field.shape) : `${around(field.shape)} [${full}](#${anchor(full)})`
  const written = field.default === undefined ? 'required' : `\`${flow(field.default)}\``
  const cells = [`\`${key}\``, value.trim(), written, `${field.doc}${unbuiltNote(field)}`]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

/** The section that a key leads to, through a list or beside a word. */
function sectionIn(of: Shape<unknown>): SectionShape | undefined {
  const shape = members(of)
  if (shape.kind === 'section') return shape
  if (shape.kind === 'list') return sectionIn(shape.item)
  return shape.kind === 'either' ? sectionIn(shape.other) : undefined
}

function around(of: Shape<unknown>): string {
  const shape = members(of)
  if (shape.kind === 'either') return `${shape.word}, or a block:`
  return shape.kind === 'list' ? 'a list of blocks:' : 'a block:'
}

/** GitHub's anchor of a heading. */
function anchor(heading: string): string {
  return heading.toLowerCase().replaceAll('.', '')
}

function unbuiltNote(field: Field<unknown>): string {
  if (field.unbuilt === undefined) return ''
  const shape = members(field.shape)
  const values = shape.kind === 'oneOf' ? shape.values.filter((value) => field.unbuilt?.(value)) : []
  const which = values.length === 0 ? 'A' : `${values.map((value) => `\`${value}\``).join(', ')}: a`
  return ` *${which}ccepted, not built yet: has no effect.*`
}

/** A default as YAML in one line. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  return typeof value === 'object' ? '{}' : String(value)
}
