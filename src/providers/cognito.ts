import { type Check, string } from '../lib/check.js'
import * as brands from './table/brands.js'
import { host } from './table/checks.js'
import { openIdPreset } from './table/preset.js'

/** Options that only {@link cognito} has. */
export interface CognitoOptions {
  /** The AWS region, such as `'eu-central-1'`. */
  region: string
  /** The ID of the user pool, such as `'eu-central-1_AbCdEfGhI'`. */
  userPoolId: string
  /** The domain of the user pool: its prefix, such as `'example'`, or a custom domain, such as `'login.example.com'`. */
  domain: string
}

const region: Check = (value) =>
  string(value) ?? (/^[a-z\d-]{5,40}$/.test(value as string) ? undefined : 'must be a region such as eu-central-1')

const userPoolId: Check = (value) =>
  string(value) ??
  (/^[a-z\d-]{5,40}_[A-Za-z\d]{1,60}$/.test(value as string)
    ? undefined
    : 'must be the ID of a user pool, such as eu-central-1_AbCdEfGhI')

/**
 * Signs users in with a user pool of Amazon Cognito.
 *
 * Cognito's logout has parameters of its own and sends no `state` back, so users return to `postLogoutPath`. Add that URL to
 * the allowed sign-out URLs.
 *
 * @see [Logout endpoint](https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html)
 *
 * @example
 * ```ts
 * cognito({ clientId, clientSecret, region: 'eu-central-1', userPoolId: 'eu-central-1_AbCdEfGhI', domain: 'example' })
 * ```
 */
export const cognito = /* @__PURE__ */ openIdPreset<CognitoOptions>(() => ({
  id: 'cognito',
  displayName: 'Amazon Cognito',
  brand: brands.cognito,
  issuer: 'https://cognito-idp.{region}.amazonaws.com/{userPoolId}',
  clientAuth: 'client_secret_basic',
  scope: 'openid profile email',
  own: {
    region: { check: region, missing: 'write the AWS region of the user pool, such as eu-central-1' },
    userPoolId: { check: userPoolId, missing: 'write the ID of the user pool, such as eu-central-1_AbCdEfGhI' },
    domain: { check: host, missing: "write the user pool's domain, which its sign-in pages are at" },
  },
  options({ region, userPoolId, domain }) {
    const issuer = `https://cognito-idp.${region}.amazonaws.com/${userPoolId}`
    const base = `https://${domain.includes('.') ? domain : `${domain}.auth.${region}.amazoncognito.com`}`
    return {
      // A pool may have two domains: its session, which the logout ends, is on the one that the user signed in at.
      metadata: {
        issuer,
        authorization_endpoint: `${base}/oauth2/authorize`,
        token_endpoint: `${base}/oauth2/token`,
        userinfo_endpoint: `${base}/oauth2/userInfo`,
        revocation_endpoint: `${base}/oauth2/revoke`,
        jwks_uri: `${issuer}/.well-known/jwks.json`,
      },
      logoutUrl: ({ clientId, postLogoutRedirectUri }) =>
        `${base}/logout?${new URLSearchParams({ client_id: clientId, logout_uri: postLogoutRedirectUri })}`,
    }
  },
}))
