// @ts-check
import { clientCredentials } from 'express-relying-party'

/**
 * Calls the API as a program does that works for itself, with no user, and tells how each call is answered.
 *
 * @param {object} options
 * @param {string} options.issuer
 * @param {string} options.clientId
 * @param {string} options.clientSecret
 * @param {string} options.resource the URL of the API, which the tokens are asked for
 * @param {(line: string) => void} say
 */
export async function callApi({ issuer, clientId, clientSecret, resource }, say) {
  const provider = { issuer, clientId, clientSecret }
  const reader = clientCredentials({ provider, resource, scope: 'reports:read' })
  const writer = clientCredentials({ provider, resource, scope: 'reports:write' })
  const url = `${resource}/reports`

  await tell('With a token for reports:read', () => reader.fetch(url))
  await tell('Without a token', () => fetch(url))
  await tell('With something that is no token', () => fetch(url, { headers: { authorization: 'Bearer nonsense' } }))
  await tell('Writing with the token for reports:read', () => reader.fetch(url, { method: 'POST' }))
  await tell('Writing with a token for reports:write', () => writer.fetch(url, { method: 'POST' }))

  /**
   * @param {string} what
   * @param {() => Promise<Response>} call
   */
  async function tell(what, call) {
    const response = await call()
    say(`${what}: ${response.status} ${await response.text()}`)
    const challenge = response.headers.get('www-authenticate')
    if (challenge) say(`  ${challenge}`)
  }
}
