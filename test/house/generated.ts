import { rootSettings } from '../../src/app/settings.ts'
import { markdown } from '../../src/config/describe.ts'

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
]
