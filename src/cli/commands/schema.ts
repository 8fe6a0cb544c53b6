import { Command } from 'commander'
import { rootSettings } from '../../app/settings.ts'
import { jsonSchema } from '../../config/json-schema.ts'

/** `dnsweir schema`: for `# yaml-language-server: $schema=…` and its like. */
export function schemaCommand(): Command {
  return new Command('schema').description('Print the JSON schema of the configuration, for editors.').action(() => {
    process.stdout.write(`${JSON.stringify(jsonSchema('dnsweir', rootSettings), undefined, 2)}\n`)
  })
}
