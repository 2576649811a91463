import type { ProfileContext } from '../../provider/profile.js'

/** Returns the function that asks a GraphQL API for the user. */
export function queryGraphQL(query: string): (context: ProfileContext, url: string) => Promise<unknown> {
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ query }) }
  return ({ fetchJson }, url) => fetchJson(url, init)
}
