import { either, integer, integerShape } from '../config/field.ts'
import { section } from '../config/section.ts'
import { filePath } from '../config/values.ts'

export const tcpSettings = section('The connections that clients open.', {
  maxConnections: integer({
    default: 512,
    min: 1,
    max: 65_536,
    doc:
      'How many in all; over it the one that has been idle longest makes room. Each is an open file: beyond about 900 ' +
      'the process needs a higher limit of them (`ulimit -n`).',
  }),
  maxConnectionsPerClient: either('off', integerShape(1, 65_536), {
    default: 'off',
    doc:
      'How many from one address. `off` where all clients come from one, as behind nodelocaldns or in a pod; 64 suits a ' +
      'gateway, where one client could otherwise hold all.',
  }),
})

export const tlsSettings = section('Who we are to clients that come over TLS.', {
  certificate: either('none', filePath, {
    default: 'none',
    doc: 'A PEM file: our certificate, then those between it and its authority. It is read again when it changes, as a Secret does.',
  }),
  key: either('none', filePath, {
    default: 'none',
    doc: 'A PEM file: the private key of that certificate, without a passphrase.',
  }),
})
