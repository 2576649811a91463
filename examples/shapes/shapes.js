// @ts-check
import { oauth2Shapes } from './oauth2Shapes.js'

/** @typedef {{ id: string, number: number, name: string, login: string, email: string }} User */

/** Anyone can sign in as one of them. @type {User[]} */
export const users = [
  { id: 'ada', number: 1815, name: 'Ada Lovelace', login: 'ada', email: 'ada@example.com' },
  { id: 'grace', number: 1906, name: 'Grace Hopper', login: 'grace', email: 'grace@example.com' },
]

/**
 * How a provider behaves.
 *
 * @typedef {object} Shape
 * @property {string} authorize the path of the authorization endpoint
 * @property {string} token the path of the token endpoint
 * @property {string} scopeSeparator between the scopes of a token response
 * @property {string} [cancelled] the error if the user cancels; default is `access_denied`
 * @property {readonly [status: number, code: string, client: string]} [errors] of the token endpoint
 * @property {'basic'} [clientAuth] where the client secret is expected; default is the body
 * @property {'refused'} [pkce] whether requests with a code challenge fail
 * @property {true} [iss] whether authorization responses name the issuer
 * @property {'HS256'} [alg] signs ID tokens with the client secret
 * @property {false} [nonce] whether ID tokens lack the nonce
 * @property {(response: Record<string, unknown>) => Record<string, unknown>} [tokens] what differs in token responses
 * @property {(user: User, base: string) => Record<string, unknown>} [idToken] the claims of its ID tokens
 * @property {(base: string) => Record<string, unknown> & { path: string }} [metadata] its path, and what differs in it
 * @property {Record<string, (user: User) => unknown>} [api] what its API answers, by path
 * @property {(user: User) => unknown} [introduction] the parameter `user`, sent at the first login
 */

const tenant = '8eaef023-2b34-4da1-9baa-8bc8c9d6a490'
const configuration = '/.well-known/openid-configuration'

/**
 * A provider that follows OpenID Connect.
 *
 * @param {Partial<Shape>} [more] what differs
 * @returns {Shape}
 */
function standard(more) {
  return {
    authorize: '/authorize',
    token: '/token',
    scopeSeparator: ' ',
    metadata: () => ({ path: configuration }),
    idToken: ({ id, name, email }) => ({ sub: `${id}-subject`, name, email, email_verified: true }),
    ...more,
  }
}

export const shapes = {
  google: /** @type {Shape} */ ({
    authorize: '/o/oauth2/v2/auth',
    token: '/token',
    scopeSeparator: ' ',
    metadata: () => ({ path: configuration }),
    idToken: ({ number, name, email }) => ({ sub: String(number), name, email, email_verified: true }),
  }),

  github: /** @type {Shape} */ ({
    authorize: '/login/oauth/authorize',
    token: '/login/oauth/access_token',
    scopeSeparator: ',',
    errors: [200, 'bad_verification_code', 'incorrect_client_credentials'],
    api: {
      '/api/v3/user': ({ number, login, name }) => ({ id: number, login, name, email: null, avatar_url: null }),
      '/api/v3/user/emails': ({ login, email }) => [
        { email: `${login}@users.noreply.example.com`, primary: false, verified: true },
        { email, primary: true, verified: true },
      ],
    },
  }),

  apple: /** @type {Shape} */ ({
    authorize: '/auth/authorize',
    token: '/auth/token',
    scopeSeparator: ' ',
    cancelled: 'user_cancelled_authorize',
    metadata: () => ({ path: configuration }),
    // Apple writes booleans as strings, and never the name.
    idToken: ({ number }) => ({
      sub: `00${number}.apple`,
      email: `${number}@privaterelay.example.com`,
      email_verified: 'true',
      is_private_email: 'true',
    }),
    introduction({ name, email }) {
      const [firstName, lastName] = name.split(' ')
      return { name: { firstName, lastName }, email }
    },
  }),

  microsoft: /** @type {Shape} */ ({
    authorize: '/common/oauth2/v2.0/authorize',
    token: '/common/oauth2/v2.0/token',
    scopeSeparator: ' ',
    // The metadata of `common` has a template in place of the issuer.
    metadata: (base) => ({ path: `/common/v2.0${configuration}`, issuer: `${base}/{tenantid}/v2.0` }),
    idToken: ({ number, name, email }, base) => ({
      iss: `${base}/${tenant}/v2.0`,
      tid: tenant,
      sub: `pairwise-${number}`,
      oid: `oid-${number}`,
      name,
      email,
      preferred_username: email,
    }),
  }),

  auth0: standard({ errors: [403, 'invalid_grant', 'access_denied'] }),
  cognito: standard({
    clientAuth: 'basic',
    idToken: ({ id, email }) => ({ sub: `${id}-uuid`, email, email_verified: 'true', token_use: 'id' }),
  }),
  gitlab: standard({
    clientAuth: 'basic',
    idToken: ({ number, email }) => ({ sub: String(number), email, email_verified: true }),
    api: { '/userinfo': ({ number, login, email }) => ({ sub: String(number), nickname: login, email }) },
  }),
  keycloak: standard({ clientAuth: 'basic', iss: true }),
  line: standard({
    alg: 'HS256',
    cancelled: 'ACCESS_DENIED',
    idToken: ({ number, name }) => ({ sub: `U${number}`, name, amr: ['linesso'] }),
  }),
  linkedin: standard({
    scopeSeparator: ',',
    pkce: 'refused',
    nonce: false,
    cancelled: 'user_cancelled_login',
    errors: [400, 'invalid_request', 'invalid_client'],
    idToken: ({ id, name, email }) => ({ sub: `${id}Q`, name, email, email_verified: 'true' }),
  }),
  okta: standard({
    clientAuth: 'basic',
    idToken: ({ id }) => ({ sub: `00u${id}`, amr: ['pwd'] }),
    api: { '/userinfo': ({ id, name, email }) => ({ sub: `00u${id}`, name, email, email_verified: true }) },
  }),
  slack: standard({
    pkce: 'refused',
    errors: [200, 'invalid_code', 'bad_client_secret'],
    tokens: (response) => ({ ok: response.error === undefined, ...response }),
    idToken: ({ id, name, email }) => ({
      sub: `U${id}`,
      'https://slack.com/team_id': 'T0123456789',
      'https://slack.com/user_id': `U${id}`,
      name,
      email,
      email_verified: true,
    }),
  }),
  twitch: standard({
    idToken: ({ number, login, email }) => ({
      sub: String(number),
      preferred_username: login,
      email,
      email_verified: true,
    }),
    tokens({ scope, error, ...response }) {
      return error === undefined
        ? { ...response, scope: String(scope).split(' ') }
        : { status: 400, message: 'Invalid authorization code' }
    },
  }),
  zitadel: standard({
    clientAuth: 'basic',
    idToken: ({ number }) => ({ sub: String(number) }),
    api: { '/userinfo': ({ number, name, email }) => ({ sub: String(number), name, email, email_verified: true }) },
  }),
  ...oauth2Shapes,
}
