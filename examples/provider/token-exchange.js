// @ts-check

/** @see [RFC 8693](https://www.rfc-editor.org/rfc/rfc8693) */
export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

/**
 * Adds token exchange, which oidc-provider does not support: exchanges a user's access token for another one of the same
 * user, for an API. The scopes are limited to those of the first token. Register the client with the grant type {@link tokenExchangeGrant}.
 *
 * @param {import('./index.js').RunningProvider} running
 */
export function addTokenExchange({ provider }) {
  const parameters = ['subject_token', 'subject_token_type', 'requested_token_type', 'resource', 'scope']
  provider.registerGrantType(tokenExchangeGrant, exchange, parameters)

  /** @param {import('oidc-provider').KoaContextWithOIDC} ctx */
  async function exchange(ctx) {
    const { client, params } = ctx.oidc
    const subject = await provider.AccessToken.find(String(params?.subject_token))
    if (!client || !subject || subject.clientId !== client.clientId || params?.subject_token_type !== accessTokenType) {
      return ctx.throw(400, 'invalid_request')
    }
    const held = subject.scope?.split(' ') ?? []
    const asked = params.scope === undefined ? held : String(params.scope).split(' ')
    const scope = asked.filter((item) => held.includes(item)).join(' ')
    const audience = String(params.resource)
    const { accountId, grantId } = subject
    const source = { accountId, grantId, client, gty: 'token_exchange', scope }
    const token = new provider.AccessToken(/** @type {never} */ (source))
    token.resourceServer = new provider.ResourceServer(audience, {
      audience,
      scope,
      accessTokenFormat: 'jwt',
      jwt: { sign: { alg: 'RS256' } },
    })
    ctx.body = {
      access_token: await token.save(),
      issued_token_type: accessTokenType,
      token_type: 'Bearer',
      expires_in: token.expiration,
      scope,
    }
  }
}
