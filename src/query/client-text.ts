import { isMapped } from '../base/address.ts'
import { addressToText } from '../wire/text.ts'

/** A client's 16 bytes as it would write its address: IPv4 in its own form. Allocates. */
export function clientText(client: Uint8Array): string {
  return addressToText(isMapped(client, 0) ? client.slice(12) : client)
}
