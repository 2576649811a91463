// @ts-check
import { clientCredentials } from 'express-relying-party'

/** The registration of this application at the local provider. It has no users, so it needs no redirect URI. */
export const registration = {
  client_id: 'nightly-job',
  client_secret: 'no-secret-outside-of-this-demo',
  grant_types: ['client_credentials'],
  redirect_uris: [],
  post_logout_redirect_uris: [],
  response_types: [],
}

/** @type {import('../provider/index.js').ProviderOptions} */
export const providerOptions = {
  features: { clientCredentials: { enabled: true }, resourceIndicators: { enabled: true } },
}

/**
 * Reads the reports of an API without a user. Both calls share one token, which is replaced before it expires.
 *
 * @param {{ issuer: string, apiUrl: string }} where
 */
export async function readReports({ issuer, apiUrl }) {
  const api = clientCredentials({
    provider: { issuer, clientId: registration.client_id, clientSecret: registration.client_secret },
    scope: 'reports:read',
    resource: apiUrl,
  })
  const answers = await Promise.all([api.fetch(`${apiUrl}/reports`), api.fetch(`${apiUrl}/reports`)])
  return Promise.all(answers.map((answer) => answer.json()))
}
