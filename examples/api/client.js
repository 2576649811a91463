// @ts-check
import { clientCredentials } from 'express-relying-party'

/**
 * Calls the API as a program without a user, and prints each response.
 *
 * @param {object} options
 * @param {string} options.issuer
 * @param {string} options.clientId
 * @param {string} options.clientSecret
 * @param {string} options.resource the URL of the API, for which tokens are requested
 * @param {(line: string) => void} say
 */
export async function callApi({ issuer, clientId, clientSecret, resource }, say) {
  const provider = { issuer, clientId, clientSecret }
  const reader = clientCredentials({ provider, resource, scope: 'reports:read' })
  const writer = clientCredentials({ provider, resource, scope: 'reports:write' })
  const url = `${resource}/reports`

  await report('With a token for reports:read', () => reader.fetch(url))
  await report('Without a token', () => fetch(url))
  await report('With an invalid token', () => fetch(url, { headers: { authorization: 'Bearer nonsense' } }))
  await report('Writing with the token for reports:read', () => reader.fetch(url, { method: 'POST' }))
  await report('Writing with a token for reports:write', () => writer.fetch(url, { method: 'POST' }))

  /**
   * @param {string} what
   * @param {() => Promise<Response>} call
   */
  async function report(what, call) {
    const response = await call()
    say(`${what}: ${response.status} ${await response.text()}`)
    const challenge = response.headers.get('www-authenticate')
    if (challenge) say(`  ${challenge}`)
  }
}
