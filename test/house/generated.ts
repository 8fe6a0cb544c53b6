import { rootSettings } from '../../src/app/settings.ts'
import { markdown } from '../../src/config/describe.ts'
import { problemCodes } from '../../src/config/problem-codes.ts'
import { metricsMarkdown } from '../../src/metrics/markdown.ts'
import { edeName } from '../../src/wire/codes.ts'

/** A page that is derived from the source. `path` is relative to the root of the project. */
export interface GeneratedPage {
  readonly path: string
  text(): string
}

/** All generated pages. `npm run docs` writes them; a test finds the stale ones. */
export const generatedPages: readonly GeneratedPage[] = [
  {
    path: 'docs/config.md',
    text: () =>
      markdown(
        'Configuration',
        [
          '<!-- Generated from the source by `npm run docs`; edits here are overwritten. -->',
          '',
          'dnsweir reads one YAML file, UTF-8, of at most 1 MiB. Every key may be left out and then has its default; an',
          'empty file is a whole configuration. Durations are written `1900ms`, `30s`, `5m`, `1h`, `7d`; sizes `512KiB`, `16MiB`,',
          '`1GiB`; rates `500/s`, `600/m`. Domain names stand for themselves and all names below them. IPv6 addresses with a port',
          'need brackets and, in YAML, quotes: `"[::1]:53"`.',
          '',
          '`dnsweir check` names every problem with its line; `dnsweir schema` prints a JSON schema for editors. The flags',
          '`--listen`, `--upstream` and `--admin` win over the file.',
        ].join('\n'),
        rootSettings,
      ),
  },
  { path: 'docs/metrics.md', text: metricsMarkdown },
  { path: 'docs/errors.md', text: errorsMarkdown },
]

/** Extended errors (RFC 8914) that a reply of ours can carry, and when. */
const extendedErrors: readonly (readonly [number, string])[] = [
  [13, 'The upstream failed a moment ago, and this is remembered for `cache.failureTtl`.'],
  [15, 'A rule of the guard answered; the text names the rule.'],
  [17, 'A rule filtered the records of this type.'],
  [18, 'The client may not ask here (`guard.acl`), or is over a limit (the text names `rateLimit`).'],
  [22, 'No upstream answered in time, none is configured, or all that are left send questions back to us.'],
  [23, 'The network says that no upstream can be reached, or too many questions are open.'],
]

function errorsMarkdown(): string {
  return [
    '# Errors',
    '',
    '<!-- Generated from the source by `npm run docs`; edits here are overwritten. -->',
    '',
    'What can be wrong with a configuration. At the start dnsweir prints every problem as `file:line:column: sentence` with the line and a caret, and exits',
    'with code 2; at a reload it keeps the old settings. Codes are stable; `dnsweir check` prints the same problems.',
    '',
    '| code | meaning |',
    '|---|---|',
    ...Object.entries(problemCodes).map(([code, sentence]) => `| \`${code}\` | ${sentence} |`),
    '',
    'Extended DNS errors (RFC 8914) in replies to clients that sent EDNS:',
    '',
    '| code | name | when |',
    '|---|---|---|',
    ...extendedErrors.map(([code, when]) => `| ${code} | ${edeName(code)} | ${when} |`),
    '',
  ].join('\n')
}
