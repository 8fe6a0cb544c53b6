/** Addresses that nobody far away has, as prefixes in text: what the setting `private` stands for. */
export const privatePrefixes: readonly string[] = [
  '127.0.0.0/8',
  '::1/128',
  // RFC 1918
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  // RFC 6598: carrier-grade NAT, and the pod networks of some clouds
  '100.64.0.0/10',
  // RFC 3927, RFC 4291: link-local, where a node's own DNS cache listens
  '169.254.0.0/16',
  'fe80::/10',
  // RFC 4193: unique local
  'fc00::/7',
]
