import type { Query } from './query.ts'

/** Makes `to` the same as `from`. Allocates: for explain alone. */
export function copyQuery(from: Query, to: Query): void {
  const { name, nameView, labels, client, ...rest } = from
  Object.assign(to, rest)
  to.name.set(name)
  to.labels.set(labels)
  to.client.set(client)
}
