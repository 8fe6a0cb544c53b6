import { type Field, oneOf } from './field.ts'
import { type Section, section } from './section.ts'

export type RuleMode = 'enforce' | 'observe' | 'disabled'

/** The settings of one rule: its own keys, and the `mode` that all rules have. */
export function ruleSection<S extends object>(
  doc: string,
  mode: RuleMode,
  fields: { readonly [K in keyof S]: Field<S[K]> },
): Section<S & { mode: RuleMode }> {
  const modeField = oneOf(['enforce', 'observe', 'disabled'], {
    default: mode,
    doc: '`enforce` acts; `observe` counts what it would have done and lets the query pass; `disabled` does nothing.',
  })
  return section(doc, { mode: modeField, ...fields } as {
    readonly [K in keyof (S & { mode: RuleMode })]: Field<(S & { mode: RuleMode })[K]>
  })
}
