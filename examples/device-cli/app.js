// @ts-check
import { deviceAuthorization } from 'express-relying-party'

/** The tool's registration at the local provider. Anyone can download the tool, so it has no client secret. */
export const registration = {
  client_id: 'reports-cli',
  client_name: 'The reports tool',
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  redirect_uris: [],
  post_logout_redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: /** @type {const} */ ('none'),
}

/** @type {import('../provider/index.js').ProviderOptions} */
export const providerOptions = {
  features: { deviceFlow: { enabled: true }, resourceIndicators: { enabled: true, useGrantedResource: () => true } },
}

/**
 * Signs a user in from the command line and reads the reports on their behalf.
 *
 * @param {object} options
 * @param {string} options.issuer
 * @param {string} options.apiUrl
 * @param {(line: string) => void | Promise<void>} options.say
 * @param {AbortSignal} [options.signal] stops waiting
 */
export async function runTool({ issuer, apiUrl, say, signal }) {
  const session = await deviceAuthorization({
    provider: { issuer, clientId: registration.client_id, clientAuth: 'none' },
    scope: 'openid profile reports:read',
    resource: apiUrl,
    onCode: ({ verificationUriComplete, verificationUri, userCode }) =>
      say(
        `Open ${verificationUriComplete ?? verificationUri} and check that it shows ${userCode}. Press Ctrl+C to stop.`,
      ),
    ...(signal && { signal }),
  })
  const answer = await session.fetch(`${apiUrl}/reports`)
  if (answer.status === 403) return say(`${session.claims?.name} may not read reports.`)
  const { reports } = await answer.json()
  say(`Signed in as ${session.claims?.name}. Reports: ${reports.join(', ')}`)
}
