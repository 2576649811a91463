// @ts-check
import { InvalidGrant } from 'oidc-provider/lib/helpers/errors.js'
import { demoUsers } from './users.js'

/**
 * Adds the resource owner password grant, which oidc-provider does not support: anyone who knows the name and password of
 * a demo user gets tokens. Register the client with the grant type `password`.
 *
 * @param {import('./index.js').RunningProvider} running
 * @param {Record<string, string>} passwords by user ID
 */
export function addPasswordGrant({ provider }, passwords) {
  provider.registerGrantType('password', issueTokens, ['username', 'password', 'scope'])

  /** @param {import('oidc-provider').KoaContextWithOIDC} ctx */
  async function issueTokens(ctx) {
    const { client, params } = ctx.oidc
    const username = String(params?.username)
    const scope = String(params?.scope ?? 'openid')
    const user = demoUsers.find(({ id }) => id === username)
    if (!client || !user || passwords[user.id] !== params?.password) {
      throw new InvalidGrant('the user name or password is wrong')
    }
    const grant = new provider.Grant({ accountId: username, clientId: client.clientId })
    grant.addOIDCScope(scope)
    const source = { accountId: username, client, grantId: await grant.save(), gty: 'password', scope }
    const accessToken = new provider.AccessToken(/** @type {never} */ (source))
    const refreshToken = new provider.RefreshToken(/** @type {never} */ ({ ...source, rotations: 0 }))
    const idToken = new provider.IdToken({ ...user.claims, sub: user.id }, { ctx })
    Object.assign(idToken, { scope })
    ctx.body = {
      access_token: await accessToken.save(),
      expires_in: accessToken.expiration,
      id_token: await idToken.issue({ use: 'idtoken' }),
      refresh_token: await refreshToken.save(),
      scope,
      token_type: 'Bearer',
    }
  }
}
