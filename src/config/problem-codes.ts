/**
 * The closed set of codes that a problem with the configuration can have, each with a sentence. Codes are stable:
 * scripts may look for them.
 */
export const problemCodes = {
  'file-unreadable': 'The file cannot be read.',
  'file-too-large': 'The file is larger than any real configuration.',
  'not-utf8': 'The file is not UTF-8 text.',
  'yaml-syntax': 'The text is not YAML.',
  'yaml-tag': 'A YAML tag such as !include is used; only plain values are read.',
  'yaml-alias':
    'A YAML alias (*name) has no anchor (&name) before it, or aliases are too many or nested in themselves.',
  'yaml-nesting': 'Blocks are nested deeper than any setting.',
  'several-documents': 'The file has more than one YAML document.',
  'not-a-mapping': 'The file is not a mapping of keys to values.',
  'duplicate-key': 'A key is given twice in one block.',
  'unknown-key': 'A key is not known in its block.',
  'missing-key': 'A key that has no default is missing.',
  'wrong-type': 'A value is of another type than the setting.',
  'wrong-unit': 'A duration, size or rate has no unit, or one of another kind.',
  'out-of-range': 'A value is below the minimum or above the maximum, or a list is too short or too long.',
  'not-one-of': 'A value is none of the words that the setting takes.',
  'invalid-text': 'A name, address, prefix, path or record is not well formed.',
  'hosts-line': 'A line of a hosts file is of no use, and passed over.',
  'listed-twice': 'The same zone or address is given twice.',
  conflict: 'Two settings contradict each other.',
  'unknown-interface': 'An address is on a network interface that this machine does not have.',
  'rule-refuses': 'A rule cannot serve what its settings and files say.',
  'not-built-yet': 'The value is right, but this version cannot do it yet.',
  'no-effect-yet': 'The setting is accepted, and has no effect in this version.',
  'own-address': 'An upstream is one of our own listening addresses.',
  'no-upstream': 'No upstream is configured, so that only local answers can be given.',
} as const

export type ProblemCode = keyof typeof problemCodes
