// @ts-check
import { exportJWK, generateKeyPair } from 'jose'

/**
 * Generates the provider's signing keys, one for RS256 and one for ES256. They are new at every start.
 *
 * @returns {Promise<{ keys: import('oidc-provider').JWK[] }>}
 */
export async function generateSigningKeys() {
  return { keys: await Promise.all(['RS256', 'ES256'].map(generateSigningKey)) }
}

/** @param {string} alg */
async function generateSigningKey(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(privateKey)
  return /** @type {import('oidc-provider').JWK} */ ({
    ...jwk,
    alg,
    use: 'sig',
    kid: `${alg.toLowerCase()}-${Date.now().toString(36)}`,
  })
}
