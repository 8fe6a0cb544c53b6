import type { ExplainAsked } from '../provider.ts'
import { json, type Route } from '../route.ts'

const texts = ['name', 'type', 'client']
const flags = ['do', 'cd', 'tcp']

/** Which rule decides about a question, and why: the road is walked, and nobody is asked, charged or counted. */
export function explain(): Route {
  return {
    path: '/api/explain',
    async answer(provider, parameters) {
      const asked = askedOf(parameters)
      if (typeof asked === 'string') return json(400, { error: asked })
      const { status, body } = await provider.explain(asked)
      return json(status, body)
    },
  }
}

/** What is asked, or in a sentence what is wrong with it. */
function askedOf(parameters: URLSearchParams): ExplainAsked | string {
  for (const key of parameters.keys()) {
    if (![...texts, ...flags].includes(key))
      return `there are only name, type, client, do, cd and tcp here: ${JSON.stringify(key)} is none of them`
    if (parameters.getAll(key).length > 1) return `${key} is there more than once`
  }
  const name = parameters.get('name')
  if (name === null || name === '')
    return 'name is missing: /api/explain?name=www.example.org&type=AAAA&client=10.0.0.5'
  for (const flag of flags) {
    if (!['0', '1', null].includes(parameters.get(flag))) return `${flag} is 1 or 0`
  }
  return {
    name,
    type: parameters.get('type') ?? undefined,
    client: parameters.get('client') ?? undefined,
    dnssecOk: parameters.get('do') === '1',
    checkingDisabled: parameters.get('cd') === '1',
    tcp: parameters.get('tcp') === '1',
  }
}
